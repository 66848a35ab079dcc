// The last line of the log of a target, for messages: "its last line: ...", "it printed nothing".
#pragma once

#include <string>
#include <string_view>

namespace crashpoint::recovery {

// Escaped, and without the process id and the time that Redis puts before each line: the same text for
// the same trouble.
[[nodiscard]] std::string last_line(std::string_view log);

}  // namespace crashpoint::recovery
