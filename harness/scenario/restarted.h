// The target as it is started again after a crash.
#pragma once

#include "harness/scenario/scenario.h"

namespace crashpoint::scenario {

// As it was first started, but for the directives of `recovery.config`.
[[nodiscard]] Target restarted(const Case& of);

}  // namespace crashpoint::scenario
