#include "harness/scenario/json/problem.h"

#include <fmt/format.h>

#include <string>

#include "harness/base/text.h"

namespace crashpoint::scenario {

std::string to_string(const Problem& problem) {
  std::string out = printable(problem.file);
  if (problem.line > 0) {
    out += fmt::format(":{}:{}", problem.line, problem.column);
  }
  out += ": ";
  if (!problem.pointer.empty()) {
    out += printable(problem.pointer) + ": ";
  }
  return out + problem.text;
}

}  // namespace crashpoint::scenario
