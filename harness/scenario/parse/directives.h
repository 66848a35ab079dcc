// Directives of redis.conf with which a target would leave the harness's sight: it would write elsewhere,
// serve elsewhere, take its data from elsewhere or give it up, and what is lost then would not be
// missed. Internal to scenario/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/scenario/parse/node.h"

namespace crashpoint::scenario {

// The words of a directive's value as the target reads them: separated by blanks, in double quotes with
// escapes, or in single quotes. Empty if a quote is not closed.
[[nodiscard]] std::optional<std::vector<std::string>> words_of_directive(std::string_view value);

// Adds a problem for each directive that a scenario cannot have, in the config and the arguments of its
// target and in the commands of its workload ("CONFIG SET", "REPLICAOF").
void check_directives(const Node& scenario);

}  // namespace crashpoint::scenario
