#include "harness/report/status.h"

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

}  // namespace crashpoint::report
