// Can this machine trace? For `crashpoint doctor`, and for the message when a run finds it cannot.
#pragma once

#include <string>
#include <vector>

namespace crashpoint::ptrace {

// Whether this thread has a capability (CAP_...) in effect.
[[nodiscard]] bool has_capability(unsigned capability);

struct SupportCheck {
  std::string what;  // "ptrace", "seccomp filters", ...
  bool works = false;
  bool required = true;  // false: something is lost without it, `detail` says what
  std::string detail;    // what was found; when it does not work, what to allow
};

// Tries each mechanism on a child process.
[[nodiscard]] std::vector<SupportCheck> check_support();

// Why attaching failed with `error`, and what to allow.
[[nodiscard]] std::string ptrace_refused(int error);
[[nodiscard]] std::string seccomp_refused(int error);

}  // namespace crashpoint::ptrace
