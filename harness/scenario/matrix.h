// One file, many cases: the product of a scenario's matrix. Internal to scenario/.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "harness/scenario/document.h"
#include "harness/scenario/matrix_axes.h"

namespace crashpoint::scenario {

// Every combination that is not excluded, the last parameter changing fastest; a file without a
// matrix has one, of no parameters. Borrows the document.
class Matrix {
 public:
  // The matrix itself has the form that the schema asks for. It is empty when there were problems.
  Matrix(const Document& document, std::vector<Problem>& problems);

  [[nodiscard]] std::size_t size() const { return combinations_.size(); }

  // Whether a run takes it that asks for no cases in particular: as many as "sample" says, the first
  // and the last among them.
  [[nodiscard]] bool is_sampled(std::size_t i) const;

  // Name -> value, as the file orders them; together "[appendfsync=always,nth=3]", or nothing.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> parameters(std::size_t i) const;
  [[nodiscard]] std::string suffix(std::size_t i) const;

  // The document with the values in place, and without the matrix. Made when asked for: all of them
  // at once would not fit.
  [[nodiscard]] Document document(std::size_t i) const;

 private:
  using Combination = std::vector<std::size_t>;  // of each axis, which choice

  [[nodiscard]] bool is_excluded(const Combination& combination) const;
  [[nodiscard]] bool next(Combination& combination) const;

  const Document& document_;
  std::vector<Axis> axes_;
  std::vector<Combination> combinations_;
};

}  // namespace crashpoint::scenario
