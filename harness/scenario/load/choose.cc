#include "harness/scenario/load/choose.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "harness/base/glob.h"

namespace crashpoint::scenario {
namespace {

constexpr std::string_view kTag = "tag:";

bool matches(const std::string& pattern, const Case& candidate) {
  if (pattern.starts_with(kTag)) {
    const std::string_view wanted = std::string_view(pattern).substr(kTag.size());
    return std::any_of(candidate.tags.begin(), candidate.tags.end(),
                       [&](const std::string& tag) { return name_match(wanted, tag); });
  }
  return name_match(pattern, candidate.name) || name_match(pattern, candidate.scenario);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The digits at `at`; moves `at` past them.
std::string_view number_at(std::string_view text, std::size_t& at) {
  const std::size_t begin = at;
  while (at < text.size() && is_digit(text[at])) {
    ++at;
  }
  return text.substr(begin, at - begin);
}

bool name_less(std::string_view a, std::string_view b) {
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::string_view left = number_at(a, i);
      const std::string_view right = number_at(b, j);
      if (left != right) {
        return left.size() != right.size() ? left.size() < right.size() : left < right;
      }
    } else if (a[i] != b[j]) {
      return a[i] < b[j];
    } else {
      ++i;
      ++j;
    }
  }
  return a.size() - i < b.size() - j;
}

}  // namespace

bool is_chosen(const Case& candidate, const std::vector<std::string>& filter,
               const std::vector<std::string>& exclude) {
  const auto matched = [&](const std::string& pattern) { return matches(pattern, candidate); };
  return (filter.empty() || std::any_of(filter.begin(), filter.end(), matched)) &&
         std::none_of(exclude.begin(), exclude.end(), matched);
}

void sort_by_name(std::vector<Case>& cases) {
  std::sort(cases.begin(), cases.end(),
            [](const Case& a, const Case& b) { return name_less(a.name, b.name); });
}

}  // namespace crashpoint::scenario
