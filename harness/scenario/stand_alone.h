// One case as a scenario file of its own. Internal to scenario/.
#pragma once

#include <string>

#include "harness/scenario/node.h"

namespace crashpoint::scenario {

// The text of a file that needs no other: what it inherited and what the matrix filled in are in it,
// files that it copies are there as bytes, its seed is the one that was read. `reading` has read the
// whole case; `scenario` is its name without the matrix.
[[nodiscard]] std::string stand_alone(const Reading& reading, const std::string& scenario);

}  // namespace crashpoint::scenario
