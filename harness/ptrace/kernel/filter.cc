#include "harness/ptrace/kernel/filter.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "harness/ptrace/kernel/registers.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::ptrace {
namespace {

constexpr std::uint32_t trace_with(unsigned data) {
  return SECCOMP_RET_TRACE | data;
}

sock_filter load(std::size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}

sock_filter answer(std::uint32_t action) {
  return BPF_STMT(BPF_RET | BPF_K, action);
}

// Skips `if_true` or `if_false` instructions.
sock_filter jump(std::uint16_t test, std::uint32_t value, std::size_t if_true,
                 std::size_t if_false) {
  return BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), value,
                  static_cast<std::uint8_t>(if_true), static_cast<std::uint8_t>(if_false));
}

// What decides about one syscall once its number has matched: ends in an answer.
std::vector<sock_filter> decide(const trace::Syscall& syscall) {
  std::vector<sock_filter> code;
  for (const trace::Condition& condition : syscall.only) {
    // The low half of the argument: all values asked for fit in it (little endian).
    code.push_back(load(offsetof(seccomp_data, args) +
                        sizeof(std::uint64_t) * static_cast<std::size_t>(condition.argument)));
    code.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, condition.mask));
    for (std::size_t left = condition.values.size(); const std::uint32_t value : condition.values) {
      --left;
      code.push_back(jump(BPF_JEQ, value, left + 1, 0));  // over the rest and the refusal
    }
    code.push_back(answer(SECCOMP_RET_ALLOW));
  }
  code.push_back(answer(trace_with(kNative)));
  return code;
}

// clone3 has its flags in memory.
std::vector<trace::Syscall> untraced_births() {
  return {{.number = SYS_clone, .only = {{0, CLONE_UNTRACED, {CLONE_UNTRACED}}}},
          {.number = SYS_clone3}};
}

}  // namespace

std::vector<sock_filter> make_filter(std::span<const trace::Syscall> calls, long stop_from) {
  std::vector<sock_filter> code = {
      load(offsetof(seccomp_data, arch)),
      jump(BPF_JEQ, audit_architecture(), 1, 0),
      answer(trace_with(kForeign)),
      load(offsetof(seccomp_data, nr)),
  };
  if (foreign_numbers_from() != 0) {
    code.push_back(jump(BPF_JGE, foreign_numbers_from(), 0, 1));
    code.push_back(answer(trace_with(kForeign)));
  }
  if (stop_from != 0) {
    code.push_back(jump(BPF_JGE, static_cast<std::uint32_t>(stop_from), 0, 1));
    code.push_back(answer(trace_with(kNative)));
  }
  std::vector<trace::Syscall> stopping(calls.begin(), calls.end());
  for (const trace::Syscall& birth : untraced_births()) {
    if (std::ranges::find(calls, birth.number, &trace::Syscall::number) == calls.end()) {
      stopping.push_back(birth);
    }
  }
  for (const trace::Syscall& syscall : stopping) {
    const std::vector<sock_filter> decision = decide(syscall);
    code.push_back(jump(BPF_JEQ, static_cast<std::uint32_t>(syscall.number), 0, decision.size()));
    code.insert(code.end(), decision.begin(), decision.end());
  }
  code.push_back(answer(SECCOMP_RET_ALLOW));
  return code;
}

int install_filter(const std::vector<sock_filter>& filter) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()),
                           const_cast<sock_filter*>(filter.data())};
  const auto install = [&program] {
    return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
  };
  if (install() ||
      (errno == EACCES && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && install())) {
    return 0;
  }
  return errno;
}

}  // namespace crashpoint::ptrace
