// Tells a broken promise in terms of commands and keys.
#pragma once

#include <cstdint>
#include <functional>

#include "harness/oracle/resp/prepared.h"
#include "harness/oracle/resp/search.h"
#include "harness/oracle/verdict.h"
#include "harness/workload/history.h"

namespace crashpoint::oracle {

struct Situation {
  const Prepared& prepared;
  const Recovered& recovered;
  const Bounds& bounds;
  std::int64_t crash_ns;
};

// The state is that of `cut`, which lacks commands that had to be in it.
void explain_lost(const Situation& situation, const Cut& cut, Verdict& verdict);

// The state is that of no cut at all: sets lost commands, differing keys and the nearest cut.
void explain_nearest(const Situation& situation, Verdict& verdict);

// "after 57 of 100 commands", with each client's share where there are several.
[[nodiscard]] std::string describe_cut(const Prepared& prepared, const Cut& cut);

}  // namespace crashpoint::oracle
