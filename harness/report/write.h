// Writes the reports of a run.
#pragma once

#include <filesystem>

#include "harness/report/result.h"

namespace crashpoint::report {

// The directory of the bundles within that of the reports.
inline constexpr const char* kBundles = "bundles";

struct ReportPaths {
  std::filesystem::path json;   // report.json: complete; the others are made from it
  std::filesystem::path junit;  // junit.xml, for GitLab, GitHub and Jenkins
  std::filesystem::path html;   // index.html, one self-contained page
};

// Before a run: removes the bundles of an earlier run from `folder`/bundles and writes the reports of
// `run`, which has no case yet, as interrupted. So it shows at once that the folder cannot be written,
// and a run that is killed leaves a true report. Throws EnvironmentError, and UsageError where `folder`
// has a report.json that no crashpoint wrote.
void begin_reports(RunResult run, const std::filesystem::path& folder);

// Creates `folder` if it is missing. Each file is written under a temporary name and then renamed, so a
// reader sees the old report or the new one. Throws EnvironmentError that names the path.
ReportPaths write_reports(const RunResult& run, const std::filesystem::path& folder);

}  // namespace crashpoint::report
