// A case in plain text, as the console, JUnit and bundles show it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "harness/report/result.h"

namespace crashpoint::report {

// `text` after `label`, with further lines aligned below the first:
//   "  found      3 commands are gone\n"
[[nodiscard]] std::string labelled(std::string_view label, std::string_view text);

// What was promised, what was found, the lost acknowledged commands, the keys that differ, the nearest
// explanation and the command that reproduces it: one line each, in printable characters. Lists are
// cut after `shown` entries, with the number of those omitted.
[[nodiscard]] std::string describe_case(const CaseResult& result, std::size_t shown);

}  // namespace crashpoint::report
