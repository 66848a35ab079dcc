// One file, many cases: the product of a scenario's matrix. Internal to scenario/.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/scenario/document.h"

namespace crashpoint::scenario {

struct Variant {
  Document document;  // without "matrix"
  std::vector<std::pair<std::string, std::string>>
      parameters;  // name -> value, as the file orders them

  // "[appendfsync=always,nth=3]"; empty without a matrix.
  [[nodiscard]] std::string suffix() const;
};

// Every combination that is not excluded, the last parameter changing fastest. The matrix itself has
// the form that the schema asks for.
[[nodiscard]] std::vector<Variant> expand_matrix(const Document& document,
                                                 std::vector<Problem>& problems);

// Of one file; more are refused.
inline constexpr std::size_t kVariantsMax = 100'000;

}  // namespace crashpoint::scenario
