// An exit status 0 acknowledges, too: a target that says it has ended well has made its data durable.
#pragma once

#include <optional>

#include "harness/campaign/live_run.h"
#include "harness/oracle/derive_guarantee.h"
#include "harness/recovery/program.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::campaign {

// What the end of a run promises beyond its configuration: every acknowledged write, where it ended with
// status 0 and keeps a log, or saves at the end. Nothing where it was killed, where the scenario states a
// guarantee, changes what is saved during the run, or asks for an end that may lose data (SHUTDOWN FORCE), and
// for a target whose configuration is not known.
[[nodiscard]] std::optional<oracle::DerivedGuarantee> promise_of_end(
    const scenario::Case& of, const recovery::Program& program, const LiveRun& run);

}  // namespace crashpoint::campaign
