// Writes the new violations of a run down as known findings, for someone who begins to test a target that
// has some. scenarios/README.md describes the file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/report/result.h"

namespace crashpoint::campaign {

// Adds an entry to `file` for each new violation of `cases`, all of which are of `target`; entries that
// are there stay as they are. Returns how many were added; with none, the file is left alone. The file
// changes as a whole or not at all. Throws UsageError if it is no file of known findings of this target,
// EnvironmentError if it cannot be written.
std::size_t accept_known(const std::vector<report::CaseResult>& cases, const std::string& target,
                         const std::filesystem::path& file);

}  // namespace crashpoint::campaign
