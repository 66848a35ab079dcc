// Warnings about a valid scenario that is probably a mistake: a fault that cannot fire, an expectation
// that cannot be met. Warnings, not errors, because configuration and workload can do things that
// these rules do not know. Internal to scenario/.
#pragma once

#include "harness/scenario/parse/node.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::scenario {

// Adds warnings to the reading of `root`, the top level from which `known` was read.
void add_doubts(const Node& root, const Case& known);

}  // namespace crashpoint::scenario
