#include "harness/report/totals.h"

#include "harness/report/status.h"

namespace crashpoint::report {

Totals count(const RunResult& run) {
  Totals totals;
  for (const CaseResult& result : run.cases) {
    ++totals.cases;
    totals.cycles += result.cycles;
    totals.continued += result.continued;
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

}  // namespace crashpoint::report
