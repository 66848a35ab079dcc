// A case in plain text, as the console and JUnit tell it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "harness/report/result.h"

namespace crashpoint::report {

// `text` after `label`, its further lines set under the first:
//   "  found      3 commands are gone\n"
[[nodiscard]] std::string labelled(std::string_view label, std::string_view text);

// What was promised, what was found, which acknowledged commands are lost, which keys differ, the
// nearest explanation and the command that reproduces it: a line each, in printable characters.
// Lists are cut after `shown` entries, saying how many follow.
[[nodiscard]] std::string explain(const CaseResult& result, std::size_t shown);

}  // namespace crashpoint::report
