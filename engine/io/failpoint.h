// Failpoints: named places in the engine's own code at which a harness can end it, delay it or make
// a step fail. Names are `part/step/moment`; the whole list, with a line each, is in
// failpoint_list.h.
//
// Three ways to arm one:
//   - under the harness (environment CRASHPOINT_FAILPOINTS=traced) every failpoint makes one
//     pseudo-syscall, prctl(0x43505046 "CPPF", name, 0, 0, 0), which the tracer sees and answers: 0
//     = go on, n > 0 = what failpoint() returns. Without a tracer the kernel says EINVAL: go on;
//   - arm_failpoint(), for `crashpoint-engine --failpoint`;
//   - libfiu's own interfaces (fiu_enable in tests, fiu-ctrl).
//
// Compiled to nothing unless CRASHPOINT_FAILPOINTS is defined. Safe from any thread.
#pragma once

#include <span>
#include <string_view>

#include "engine/base/result.h"
#include "engine/io/failpoint_list.h"
#include "engine/io/file.h"

namespace engine::io {

// A name from kFailpoints; any other does not compile.
class FailpointName {
 public:
  // Implicit, so that a call reads failpoint("aof/append/before-write").
  // NOLINTNEXTLINE(google-explicit-constructor)
  consteval FailpointName(const char* name) : name_(name) {
    if (!is_failpoint(name)) {
      throw "not in failpoint_list.h";
    }
  }
  const char* c_str() const { return name_; }

 private:
  const char* name_;
};

// What the armed action says: 0 = go on (also when nothing is armed), an errno that the step should
// fail with, or 1 to trigger a `planted/...` bug.
#ifdef CRASHPOINT_FAILPOINTS
int failpoint(FailpointName name);
#else
inline int failpoint(FailpointName) {
  return 0;
}
#endif

// The same as a Status, of a step on `path` (in the message).
inline Status fail_at(FailpointName name, std::string_view path = {}) {
  const int error = failpoint(name);
  return error == 0 ? Status() : Status(tl::unexpected(errno_error(name.c_str(), path, error)));
}

inline std::span<const Failpoint> failpoints() {
  return kFailpoints;
}

// Reads the environment; call once, before the first failpoint.
void init_failpoints();

// Arms `NAME[:NTH][:kill|error=ERRNO|trigger]`. NTH counts from 1 and means only that passage;
// without it every passage acts. Without an action: kill, or trigger for a `planted/...` name.
// Fails on a text of another form, an unknown name, and in a build without failpoints.
Status arm_failpoint(std::string_view specification);

}  // namespace engine::io
