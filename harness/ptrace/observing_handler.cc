#include "harness/ptrace/observing_handler.h"

#include <cstdint>
#include <string>

#include "harness/ptrace/tree.h"

namespace crashpoint::ptrace {

ObservingHandler::ObservingHandler(Supervisor& supervisor, const std::string& data_directory,
                                   trace::Observations& observations)
    : tracees_(supervisor.tracees()), guard_(supervisor), observer_(data_directory, observations) {
  tracees_.shared_cpu().decide_soon();
}

void ObservingHandler::on_syscall(Thread& thread, const SyscallEntry& entry) {
  observer_.enter(thread, entry);
  tracees_.resume(thread);
}

void ObservingHandler::on_syscall_exit(Thread& thread, std::int64_t result) {
  observer_.leave(thread, result);
  tracees_.resume(thread);
}

void ObservingHandler::on_process_end(Process& process, int status) {
  guard_.on_process_end(process, status);
}

void ObservingHandler::on_wake() {
  guard_.on_wake();
}

}  // namespace crashpoint::ptrace
