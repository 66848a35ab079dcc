// A run as JUnit XML, in the form that GitLab, GitHub's actions and Jenkins read alike: one
// <testsuite> per target; a <failure> for a violation, an <error> for an inconclusive case, a
// <skipped> for a known finding.
#pragma once

#include <string>

#include "harness/report/result.h"

namespace crashpoint::report {

[[nodiscard]] std::string junit_xml(const RunResult& run);

}  // namespace crashpoint::report
