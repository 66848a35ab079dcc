// The status of a case, and the number of cases with each status.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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

struct Totals {
  std::uint64_t cases = 0;
  std::uint64_t passed = 0;
  std::uint64_t violations = 0;
  std::uint64_t known = 0;
  std::uint64_t inconclusive = 0;
  std::uint64_t cycles = 0;      // rounds of crash, recovery and verdict
  double cycles_per_second = 0;  // of wall time; 0 if no time was measured
};

[[nodiscard]] Totals count(const RunResult& run);

// Whether some cases that were meant to be run were not: the run was interrupted, or a part of it is
// missing from a merged report.
[[nodiscard]] bool is_incomplete(const RunResult& run);

// Why it is, in lines for people; empty if it is complete.
[[nodiscard]] std::vector<std::string> describe_incomplete(const RunResult& run);

// The exit code of a run: 1 if there is a violation; else 3 if a case is inconclusive or the run is
// incomplete; else 0.
[[nodiscard]] int exit_code(const RunResult& run);

}  // namespace crashpoint::report
