#include "harness/campaign/live_run.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <variant>

#include "harness/base/clock.h"
#include "harness/base/random.h"
#include "harness/scenario/restarted.h"
#include "harness/target/state_dump.h"
#include "harness/workload/acks.h"

namespace crashpoint::campaign {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

// The target, set to announce its failpoints only if one of `faults` strikes at one, because each
// announcement costs a stop.
scenario::Target with_failpoints(scenario::Target target, const std::vector<fault::Fault>& faults) {
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

std::uint64_t seed_of(const scenario::Case& of, std::uint32_t cycle) {
  return cycle == 1 ? of.seed : derive_seed(of.seed, fmt::format("cycle/{}", cycle));
}

workload::Plan plan_of(const scenario::Case& of, std::uint32_t cycle) {
  workload::Plan plan = of.workload;
  if (!of.faults.empty() && std::ranges::all_of(of.faults, passes)) {
    plan.resumes_within_ms = of.oracle.resumes_within_ms;
  }
  plan.seed = seed_of(of, cycle);
  return plan;
}

ptrace::TracerOptions tracer_options_of(const scenario::Case& of, std::uint64_t seed) {
  ptrace::TracerOptions options;
  options.faults = of.faults;
  options.seed = seed;
  options.hold_survivors = of.recovery.beside == scenario::Beside::kOrphans ||
                           of.recovery.beside == scenario::Beside::kStopped;
  return options;
}

}  // namespace

bool LiveRun::any_fault_fired() const {
  return std::any_of(traced.faults.begin(), traced.faults.end(),
                     [](const fault::FaultReport& report) { return report.fired > 0; });
}

bool LiveRun::dropped_by_fault() const {
  return workload.end == workload::End::kConnectionLost && any_fault_fired();
}

bool LiveRun::has_operation_in_flight() const {
  return !std::ranges::all_of(workload.history.operations, &workload::Operation::is_acked);
}

std::vector<trace::Position> LiveRun::acknowledged() const {
  std::vector<trace::Position> acked;
  for (const workload::Operation& operation : workload.history.operations) {
    if (operation.is_acked()) {
      // A reply can be read before its send is seen to return; the kill may come in between.
      acked.push_back(std::min(operation.acked, traced.trace.end));
    }
  }
  std::ranges::sort(acked);
  return acked;
}

Life::Life(const scenario::Case& of, const recovery::Program& program, std::uint32_t cycle,
           const fs::path& data, const fs::path& folder)
    : case_(of),
      target_(program, with_failpoints(of.target, of.faults), data, folder / "run",
              tracer_options_of(of, seed_of(of, cycle))) {
  run_.plan = plan_of(of, cycle);
}

void Life::live() {
  run_.start = target_.wait_ready(milliseconds(case_.recovery.deadline_ms));
  const SteadyClock::time_point began = SteadyClock::now();
  if (run_.start.ready() && case_.target.use == "command") {
    run_.unanswered = target::unanswered_questions(target_.endpoint());
  }
  if (run_.start.ready() && run_.unanswered.empty()) {
    run_.held_before = recovery::holdings_of(target_.tracer().pid());
    target_.tracer().begin_workload();
    workload::Hooks hooks;
    hooks.step_began = [&](std::size_t step) {
      run_.steps.emplace_back(now_ns(), step);
      target_.tracer().arm_step(step);
    };
    hooks.acked = [&](std::uint64_t count) { target_.tracer().acked(count); };
    if (case_.recovery.beside != scenario::Beside::kNothing) {
      // A held target answers nobody. What an orphan inherited of its connections stays open.
      hooks.stop = [&] { return target_.tracer().is_holding(); };
    }
    run_.workload = workload::run(run_.plan, target_.endpoint(), hooks);
    if (run_.workload.end == workload::End::kCompleted) {
      run_.held_after = recovery::holdings_of(target_.tracer().pid());
    }
  }
  run_.workload_ms = ms_since(began);
}

LiveRun Life::end() {
  const SteadyClock::time_point crash = SteadyClock::now();
  run_.ended_by_itself = wait_for_own_end(case_, target_, run_.workload);
  target_.tracer().kill_tree();
  run_.traced = target_.tracer().finish();
  run_.crash_ms = ms_since(crash);
  run_.log = target_.log();

  workload::fill_acks(run_.workload.history, run_.traced.trace);
  workload::fill_snapshots(run_.workload.history, run_.traced.trace, snapshot_file(case_));
  return std::move(run_);
}

LiveRun run_live(const scenario::Case& of, const recovery::Program& program, std::uint32_t cycle,
                 const fs::path& data, const fs::path& folder) {
  Life life(of, program, cycle, data, folder);
  life.live();
  return life.end();
}

ptrace::Run strike_start(const scenario::Case& of, const recovery::Program& program,
                         const fs::path& data, const fs::path& folder) {
  ptrace::TracerOptions options;
  options.faults = of.recovery.faults;
  options.seed = derive_seed(of.seed, "recovery");
  recovery::LiveTarget target(program, with_failpoints(scenario::restarted(of), of.recovery.faults),
                              data, folder, std::move(options));
  target.tracer().begin_workload();
  target.wait_ready(milliseconds(of.recovery.deadline_ms));
  target.tracer().kill_tree();
  return target.tracer().finish();
}

}  // namespace crashpoint::campaign
