#include "harness/oracle/dump/text_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <unordered_map>

#include "harness/base/text.h"

namespace crashpoint::oracle {
namespace {

using Lines = std::vector<std::string_view>;

// With their ends, so that a last line without one is another line.
Lines split(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

// One line of a diff: of the first text, of the second, or of both.
struct Row {
  char sign = ' ';
  std::string_view line;
  std::size_t from = 0;  // its number in either text, or that of the line after it; from 0
  std::size_t to = 0;
};

// Above this many comparisons, the middle is shown as one block removed and one block added.
constexpr std::size_t kComparisonsMax = std::size_t{4} << 20;

// The longest common subsequence of the middle.
void compare(const Lines& a, const Lines& b, std::size_t begin, std::size_t a_end,
             std::size_t b_end, std::vector<Row>& rows) {
  const std::size_t height = a_end - begin;
  const std::size_t width = b_end - begin;
  std::vector<std::uint32_t> longest;  // of what is left of both, from each pair on
  const bool whole = height * width > kComparisonsMax;
  if (!whole) {
    longest.resize((height + 1) * (width + 1));
    for (std::size_t i = height; i-- > 0;) {
      for (std::size_t j = width; j-- > 0;) {
        longest[i * (width + 1) + j] =
            a[begin + i] == b[begin + j]
                ? longest[(i + 1) * (width + 1) + j + 1] + 1
                : std::max(longest[(i + 1) * (width + 1) + j], longest[i * (width + 1) + j + 1]);
      }
    }
  }
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < height || j < width) {
    const auto left = [&](std::size_t down, std::size_t right) {
      return longest[(i + down) * (width + 1) + j + right];
    };
    if (!whole && i < height && j < width && a[begin + i] == b[begin + j]) {
      rows.push_back({' ', a[begin + i], begin + i, begin + j});
      ++i;
      ++j;
    } else if (i < height && (whole || j == width || left(1, 0) >= left(0, 1))) {
      rows.push_back({'-', a[begin + i], begin + i, begin + j});
      ++i;
    } else {
      rows.push_back({'+', b[begin + j], begin + i, begin + j});
      ++j;
    }
  }
}

std::string text_of(const Row& row, const DiffLimits& limits) {
  std::string_view line = row.line;
  const bool ended = line.ends_with('\n');
  line.remove_suffix(ended ? 1 : 0);
  return fmt::format("{}{}{}\n", row.sign, shorten(line, limits.line_bytes),
                     ended ? "" : "  (no end of line)");
}

}  // namespace

std::string text_diff(std::string_view expected, std::string_view found, const DiffLimits& limits) {
  if (expected == found) {
    return {};
  }
  const Lines a = split(expected);
  const Lines b = split(found);
  const std::size_t shorter = std::min(a.size(), b.size());
  std::size_t begin = 0;
  while (begin < shorter && a[begin] == b[begin]) {
    ++begin;
  }
  std::size_t tail = 0;
  while (tail < shorter - begin && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
    ++tail;
  }
  std::vector<Row> rows;
  const std::size_t first = begin - std::min(begin, limits.context);
  for (std::size_t i = first; i < begin; ++i) {
    rows.push_back({' ', a[i], i, i});
  }
  compare(a, b, begin, a.size() - tail, b.size() - tail, rows);
  for (std::size_t i = 0; i < std::min(tail, limits.context); ++i) {
    rows.push_back({' ', a[a.size() - tail + i], a.size() - tail + i, b.size() - tail + i});
  }

  const auto near_change = [&](std::size_t row) {
    const std::size_t from = row - std::min(row, limits.context);
    const std::size_t to = std::min(rows.size(), row + limits.context + 1);
    return std::any_of(rows.begin() + static_cast<std::ptrdiff_t>(from),
                       rows.begin() + static_cast<std::ptrdiff_t>(to),
                       [](const Row& near) { return near.sign != ' '; });
  };
  std::string text;
  std::size_t shown = 0;
  bool within = false;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (!near_change(row)) {
      within = false;
      continue;
    }
    if (shown == limits.lines) {
      const auto left = std::count_if(rows.begin() + static_cast<std::ptrdiff_t>(row), rows.end(),
                                      [](const Row& other) { return other.sign != ' '; });
      return text + fmt::format("... {}\n", counted(static_cast<std::uint64_t>(left),
                                                    "more line differs", "more lines differ"));
    }
    if (!within) {
      text += fmt::format("@@ -{} +{} @@\n", rows[row].from + 1, rows[row].to + 1);
      within = true;
    }
    text += text_of(rows[row], limits);
    ++shown;
  }
  return text;
}

std::size_t line_distance(std::string_view a, std::string_view b) {
  std::unordered_map<std::string_view, std::int64_t> counts;
  for (const std::string_view line : split(a)) {
    ++counts[line.substr(0, line.find('\n'))];
  }
  for (const std::string_view line : split(b)) {
    --counts[line.substr(0, line.find('\n'))];
  }
  std::size_t distance = 0;
  for (const auto& [line, count] : counts) {
    distance += static_cast<std::size_t>(count < 0 ? -count : count);
  }
  return distance;
}

std::vector<std::size_t> differing_lines(std::string_view a, std::string_view b) {
  const Lines left = split(a);
  const Lines right = split(b);
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    if (i >= left.size() || i >= right.size() || left[i] != right[i]) {
      numbers.push_back(i + 1);
    }
  }
  return numbers;
}

}  // namespace crashpoint::oracle
