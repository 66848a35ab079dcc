// Writes one case as a self-contained scenario file. Internal to scenario/.
#pragma once

#include <string>

#include "harness/scenario/parse/node.h"

namespace crashpoint::scenario {

// The text of a scenario file that needs no other file: with inherited keys and matrix values filled
// in, copied files as bytes, and the seed that was used. `reading` must have read the whole case;
// `scenario` is its name without the matrix.
[[nodiscard]] std::string stand_alone(const Reading& reading, const std::string& scenario);

}  // namespace crashpoint::scenario
