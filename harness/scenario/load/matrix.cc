#include "harness/scenario/load/matrix.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "harness/scenario/load/each_call.h"

namespace crashpoint::scenario {

Matrix::Matrix(const Document& document, std::vector<Problem>& problems) : document_(document) {
  const std::size_t before = problems.size();
  if (document.json().contains("matrix")) {
    axes_ = read_axes(document, problems);
  }
  if (problems.size() > before) {
    return;
  }
  Combination combination(axes_.size(), 0);
  do {
    if (!is_excluded(combination)) {
      combinations_.push_back(combination);
    }
  } while (next(combination));
  if (combinations_.empty()) {
    problems.push_back(problem_at(document.key_position("/matrix/exclude"), "/matrix/exclude",
                                  "excludes every combination; no case is left"));
  }
}

bool Matrix::is_sampled(std::size_t i) const {
  const Json& matrix = document_.json().value("matrix", Json::object());
  return is_in_sample(i, size(), matrix.value("sample", size()));
}

std::vector<std::pair<std::string, std::string>> Matrix::parameters(std::size_t i) const {
  std::vector<std::pair<std::string, std::string>> all;
  for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
    all.emplace_back(axes_[axis].name, axes_[axis].choices[combinations_[i][axis]].label);
  }
  return all;
}

std::string Matrix::suffix(std::size_t i) const {
  std::vector<std::string> words;
  for (const auto& [name, value] : parameters(i)) {
    words.push_back(name.empty() ? value : fmt::format("{}={}", name, value));
  }
  return words.empty() ? std::string() : fmt::format("[{}]", fmt::join(words, ","));
}

Document Matrix::document(std::size_t i) const {
  Document made = document_;
  made.erase("matrix");
  // Shorter pointers first, so that a whole target does not overwrite a directive chosen for it.
  std::vector<std::size_t> order(axes_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return axes_[a].pointer.size() < axes_[b].pointer.size();
  });
  for (const std::size_t axis : order) {
    const std::string& pointer = axes_[axis].pointer;
    const Choice& choice = axes_[axis].choices[combinations_[i][axis]];
    if (choice.merged) {
      made.merge(pointer, document_, choice.value);
    } else if (choice.value.empty()) {
      made.assign(pointer, choice.number, choice.position);
    } else {
      made.assign(pointer, document_, choice.value);
    }
  }
  return made;
}

bool Matrix::is_excluded(const Combination& combination) const {
  if (!document_.json().contains("matrix") || !document_.json()["matrix"].contains("exclude")) {
    return false;
  }
  const Json& rules = document_.json()["matrix"]["exclude"];
  return std::any_of(rules.begin(), rules.end(), [&](const Json& rule) {
    for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
      const auto wanted = rule.find(axes_[axis].pointer);
      if (wanted != rule.end() &&
          label_of(*wanted) != axes_[axis].choices[combination[axis]].label) {
        return false;
      }
    }
    return true;
  });
}

bool Matrix::next(Combination& combination) const {
  for (std::size_t axis = combination.size(); axis-- > 0;) {
    if (++combination[axis] < axes_[axis].choices.size()) {
      return true;
    }
    combination[axis] = 0;
  }
  return false;
}

}  // namespace crashpoint::scenario
