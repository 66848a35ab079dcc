// A guarded tree that stops at what shows it files, for the observer.
#pragma once

#include <cstdint>
#include <string>

#include "harness/ptrace/guard_handler.h"
#include "harness/ptrace/observer.h"
#include "harness/ptrace/supervisor.h"
#include "harness/ptrace/tracees.h"
#include "harness/trace/observations.h"

namespace crashpoint::ptrace {

class ObservingHandler : public Tracees::Handler {
 public:
  // Borrows `supervisor` and `observations`.
  ObservingHandler(Supervisor& supervisor, const std::string& data_directory,
                   trace::Observations& observations);

  void on_syscall(Thread& thread, const SyscallEntry& entry) override;
  void on_syscall_exit(Thread& thread, std::int64_t result) override;
  void on_process_end(Process& process, int status) override;
  void on_wake() override;

 private:
  Tracees& tracees_;
  GuardHandler guard_;
  Observer observer_;
};

}  // namespace crashpoint::ptrace
