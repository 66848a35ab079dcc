// The name somebody meant: for "did you mean" in messages.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace crashpoint {

// Insertions, deletions, replacements and swaps of neighbours, each counting 1; case counts 0.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate closest to `word`, or empty when none is close enough to be a slip of the fingers
// (a third of its length). Of equals the first.
[[nodiscard]] std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace crashpoint
