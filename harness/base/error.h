// The two ways the harness itself can fail. A broken promise of the target is neither: it is a
// verdict.
#pragma once

#include <stdexcept>

namespace crashpoint {

// The user asked for something that cannot be: a bad scenario, option or path. Exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The harness could not find out: ptrace forbidden, no port, a target that will not start at all,
// a full temp folder. Never the target's fault as far as we know. Exit code 3.
class EnvironmentError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace crashpoint
