// What a case of a scenario asks of an exploration.
#pragma once

#include "harness/explore/explore.h"
#include "harness/recovery/recovery_checks.h"

namespace crashpoint::explore {

// `plan.of.crash` is a power loss, which is an exploration of the crash alone, or explores. Folder
// and jobs are left to the caller.
[[nodiscard]] ExploreOptions options_of(const recovery::RecoveryPlan& plan);

// Whether the scenario asks for more than what every state is held against.
[[nodiscard]] bool asks_for_more(const scenario::Oracle& oracle);

// In how many of the lives that go on after a recovery the power fails once more.
[[nodiscard]] std::uint64_t crashed_again_max(const recovery::RecoveryPlan& plan);

}  // namespace crashpoint::explore
