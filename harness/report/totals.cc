#include "harness/report/totals.h"

namespace crashpoint::report {

Status status_of(const CaseResult& result) {
  switch (result.verdict.outcome) {
    case oracle::Outcome::kPass:
      return Status::kPassed;
    case oracle::Outcome::kViolation:
      return result.verdict.known.empty() ? Status::kViolation : Status::kKnown;
    case oracle::Outcome::kInconclusive:
      break;
  }
  return Status::kInconclusive;
}

std::string_view word(Status status) {
  switch (status) {
    case Status::kPassed:
      return "passed";
    case Status::kViolation:
      return "violation";
    case Status::kKnown:
      return "known";
    case Status::kInconclusive:
      break;
  }
  return "inconclusive";
}

Totals count(const RunResult& run) {
  Totals totals;
  for (const CaseResult& result : run.cases) {
    ++totals.cases;
    totals.cycles += result.cycles;
    switch (status_of(result)) {
      case Status::kPassed:
        ++totals.passed;
        break;
      case Status::kViolation:
        ++totals.violations;
        break;
      case Status::kKnown:
        ++totals.known;
        break;
      case Status::kInconclusive:
        ++totals.inconclusive;
        break;
    }
  }
  if (run.wall_ms > 0) {
    totals.cycles_per_second = static_cast<double>(totals.cycles) / (run.wall_ms / 1000);
  }
  return totals;
}

int exit_code(const RunResult& run) {
  const Totals totals = count(run);
  if (totals.violations > 0) {
    return 1;
  }
  return totals.inconclusive > 0 || run.interrupted ? 3 : 0;
}

}  // namespace crashpoint::report
