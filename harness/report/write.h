// Writes the reports of a run.
#pragma once

#include <filesystem>

#include "harness/report/result.h"

namespace crashpoint::report {

struct ReportPaths {
  std::filesystem::path json;   // report.json: complete; the others are made from it
  std::filesystem::path junit;  // junit.xml, for GitLab, GitHub and Jenkins
  std::filesystem::path html;   // index.html, one self-contained page
};

// Creates `folder` if it is missing. Each file is written under a temporary name and then renamed, so a
// reader sees the old report or the new one. Throws EnvironmentError that names the path.
ReportPaths write_reports(const RunResult& run, const std::filesystem::path& folder);

}  // namespace crashpoint::report
