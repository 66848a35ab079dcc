// What a case came to, in one word, and how many there are of each.
#pragma once

#include <cstdint>
#include <string_view>

#include "harness/report/result.h"

namespace crashpoint::report {

enum class Status : std::uint8_t {
  kPassed,
  kViolation,     // the target broke a promise
  kKnown,         // it did, and the scenario declares it as a known finding: does not fail the run
  kInconclusive,  // the harness could not tell: neither a pass nor a violation
};

[[nodiscard]] Status status_of(const CaseResult& result);

// "passed", "violation", "known", "inconclusive": as report.json has it.
[[nodiscard]] std::string_view word(Status status);

struct Totals {
  std::uint64_t cases = 0;
  std::uint64_t passed = 0;
  std::uint64_t violations = 0;
  std::uint64_t known = 0;
  std::uint64_t inconclusive = 0;
  std::uint64_t cycles = 0;      // crash-recover-verdict rounds
  double cycles_per_second = 0;  // of wall time; 0 where no time was measured
};

[[nodiscard]] Totals count(const RunResult& run);

// What a run exits with: 1 when there is a violation; else 3 when a case is inconclusive, or the
// run was interrupted (what was not run is not known to hold); else 0.
[[nodiscard]] int exit_code(const RunResult& run);

}  // namespace crashpoint::report
