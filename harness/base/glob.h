// Path patterns, the same wherever a scenario names files: faults, damage, expectations.
#pragma once

#include <string_view>

namespace crashpoint {

// `*` any run of characters but '/', `**` any run at all, `?` one character but '/', [a-z] and
// [!a-z] one of a set. A pattern without '/' is matched against the last component of `path`, at
// any depth; one with '/' against the whole of it.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view path);

}  // namespace crashpoint
