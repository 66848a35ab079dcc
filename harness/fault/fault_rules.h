// Which faults make sense: checked when a scenario is read, and again when a tracer starts.
#pragma once

#include <string>
#include <string_view>

#include "harness/fault/fault.h"

namespace crashpoint::fault {

// Why `fault` cannot be, with what is allowed instead; empty when it can.
[[nodiscard]] std::string fault_problem(const Fault& fault);

// "ENOSPC" for 28, "errno 524" for what has no name.
[[nodiscard]] std::string error_name(int error);
// 28 for "ENOSPC"; 0: no such name.
[[nodiscard]] int error_number(std::string_view name);

// 9 for "SIGKILL" or "KILL"; 0: no such name.
[[nodiscard]] int signal_number(std::string_view name);

}  // namespace crashpoint::fault
