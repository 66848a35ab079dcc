// What a target promises in the run of a case, whose workload may change its configuration.
#pragma once

#include <cstddef>
#include <optional>

#include "harness/oracle/derive_guarantee.h"
#include "harness/scenario/scenario.h"
#include "harness/workload/history.h"

namespace crashpoint::scenario {

// How far a run came.
struct Ran {
  std::size_t crashed_in =
      0;  // the step of the workload in which the crash came; that after the last: after all
  const workload::History& history;
};

// That of the configuration that promises least of those in force before the crash: the one of the case, and each
// that CONFIG SET makes of it, unless it was refused. What was in no log is lost to a target that is started again
// with one, and the other way round (restarted.h). Without `ran` the crash may come at any time.
[[nodiscard]] oracle::DerivedGuarantee promise_of(const Case& of, oracle::CrashKind crash,
                                                  oracle::EverysecLoss everysec,
                                                  const std::optional<Ran>& ran);

}  // namespace crashpoint::scenario
