#pragma once

#include <string>

namespace crashpoint::cli {

// The command line as typed, quoted for a shell.
[[nodiscard]] std::string this_command();

// The moment in UTC: "2024-05-01T12:00:00Z".
[[nodiscard]] std::string utc_now();

}  // namespace crashpoint::cli
