// What a scenario may say but hardly means: a fault that cannot strike, an expectation that nothing
// can meet. Warnings, because config and workload can be cleverer than these rules. Internal to
// scenario/.
#pragma once

#include "harness/scenario/node.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::scenario {

// Adds to the warnings of the reading behind `root`, the top level `known` was read from.
void add_doubts(const Node& root, const Case& known);

}  // namespace crashpoint::scenario
