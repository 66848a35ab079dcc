// The content of a file as it is before a run.
#pragma once

#include <string>

namespace crashpoint::ptrace {

// Reads the regular file `name` in an open directory into `content`; holes cost nothing to read. Returns why it cannot: not
// permitted, or its holes are too large to keep (content then stays empty). Empty: it could.
[[nodiscard]] std::string read_content(int directory, const std::string& name,
                                       std::string& content);

}  // namespace crashpoint::ptrace
