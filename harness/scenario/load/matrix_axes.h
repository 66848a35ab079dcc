// The axes of a matrix, read and checked. Internal to scenario/.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/scenario/json/document.h"

namespace crashpoint::scenario {

// One value of an axis.
struct Choice {
  std::string label;    // in the names of cases
  std::string value;    // JSON pointer to the value within the document; empty: use `number`
  Json number;          // from a range
  bool merged = false;  // merge into the value at the axis's pointer instead of replacing it
  Position position;
};

// One pointer with its values.
struct Axis {
  std::string pointer;  // of the value that varies
  std::string name;     // the last part of the pointer, or as many parts as make it unique
  Position position;
  std::vector<Choice> choices;
};

// The axes in the order of the file. "matrix" must satisfy the schema; all other errors, also in
// "exclude", are added to `problems`.
[[nodiscard]] std::vector<Axis> read_axes(const Document& document, std::vector<Problem>& problems);

// `value` as part of a case name, without characters that are special in a shell or in the bracket.
[[nodiscard]] std::string label_of(const Json& value);

// Per file; more cases are refused.
inline constexpr std::size_t kCasesMax = 20'000;

}  // namespace crashpoint::scenario
