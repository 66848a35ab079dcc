// The seccomp filter a traced program runs under: the syscalls of a table (syscalls.h) stop for the tracer,
// all others run at full speed.
#pragma once

#include <linux/filter.h>

#include <span>
#include <vector>

#include "harness/trace/syscalls.h"

namespace crashpoint::ptrace {

// Traced calls return SECCOMP_RET_TRACE with kNative; any call of another ABI (32-bit, x32), whose
// numbers mean something else, with kForeign.
inline constexpr unsigned kNative = 0;
inline constexpr unsigned kForeign = 1;

// The calls that make a child which asks not to be traced always stop, see tracees.h. `stop_from`: all numbers
// from here on stop as well; 0: none.
[[nodiscard]] std::vector<sock_filter> make_filter(std::span<const trace::Syscall> calls,
                                                   long stop_from = 0);

// In the child, before exec: async-signal-safe. Returns 0 or an errno. The filter is inherited by
// all that the program starts and cannot be taken off. Without CAP_SYS_ADMIN it takes
// PR_SET_NO_NEW_PRIVS, which leaves set-user-ID programs without their privileges.
int install_filter(const std::vector<sock_filter>& filter);

}  // namespace crashpoint::ptrace
