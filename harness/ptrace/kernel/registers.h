// The registers of a stopped thread, as far as syscalls go. registers.cc is the only file that
// knows an architecture.
//
// Every call is for a thread stopped under our ptrace. A thread can be killed while stopped: then
// a read returns false, a write does nothing, and its end is reported by wait(2) soon.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>

namespace crashpoint::ptrace {

struct SyscallEntry {
  std::uint64_t number = 0;
  std::array<std::uint64_t, 6> arguments{};
  std::uint64_t stack = 0;   // where the thread's stack ends
  unsigned filter_data = 0;  // what the filter said with SECCOMP_RET_TRACE
};

// At a seccomp stop: what is about to be called.
bool read_entry(pid_t tid, SyscallEntry& entry);
// At a syscall-exit stop: what it returned, -errno on failure.
bool read_result(pid_t tid, std::int64_t& result);

// At a seccomp stop: the kernel will not run the syscall, the program sees `result`.
void skip_syscall(pid_t tid, std::int64_t result);
// At a syscall-exit stop: the program sees `result` instead.
void set_result(pid_t tid, std::int64_t result);
// At a seccomp stop (and to put it back at the exit: programs rely on unchanged registers).
void set_argument(pid_t tid, int index, std::uint64_t value);
// Argument 0 again, at the exit. Where its register holds the result by then there is nothing to do.
void put_back_argument_0(pid_t tid, std::uint64_t value);

// AUDIT_ARCH_... of the programs we can trace: those of our own architecture and word size.
[[nodiscard]] std::uint32_t audit_architecture();
// Syscall numbers from here on belong to another ABI of the same architecture (x32); 0: none do.
[[nodiscard]] std::uint32_t foreign_numbers_from();

}  // namespace crashpoint::ptrace
