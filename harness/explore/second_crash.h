// The power fails once more: the first instance on a crash state takes writes while it is recorded, and
// crash states of that second run are recovered and judged, by what it served and has acknowledged since.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "harness/explore/explore.h"
#include "harness/oracle/guarantee.h"
#include "harness/recovery/recovery_checks.h"
#include "harness/target/state.h"
#include "harness/workload/history.h"

namespace crashpoint::explore {

// What a second run is judged by.
struct SecondLife {
  workload::History history;
  target::State base;  // what the first start served
};

struct SecondCrash {
  std::shared_ptr<const SecondLife> life;
  oracle::Guarantee guarantee;
  Exploration exploration;
};

// `data` holds the crash state, and the run is made on it. `options` are those of the case; a few states are
// tried. Nothing where the target does not start, or its run cannot be judged.
std::optional<SecondCrash> crash_second_life(const recovery::RecoveryPlan& plan,
                                             const std::filesystem::path& data,
                                             const std::filesystem::path& folder,
                                             const recovery::RecovererFactory& factory,
                                             ExploreOptions options, const ExploreTick& tick);

}  // namespace crashpoint::explore
