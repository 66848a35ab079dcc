// The tree runs at full speed: only faults at a moment strike, and its end is seen.
#pragma once

#include <cstdint>

#include "harness/ptrace/supervisor.h"
#include "harness/ptrace/tracees.h"

namespace crashpoint::ptrace {

class GuardHandler : public Tracees::Handler {
 public:
  // Borrows it.
  explicit GuardHandler(Supervisor& supervisor) : supervisor_(supervisor) {}

  // There is no filter of ours; one of the program's own may stop it.
  void on_syscall(Thread& thread, const SyscallEntry& entry) override;
  void on_syscall_exit(Thread& thread, std::int64_t result) override;
  void on_process_end(Process& process, int status) override;
  void on_wake() override;

 private:
  Supervisor& supervisor_;
};

}  // namespace crashpoint::ptrace
