// What a case with commands needs of this machine, looked for before any of them runs.
#pragma once

#include <string>

#include "harness/scenario/scenario.h"

namespace crashpoint::recovery {

// "not installed: apt install rsync" for what `needs` names and is not there; empty: all is.
[[nodiscard]] std::string not_installed(const scenario::ProgramTarget& program);

// Throws UsageError where a command begins with a program that does not exist, or cannot be executed, and names the
// command. (A file in the data directory may be made by a command before it: that is seen when it is run.)
void require_programs(const scenario::Case& of);

}  // namespace crashpoint::recovery
