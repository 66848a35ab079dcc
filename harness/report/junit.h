// A run as JUnit XML, in the form that GitLab, GitHub Actions and Jenkins all read: one <testsuite>
// per target; <failure> for a violation, <error> for an inconclusive case, <skipped> for a known
// finding.
#pragma once

#include <string>

#include "harness/report/result.h"

namespace crashpoint::report {

[[nodiscard]] std::string junit_xml(const RunResult& run);

}  // namespace crashpoint::report
