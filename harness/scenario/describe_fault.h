// A fault in words: "kill the tree during the 3rd fdatasync of *.incr.aof by main".
#pragma once

#include <string>

#include "harness/fault/fault.h"

namespace crashpoint::scenario {

[[nodiscard]] std::string describe(const fault::Fault& fault);

}  // namespace crashpoint::scenario
