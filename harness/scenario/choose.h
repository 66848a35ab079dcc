// Which cases the user asked for, and in what order they are shown. Internal to scenario/.
#pragma once

#include <string>
#include <vector>

#include "harness/scenario/scenario.h"

namespace crashpoint::scenario {

// Patterns as LoadOptions has them: no filter lets all pass, `exclude` wins.
[[nodiscard]] bool is_chosen(const Case& candidate, const std::vector<std::string>& filter,
                             const std::vector<std::string>& exclude);

// By name, numbers within names by size: nth=2 before nth=10.
void sort_by_name(std::vector<Case>& cases);

}  // namespace crashpoint::scenario
