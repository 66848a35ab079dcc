// The status of a case.
#pragma once

#include <cstdint>
#include <string_view>

#include "harness/report/result.h"

namespace crashpoint::report {

enum class Status : std::uint8_t {
  kPassed,
  kViolation,  // the target broke a promise
  kKnown,      // a violation that the scenario declares as a known finding: does not fail the run
  kInconclusive,  // neither a pass nor a violation: the harness could not decide
};

[[nodiscard]] Status status_of(const CaseResult& result);

// "passed", "violation", "known", "inconclusive", as in report.json.
[[nodiscard]] std::string_view word(Status status);

}  // namespace crashpoint::report
