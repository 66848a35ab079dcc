// The timeline of one run for people: what the target wrote, synced and acknowledged before the crash,
// and which faults fired.
//
// Writes and acks between two other moments are summarised in one moment each, and so are repeated
// firings of one fault, so that the story of 10,000 commands stays short. A sync shows which acks came
// before it and which after.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/report/result.h"
#include "harness/trace/trace.h"
#include "harness/workload/history.h"

namespace crashpoint::report {

// `faults` are the scenario's, in its order. `crash` says how the run ended ("the process tree is
// killed"; empty: it was not crashed). Returns at most `moments_max` moments, the last ones, and one
// that counts the omitted ones; the first firing of each fault and the crash are never omitted.
[[nodiscard]] std::vector<Moment> tell_story(const trace::Trace& trace,
                                             const workload::History& history,
                                             const std::vector<FaultResult>& faults,
                                             const std::string& crash,
                                             std::size_t moments_max = 60);

}  // namespace crashpoint::report
