#include "harness/report/exit_code.h"

#include <fmt/format.h>

#include "harness/base/text.h"
#include "harness/report/totals.h"

namespace crashpoint::report {

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
