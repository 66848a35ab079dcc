#include "harness/ptrace/kernel/registers.h"

#include <elf.h>
#include <linux/audit.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "harness/base/check.h"
#include "harness/ptrace/kernel/request.h"

namespace crashpoint::ptrace {

bool read_entry(pid_t tid, SyscallEntry& entry) {
  __ptrace_syscall_info info{};
  if (!request(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info)) {
    return false;
  }
  HARNESS_CHECK(info.op == PTRACE_SYSCALL_INFO_SECCOMP, tid, info.op);
  entry.number = info.seccomp.nr;
  entry.filter_data = info.seccomp.ret_data;
  entry.stack = info.stack_pointer;
  std::copy(std::begin(info.seccomp.args), std::end(info.seccomp.args), entry.arguments.begin());
  return true;
}

bool read_result(pid_t tid, std::int64_t& result) {
  __ptrace_syscall_info info{};
  if (!request(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) ||
      info.op != PTRACE_SYSCALL_INFO_EXIT) {
    return false;
  }
  result = info.exit.rval;
  return true;
}

#if defined(__x86_64__)

namespace {

void poke(pid_t tid, std::size_t offset, std::uint64_t value) {
  request(PTRACE_POKEUSER, tid, offset, value);
}

}  // namespace

void skip_syscall(pid_t tid, std::int64_t result) {
  poke(tid, offsetof(user, regs.orig_rax), ~std::uint64_t{0});
  set_result(tid, result);
}

void set_result(pid_t tid, std::int64_t result) {
  poke(tid, offsetof(user, regs.rax), static_cast<std::uint64_t>(result));
}

void set_argument(pid_t tid, int index, std::uint64_t value) {
  constexpr std::array<std::size_t, 6> kOffsets = {
      offsetof(user, regs.rdi), offsetof(user, regs.rsi), offsetof(user, regs.rdx),
      offsetof(user, regs.r10), offsetof(user, regs.r8),  offsetof(user, regs.r9)};
  HARNESS_CHECK(index >= 0 && index < static_cast<int>(kOffsets.size()), index);
  poke(tid, kOffsets[static_cast<std::size_t>(index)], value);
}

void put_back_argument_0(pid_t tid, std::uint64_t value) {
  set_argument(tid, 0, value);
}

std::uint32_t audit_architecture() {
  return AUDIT_ARCH_X86_64;
}
std::uint32_t foreign_numbers_from() {
  return 0x40000000;
}  // __X32_SYSCALL_BIT

#elif defined(__aarch64__)

namespace {

void set_general_register(pid_t tid, std::size_t index, std::uint64_t value) {
  user_regs_struct registers{};
  iovec area{&registers, sizeof registers};
  if (request(PTRACE_GETREGSET, tid, NT_PRSTATUS, &area)) {
    registers.regs[index] = value;
    request(PTRACE_SETREGSET, tid, NT_PRSTATUS, &area);
  }
}

}  // namespace

void skip_syscall(pid_t tid, std::int64_t result) {
  constexpr int kSystemCall = 0x404;  // NT_ARM_SYSTEM_CALL
  int none = -1;
  iovec area{&none, sizeof none};
  request(PTRACE_SETREGSET, tid, kSystemCall, &area);
  set_result(tid, result);
}

void set_result(pid_t tid, std::int64_t result) {
  set_general_register(tid, 0, static_cast<std::uint64_t>(result));
}

void set_argument(pid_t tid, int index, std::uint64_t value) {
  HARNESS_CHECK(index >= 0 && index < 6, index);
  set_general_register(tid, static_cast<std::size_t>(index), value);
}

void put_back_argument_0(pid_t /*tid*/, std::uint64_t /*value*/) {}

std::uint32_t audit_architecture() {
  return AUDIT_ARCH_AARCH64;
}
std::uint32_t foreign_numbers_from() {
  return 0;
}

#else
#error "crashpoint traces x86-64 and aarch64; teach registers.cc another architecture here"
#endif

}  // namespace crashpoint::ptrace
