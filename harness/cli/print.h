// Lines for people on standard error.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <utility>

#include "harness/base/text.h"

namespace crashpoint::cli {

// Control characters are escaped. A reader that is gone is no error: there is nobody left to tell.
template <typename... Values>
void print_error(fmt::format_string<Values...> text, Values&&... values) {
  std::fputs(printable(fmt::format(text, std::forward<Values>(values)...)).c_str(), stderr);
}

}  // namespace crashpoint::cli
