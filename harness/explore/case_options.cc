#include "harness/explore/case_options.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "harness/recovery/continuation.h"
#include "harness/scenario/promise.h"

namespace crashpoint::explore {
namespace {

using oracle::CrashKind;

// States that are held against everything the scenario asks for: each costs several starts.
constexpr std::uint64_t kFullyChecked = 8;

Prune prune_of(scenario::Prune prune) {
  switch (prune) {
    case scenario::Prune::kNone:
      return Prune::kNone;
    case scenario::Prune::kEqual:
      return Prune::kEqual;
    case scenario::Prune::kRepresentative:
      break;
  }
  return Prune::kRepresentative;
}

crash::PointOptions points_of(const scenario::Points& points) {
  using Kind = scenario::Points::Kind;
  return {.only_the_end = points.kind == Kind::kCrash,
          .persistence_points_only = points.kind == Kind::kPersistencePoint,
          .while_child = points.while_child,
          .first = points.first,
          .last = points.last};
}

// A power loss at the crash is an exploration of one point.
scenario::Explore explore_of(const scenario::Crash& crash) {
  if (crash.explore) {
    return *crash.explore;
  }
  scenario::Explore explore;
  explore.kinds = {CrashKind::kPowerLoss};
  explore.points.kind = scenario::Points::Kind::kCrash;
  return explore;
}

// States on which life goes on, where not all are asked for: for the engine each takes two forks, for
// others two starts.
constexpr std::uint64_t kEngineContinued = 48;
constexpr std::uint64_t kOthersContinued = 8;
constexpr std::uint64_t kCrashedAgain = 1;

std::uint64_t continued_max(const recovery::RecoveryPlan& plan) {
  if (plan.starter == nullptr || !recovery::why_no_continuation(plan.of, plan.program).empty()) {
    return 0;
  }
  switch (plan.of.oracle.continues) {
    case scenario::Continues::kNone:
      return 0;
    case scenario::Continues::kAll:
      return std::numeric_limits<std::uint64_t>::max();
    case scenario::Continues::kSampled:
      break;
  }
  return plan.program.use == "engine" ? kEngineContinued : kOthersContinued;
}

}  // namespace

bool asks_for_more(const scenario::Oracle& oracle) {
  return oracle.usable || !oracle.files.empty() || !oracle.file_counts.empty() ||
         oracle.bytes_max || !oracle.log.empty() || !oracle.info.empty() ||
         !oracle.also_loads_in.empty() || !oracle.tools.empty() || oracle.memory_mb_max;
}

std::uint64_t crashed_again_max(const recovery::RecoveryPlan& plan) {
  const std::vector<CrashKind> kinds = explore_of(plan.of.crash).kinds;
  if (continued_max(plan) == 0 || std::ranges::find(kinds, CrashKind::kPowerLoss) == kinds.end()) {
    return 0;
  }
  return plan.of.oracle.continues == scenario::Continues::kAll ? kFullyChecked : kCrashedAgain;
}

ExploreOptions options_of(const recovery::RecoveryPlan& plan) {
  const scenario::Case& case_ = plan.of;
  const scenario::Explore explore = explore_of(case_.crash);
  ExploreOptions options;
  for (const CrashKind kind : explore.kinds) {
    options.guarantees[kind] =
        case_.oracle.guarantee
            ? *case_.oracle.guarantee
            : scenario::promise_of(case_, kind, plan.program.everysec_loss, std::nullopt).guarantee;
  }
  options.expect = case_.oracle.expect;
  options.profile = explore.profile;
  options.points = points_of(explore.points);
  options.torn_writes = explore.torn_writes;
  options.samples_per_point = explore.samples_per_point;
  options.max_states = explore.max_states;
  options.budget = std::chrono::milliseconds(explore.for_ms);
  options.depth = explore.depth;
  options.prune = prune_of(explore.prune);
  options.seed = case_.seed;
  options.continued_max = continued_max(plan);
  options.kept_max = asks_for_more(case_.oracle) ? kFullyChecked : crashed_again_max(plan);
  return options;
}

}  // namespace crashpoint::explore
