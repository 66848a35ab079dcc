// Expands the matrix of a scenario into its cases. Internal to scenario/.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "harness/scenario/json/document.h"
#include "harness/scenario/load/matrix_axes.h"

namespace crashpoint::scenario {

// All combinations that are not excluded; the last parameter changes fastest. A file without a matrix
// has one combination without parameters. Borrows the document.
class Matrix {
 public:
  // The matrix of `document` must satisfy the schema. Empty if there were problems.
  Matrix(const Document& document, std::vector<Problem>& problems);

  [[nodiscard]] std::size_t size() const { return combinations_.size(); }

  // Whether combination `i` belongs to the sample: "sample" many, including the first and the last.
  [[nodiscard]] bool is_sampled(std::size_t i) const;

  // Name -> value, in the order of the file. suffix() joins them: "[appendfsync=always,nth=3]", or "".
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> parameters(std::size_t i) const;
  [[nodiscard]] std::string suffix(std::size_t i) const;

  // The document with the values filled in and without the matrix. Made on demand, because all of them
  // together would not fit in memory.
  [[nodiscard]] Document document(std::size_t i) const;

 private:
  using Combination = std::vector<std::size_t>;  // the index of the choice of each axis

  [[nodiscard]] bool is_excluded(const Combination& combination) const;
  [[nodiscard]] bool next(Combination& combination) const;

  const Document& document_;
  std::vector<Axis> axes_;
  std::vector<Combination> combinations_;
};

}  // namespace crashpoint::scenario
