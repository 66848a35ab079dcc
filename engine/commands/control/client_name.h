// Names that clients give themselves (CLIENT SETNAME, HELLO SETNAME).
#pragma once

#include <algorithm>
#include <string_view>

namespace engine::commands {

inline constexpr std::string_view kInvalidClientName =
    "ERR Client names cannot contain spaces, newlines or special characters.";

// Printable ASCII without blanks, so that CLIENT LIST stays readable; an empty name removes it.
inline bool is_valid_client_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c >= '!' && c <= '~'; });
}

}  // namespace engine::commands
