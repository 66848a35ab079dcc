#include "harness/explore/second_crash.h"

#include <chrono>
#include <utility>

#include "harness/oracle/derive_guarantee.h"
#include "harness/oracle/resp/judge.h"
#include "harness/recovery/continuation.h"
#include "harness/recovery/live_target.h"
#include "harness/scenario/restarted.h"
#include "harness/target/state_dump.h"
#include "harness/workload/acks.h"
#include "harness/workload/runner.h"

namespace crashpoint::explore {
namespace {

using oracle::CrashKind;

// Crash states of a second run: each costs a recovery, which for all but the engine is a start.
constexpr std::uint64_t kEngineStates = 32;
constexpr std::uint64_t kOthersStates = 16;

}  // namespace

std::optional<SecondCrash> crash_second_life(const recovery::RecoveryPlan& plan,
                                             const std::filesystem::path& data,
                                             const std::filesystem::path& folder,
                                             const recovery::RecovererFactory& factory,
                                             ExploreOptions options, const ExploreTick& tick) {
  const scenario::Case& of = plan.of;
  const std::uint64_t variant = recovery::variant_of(data);
  auto life = std::make_shared<SecondLife>();
  trace::Trace trace;
  {
    recovery::LiveTarget target(plan.program, scenario::restarted(of), data, folder / "second", {});
    const auto outcome = target.wait_ready(std::chrono::milliseconds(of.recovery.deadline_ms));
    if (!outcome.ready()) {
      return std::nullopt;
    }
    life->base = target::dump_state(target.endpoint());
    workload::Run run = workload::run(
        recovery::continuation_plan(life->base, recovery::keeps_a_log(of, plan.program), variant),
        target.endpoint());
    target.tracer().kill_tree();
    trace = target.tracer().finish().trace;
    if (run.end != workload::End::kCompleted || !trace.unseen.empty()) {
      return std::nullopt;
    }
    life->history = std::move(run.history);
  }
  workload::fill_acks(life->history, trace);
  workload::fill_snapshots(
      life->history, trace,
      oracle::directive_value(scenario::restarted(of).config, "dbfilename", "dump.rdb"));
  SecondCrash crash;
  crash.guarantee = recovery::promise_after_recovery(of, plan.program, CrashKind::kPowerLoss);
  crash.life = life;
  options.guarantees = {{CrashKind::kPowerLoss, crash.guarantee}};
  options.expect = {};
  options.points = {};
  options.samples_per_point = 0;
  options.max_states = plan.program.use == "engine" ? kEngineStates : kOthersStates;
  options.depth = 1;
  options.prune = Prune::kRepresentative;  // so that the few are of all kinds
  options.continued_max = 0;
  options.kept_max = 0;
  const oracle::Judge judge(life->history, life->base);
  crash.exploration = explore(std::make_shared<const trace::Trace>(std::move(trace)), judge,
                              factory, options, tick);
  return crash;
}

}  // namespace crashpoint::explore
