// Reports what a traced program looks at of its data directory (see observations.h), from the calls that
// take paths or list directories. The program stops at these alone: all else runs at full speed.
//
// Soundness  Every syscall of Linux that names a file is in the table (syscalls.h), or newer than it: one of
//            those, and whatever else could show a file by another way (another root or namespace, a file
//            handle, io_uring, another ABI), makes it give up.
// Threads    All in the tracer's thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "harness/ptrace/files.h"
#include "harness/ptrace/kernel/registers.h"
#include "harness/ptrace/tree.h"
#include "harness/trace/observations.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::ptrace {

class Observer {
 public:
  // Borrows `observations`. The directory exists.
  Observer(const std::string& data_directory, trace::Observations& observations);

  // At the entry of a call; thread.call is set when its exit matters.
  void enter(Thread& thread, const SyscallEntry& entry);
  // At that exit.
  void leave(Thread& thread, std::int64_t result);

 private:
  [[nodiscard]] std::optional<ResolvedPath> resolve(const Thread& thread, std::int8_t directory,
                                                    std::int8_t path);
  void acts(const Thread& thread, bool changes);
  void enter_open(Thread& thread, const trace::Syscall& syscall);
  void enter_names(Thread& thread, const trace::Syscall& syscall);
  void enter_list(Thread& thread, const trace::Syscall& syscall);
  void enter_socket(Thread& thread);
  static void follow(Thread& thread, const trace::Syscall& syscall, ResolvedPath path,
                     ResolvedPath path2 = {});

  std::string data_directory_;  // canonical
  trace::Observations& observations_;
  pid_t first_ = 0;  // thread that looked inside
  bool several_ = false;
  bool changes_ = false;
};

}  // namespace crashpoint::ptrace
