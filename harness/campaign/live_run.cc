#include "harness/campaign/live_run.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <variant>

#include "harness/base/clock.h"
#include "harness/base/random.h"
#include "harness/target/state_dump.h"
#include "harness/workload/acks.h"

namespace crashpoint::campaign {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

// The target, set to announce its failpoints only if one of `faults` strikes at one, because each
// announcement costs a stop.
scenario::Target with_failpoints(const scenario::Case& of,
                                 const std::vector<fault::Fault>& faults) {
  scenario::Target target = of.target;
  if (std::any_of(faults.begin(), faults.end(), [](const fault::Fault& fault) {
        const auto* place = std::get_if<fault::Place>(&fault.at);
        return place != nullptr && !place->failpoint.empty();
      })) {
    target.environment["CRASHPOINT_FAILPOINTS"] = "traced";
  }
  return target;
}

std::string snapshot_file(const scenario::Case& of) {
  const auto found = of.target.config.find("dbfilename");
  return found == of.target.config.end() || found->second.empty() ? "dump.rdb"
                                                                  : found->second.back();
}

// SHUTDOWN has no reply where it is obeyed.
bool was_shut_down(const workload::Run& run) {
  return run.end == workload::End::kCompleted &&
         std::ranges::any_of(run.history.operations, [](const workload::Operation& operation) {
           return !operation.reply &&
                  ::strcasecmp(operation.arguments.front().c_str(), "SHUTDOWN") == 0;
         });
}

// Closed connections can mean that the process is about to end: its status says how.
std::optional<int> wait_for_own_end(const scenario::Case& of, recovery::LiveTarget& target,
                                    const workload::Run& run) {
  if (run.end == workload::End::kTargetGone || was_shut_down(run)) {
    target.tracer().wait_for_main(milliseconds(of.recovery.deadline_ms));
  }
  return target.tracer().main_status();
}

// Whether a fault is over at some time and leaves the target alive.
bool passes(const fault::Fault& fault) {
  const auto* place = std::get_if<fault::Place>(&fault.at);
  return place != nullptr && place->nth.last != std::numeric_limits<std::uint64_t>::max() &&
         (std::holds_alternative<fault::InjectError>(fault.action) ||
          std::holds_alternative<fault::ShortWrite>(fault.action) ||
          std::holds_alternative<fault::Skip>(fault.action) ||
          std::holds_alternative<fault::Delay>(fault.action));
}

}  // namespace

bool LiveRun::any_fault_fired() const {
  return std::any_of(traced.faults.begin(), traced.faults.end(),
                     [](const fault::FaultReport& report) { return report.fired > 0; });
}

bool LiveRun::dropped_by_fault() const {
  return workload.end == workload::End::kConnectionLost && any_fault_fired();
}

LiveRun run_live(const scenario::Case& of, const recovery::Program& program, std::uint32_t cycle,
                 const fs::path& data, const fs::path& folder) {
  LiveRun run;
  run.plan = of.workload;
  if (!of.faults.empty() && std::ranges::all_of(of.faults, passes)) {
    run.plan.resumes_within_ms = of.oracle.resumes_within_ms;
  }
  run.plan.seed = cycle == 1 ? of.seed : derive_seed(of.seed, fmt::format("cycle/{}", cycle));
  ptrace::TracerOptions options;
  options.faults = of.faults;
  options.seed = run.plan.seed;
  recovery::LiveTarget target(program, with_failpoints(of, of.faults), data, folder / "run",
                              std::move(options));
  run.start = target.wait_ready(milliseconds(of.recovery.deadline_ms));

  const SteadyClock::time_point began = SteadyClock::now();
  if (run.start.ready() && of.target.use == "command") {
    run.unanswered = target::unanswered_questions(target.endpoint());
  }
  if (run.start.ready() && run.unanswered.empty()) {
    run.held_before = recovery::holdings_of(target.tracer().pid());
    target.tracer().begin_workload();
    workload::Hooks hooks;
    hooks.step_began = [&](std::size_t step) {
      run.steps.emplace_back(now_ns(), step);
      target.tracer().arm_step(step);
    };
    hooks.acked = [&](std::uint64_t count) { target.tracer().acked(count); };
    run.workload = workload::run(run.plan, target.endpoint(), hooks);
    if (run.workload.end == workload::End::kCompleted) {
      run.held_after = recovery::holdings_of(target.tracer().pid());
    }
  }
  run.workload_ms = ms_since(began);

  const SteadyClock::time_point crash = SteadyClock::now();
  run.ended_by_itself = wait_for_own_end(of, target, run.workload);
  target.tracer().kill_tree();
  run.traced = target.tracer().finish();
  run.crash_ms = ms_since(crash);
  run.log = target.log();

  workload::fill_acks(run.workload.history, run.traced.trace);
  workload::fill_snapshots(run.workload.history, run.traced.trace, snapshot_file(of));
  return run;
}

ptrace::Run strike_start(const scenario::Case& of, const recovery::Program& program,
                         const fs::path& data, const fs::path& folder) {
  ptrace::TracerOptions options;
  options.faults = of.recovery.faults;
  options.seed = derive_seed(of.seed, "recovery");
  recovery::LiveTarget target(program, with_failpoints(of, of.recovery.faults), data, folder,
                              std::move(options));
  target.tracer().begin_workload();
  target.wait_ready(milliseconds(of.recovery.deadline_ms));
  target.tracer().kill_tree();
  return target.tracer().finish();
}

}  // namespace crashpoint::campaign
