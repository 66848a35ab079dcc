// What a matrix varies, read and checked. Internal to scenario/.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/scenario/document.h"

namespace crashpoint::scenario {

// One value of an axis.
struct Choice {
  std::string label;    // in the names of cases
  std::string value;    // JSON pointer to it within the document; empty: `number`
  Json number;          // of a range
  bool merged = false;  // into what is at the axis's pointer, instead of replacing it
  Position position;
};

// One pointer with its values.
struct Axis {
  std::string pointer;  // what it varies
  std::string name;     // the last part of it, or as much as tells it from the others
  Position position;
  std::vector<Choice> choices;
};

// The axes in the order of the file. "matrix" has the form that the schema asks for; what is wrong
// beyond that, "exclude" included, becomes problems.
[[nodiscard]] std::vector<Axis> read_axes(const Document& document, std::vector<Problem>& problems);

// `value` as names of cases show it: what a shell or a bracket would trip over is replaced.
[[nodiscard]] std::string label_of(const Json& value);

// Of one file; more cases are refused.
inline constexpr std::size_t kCasesMax = 20'000;

}  // namespace crashpoint::scenario
