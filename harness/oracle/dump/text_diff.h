// What tells two texts apart, line by line, for people: a unified diff, limited in size and safe to print.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace crashpoint::oracle {

struct DiffLimits {
  std::size_t lines = 24;        // of the diff
  std::size_t line_bytes = 120;  // of each
  std::size_t context = 2;       // equal lines shown before and after what differs
};

// Empty if they are equal. Lines of `expected` that are not in `found` begin with '-', those of `found` that
// are not in `expected` with '+'. A missing end of the last line is marked, and bytes that are not text are escaped.
[[nodiscard]] std::string text_diff(std::string_view expected, std::string_view found,
                                    const DiffLimits& limits = {});

// How many lines of the one are not in the other, whatever their order and their ends: a measure to compare by.
[[nodiscard]] std::size_t line_distance(std::string_view a, std::string_view b);

// The numbers, from 1, of the lines of `a` at which `b` has another, or none.
[[nodiscard]] std::vector<std::size_t> differing_lines(std::string_view a, std::string_view b);

}  // namespace crashpoint::oracle
