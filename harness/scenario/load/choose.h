// Which cases the user chose, and the order of cases. Internal to scenario/.
#pragma once

#include <string>
#include <vector>

#include "harness/scenario/scenario.h"

namespace crashpoint::scenario {

// Patterns as in LoadOptions: an empty filter matches every case, `exclude` wins.
[[nodiscard]] bool is_chosen(const Case& candidate, const std::vector<std::string>& filter,
                             const std::vector<std::string>& exclude);

// By name; numbers within names are compared as numbers: nth=2 before nth=10.
void sort_by_name(std::vector<Case>& cases);

}  // namespace crashpoint::scenario
