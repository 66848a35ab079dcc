// Writes the reports of a run.
#pragma once

#include <filesystem>

#include "harness/report/result.h"

namespace crashpoint::report {

struct ReportPaths {
  std::filesystem::path json;   // report.json: all there is; the others are made from it
  std::filesystem::path junit;  // junit.xml, for GitLab, GitHub and Jenkins
  std::filesystem::path html;   // index.html, one self-contained page
};

// Makes `folder` if it is missing. Each file is written whole under a temp name and then renamed:
// a reader sees the old report or the new one. Throws EnvironmentError, naming the path.
ReportPaths write_reports(const RunResult& run, const std::filesystem::path& folder);

}  // namespace crashpoint::report
