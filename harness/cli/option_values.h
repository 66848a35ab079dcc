// Values of options, read strictly: all of the text or nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crashpoint::cli {

// A whole number in digits, at most `max`.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t max);

// "90s", "1.5h" in seconds. Throws UsageError that names `option` and what is allowed.
[[nodiscard]] double parse_duration(const std::string& option, const std::string& text);

// For options that are given for nothing when they are empty, as by "$UNSET": throws UsageError that
// names `option` and what is `allowed`.
void refuse_empty(const std::string& option, const std::optional<std::string>& value,
                  std::string_view allowed);

}  // namespace crashpoint::cli
