#include "harness/report/totals.h"

#include <fmt/format.h>

#include "harness/base/text.h"

namespace crashpoint::report {

Status status_of(const CaseResult& result) {
  switch (result.verdict.outcome) {
    case oracle::Outcome::kPass:
      return Status::kPassed;
    case oracle::Outcome::kViolation:
      return result.known_finding.empty() ? Status::kViolation : Status::kKnown;
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

bool is_incomplete(const RunResult& run) {
  return run.interrupted || !run.missing.empty();
}

std::vector<std::string> describe_incomplete(const RunResult& run) {
  std::vector<std::string> lines;
  if (run.interrupted) {
    lines.push_back(fmt::format("Interrupted: {} of {} done.", with_commas(run.cases.size()),
                                counted(run.planned, "case")));
  }
  for (const Shard& shard : run.shards) {
    if (shard.interrupted) {
      lines.push_back("  interrupted: " + shard.command);
    }
  }
  for (const Part& part : run.missing) {
    lines.push_back(fmt::format("Missing: shard {}/{}.", part.number, part.of));
  }
  return lines;
}

int exit_code(const RunResult& run) {
  const Totals totals = count(run);
  if (totals.violations > 0) {
    return 1;
  }
  return totals.inconclusive > 0 || is_incomplete(run) ? 3 : 0;
}

}  // namespace crashpoint::report
