// The story of one run for people: what the target wrote, synced and acknowledged on its way to the
// crash, and what was injected.
//
// Writes and acks between two other moments are told as one, and so are the further strikes of one
// fault: a story of 10,000 commands stays short. A sync shows which acks came before it and which
// after.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/report/result.h"
#include "harness/trace/trace.h"
#include "harness/workload/history.h"

namespace crashpoint::report {

// `faults` are the scenario's, in its order. `crash` says how the run ended ("the process tree is
// killed"; empty: it was not crashed). At most `moments_max` moments, those nearest to the end, and
// one that says how many came before; where a fault first strikes and the crash are always told.
[[nodiscard]] std::vector<Moment> tell_story(const trace::Trace& trace,
                                             const workload::History& history,
                                             const std::vector<FaultResult>& faults,
                                             const std::string& crash,
                                             std::size_t moments_max = 60);

}  // namespace crashpoint::report
