// Where a recording goes that is too large for memory.
#pragma once

#include <string>

namespace crashpoint::trace {

// A new file without a name in `directory` (empty: $TMPDIR, or /tmp): gone when it is closed,
// whatever ends the program. Throws EnvironmentError.
[[nodiscard]] int open_spill_file(const std::string& directory);

}  // namespace crashpoint::trace
