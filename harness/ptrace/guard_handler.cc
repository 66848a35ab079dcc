#include "harness/ptrace/guard_handler.h"

#include <cstdint>
#include <optional>

#include "harness/ptrace/tree.h"

namespace crashpoint::ptrace {

void GuardHandler::on_syscall(Thread& thread, const SyscallEntry& /*entry*/) {
  supervisor_.tracees().resume(thread);
}

void GuardHandler::on_syscall_exit(Thread& thread, std::int64_t /*result*/) {
  supervisor_.tracees().resume(thread);
}

void GuardHandler::on_process_end(Process& process, int status) {
  supervisor_.process_ended(process, status);
}

void GuardHandler::on_wake() {
  supervisor_.woken(/*next_ns=*/std::nullopt, /*purposes=*/{}, /*now=*/0);
}

}  // namespace crashpoint::ptrace
