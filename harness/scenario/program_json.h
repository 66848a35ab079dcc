// A case of a target that is any program as the scenario file that gives it.
#pragma once

#include <string>

#include "harness/scenario/scenario.h"

namespace crashpoint::scenario {

// `of` has a `program` and explores with the defaults but for the largest number of states.
[[nodiscard]] std::string program_scenario(const Case& of);

}  // namespace crashpoint::scenario
