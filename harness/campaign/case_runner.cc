#include "harness/campaign/case_runner.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/random.h"
#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/campaign/case_story.h"
#include "harness/crash/damage/damage.h"
#include "harness/crash/image/image.h"
#include "harness/crash/image/lay_out.h"
#include "harness/explore/explore_case.h"
#include "harness/oracle/promise.h"
#include "harness/oracle/resp/judge.h"
#include "harness/recovery/live_target.h"
#include "harness/recovery/pattern_check.h"
#include "harness/recovery/recovery_checks.h"
#include "harness/report/bundle.h"
#include "harness/workload/acks.h"
#include "harness/workload/runner.h"

namespace crashpoint::campaign {
namespace {

namespace fs = std::filesystem;
using oracle::Outcome;
using oracle::Verdict;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point began) {
  return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
}

Verdict inconclusive(std::string check, std::string summary) {
  Verdict verdict;
  verdict.outcome = Outcome::kInconclusive;
  verdict.check = std::move(check);
  verdict.summary = std::move(summary);
  return verdict;
}

// What the run under faults left behind, apart from the data directory.
struct CrashedRun {
  workload::Run workload;
  ptrace::Run traced;
};

// All that a recovery of it is judged by.
struct JudgedRun {
  const CrashedRun& crashed;
  const target::State& base;  // what the target held before the workload
  const oracle::Judge& judge;
  const recovery::RecoveryPlan& plan;
};

class CaseRun {
 public:
  CaseRun(const scenario::Case& scenario, const CaseContext& context)
      : case_(scenario), context_(context), data_(context.folder / "data") {
    result_.name = case_.name;
    result_.summary = case_.summary;
    result_.file = case_.file;
    result_.tags = case_.tags;
    result_.seed = case_.seed;
    result_.target = case_.target.use;
    result_.crash = case_.crash.explore                                 ? "explore"
                    : case_.crash.kind == oracle::CrashKind::kPowerLoss ? "power-loss"
                                                                        : "process-kill";
    result_.reproduce =
        fmt::format("crashpoint run {} --filter {} --seed {}{}", shell_quote(case_.file),
                    shell_quote(case_.name), case_.seed, context_.reproduce_options);
  }

  report::CaseResult run() {
    const Clock::time_point began = Clock::now();
    try {
      fs::create_directories(data_);
      prepare();
      target::State base;
      for (std::uint32_t cycle = 1; cycle <= case_.recovery.cycles && !failed(); ++cycle) {
        base = run_cycle(cycle, std::move(base));
      }
    } catch (const std::exception& error) {
      add(inconclusive("harness", error.what()), "");
    }
    finish();
    result_.timing.total_ms = ms_since(began);
    std::error_code ignored;
    fs::remove_all(context_.folder, ignored);
    return std::move(result_);
  }

 private:
  bool failed() const {
    return std::any_of(result_.checks.begin(), result_.checks.end(),
                       [](const Verdict& verdict) { return verdict.outcome != Outcome::kPass; });
  }

  void prepare() {
    program_ = context_.program(case_.target);
    result_.target = program_.use;
    if (!case_.files.empty()) {
      crash::lay_out(crash::image_of(case_.files), data_);
    }
    if (case_.oracle.guarantee) {
      guarantee_ = *case_.oracle.guarantee;
      result_.promise = oracle::describe(guarantee_);
      return;
    }
    const oracle::Promise promise =
        oracle::derive_promise(case_.target.config, case_.crash.kind, program_.everysec_loss);
    guarantee_ = promise.guarantee;
    result_.promise = fmt::format("{} ({})", oracle::describe(guarantee_), promise.reason);
  }

  // One round: workload, crash, recovery of each crash state, verdicts. Returns what the directory
  // then holds.
  target::State run_cycle(std::uint32_t cycle, target::State base) {
    const fs::path folder = context_.folder / fmt::format("cycle-{}", cycle);
    const CrashedRun crashed = run_under_faults(cycle, folder);
    if (failed()) {
      return {};
    }
    const workload::History& history = crashed.workload.history;
    const Clock::time_point prepared = Clock::now();
    const oracle::Judge judge(history, base, case_.files.empty());
    result_.timing.judge_ms += ms_since(prepared);
    add(judge.replies(), cycle_prefix(cycle));

    const recovery::RecoveryPlan plan{case_, program_, guarantee_, [this](const std::string& use) {
                                        scenario::Target other;
                                        other.use = use;
                                        return context_.program(other);
                                      }};
    if (case_.crash.explore || case_.crash.kind == oracle::CrashKind::kPowerLoss) {
      explore({crashed, base, judge, plan}, folder);
      return {};
    }
    return recover({crashed, base, judge, plan}, folder, cycle);
  }

  void explore(const JudgedRun& judged, const fs::path& folder) {
    // Borrowed: the run outlives its exploration.
    const std::shared_ptr<const trace::Trace> trace(std::shared_ptr<void>(),
                                                    &judged.crashed.traced.trace);
    explore::ExploredCase explored = explore::explore_case(judged.plan, judged.judge, trace, data_,
                                                           folder / "crash-states", context_.jobs);
    for (const explore::ViolatingState& state : explored.violations) {
      violation_ = violation_ ? violation_ : state.verdict;
      if (!context_.bundles.empty()) {
        gather_bundle(judged, crash::to_image(state.image), "", state.name);
        bundles_.back().guarantee = state.guarantee;
        bundles_.back().crash = state.crash;
        bundles_.back().result.verdict = state.verdict;
      }
    }
    for (Verdict& verdict : explored.checks) {
      result_.checks.push_back(std::move(verdict));
    }
    result_.states = std::move(explored.states);
    result_.notes.insert(result_.notes.end(), explored.notes.begin(), explored.notes.end());
    result_.cycles += explored.recoveries;
    result_.state_times = explored.times;
    result_.timing.recovery_ms +=
        explored.times.lay_out_ms + explored.times.start_ms + explored.times.load_ms;
    result_.timing.judge_ms += explored.times.judge_ms;
  }

  target::State recover(const JudgedRun& judged, const fs::path& folder, std::uint32_t cycle) {
    if (case_.damage.empty()) {
      return recover_one(judged, data_, folder / "recovery", cycle, "").final_state;
    }
    const trace::Image image = crash::read_directory(data_);
    const trace::Trace& trace = judged.crashed.traced.trace;
    std::vector<trace::Position> acked;
    for (const workload::Operation& operation : judged.crashed.workload.history.operations) {
      if (operation.is_acked()) {
        // A reply can be read before its send is seen to return; the kill may come in between.
        acked.push_back(std::min(operation.acked, trace.end));
      }
    }
    std::sort(acked.begin(), acked.end());
    const crash::RunContext run{&trace, trace::kNever, acked};
    target::State state;
    std::size_t number = 0;
    for (const crash::DamageCase& damage : crash::expand(case_.damage, image, run)) {
      trace::Image damaged = image;
      crash::apply(damage, damaged, case_.seed, run);
      const fs::path place = folder / fmt::format("damage-{}", ++number);
      fs::create_directories(place);
      crash::lay_out(damaged, place / "data");
      state = recover_one(judged, place / "data", place, cycle, damage.name).final_state;
      std::error_code ignored;
      fs::remove_all(place, ignored);
    }
    return state;
  }

  // `damage` names the crash state where the case has several.
  recovery::Recovery recover_one(const JudgedRun& judged, const fs::path& data,
                                 const fs::path& folder, std::uint32_t cycle,
                                 const std::string& damage) {
    const std::string state = name_state(cycle, damage);
    const std::string prefix = state.empty() ? "" : state + ": ";
    if (!case_.recovery.faults.empty()) {
      strike_a_start(judged, data, folder, damage);
    }
    const std::int64_t began_ns = now_ns();
    const Clock::time_point began = Clock::now();
    std::optional<trace::Image> image;  // recovery changes the directory
    if (!context_.bundles.empty() && bundles_.empty()) {
      image = crash::read_directory(data);
    }
    recovery::Recovery recovery =
        recovery::recover_and_judge(judged.plan, judged.judge, {}, data, folder);
    ++result_.cycles;
    result_.timing.recovery_ms += ms_since(began) - recovery.judge_ms;
    result_.timing.judge_ms += recovery.judge_ms;
    if (!violation_) {
      story_.tell_recovery(judged.crashed.workload.history, recovery, damage, began_ns);
      const auto broken =
          std::ranges::find(recovery.checks, Outcome::kViolation, &Verdict::outcome);
      if (broken != recovery.checks.end()) {
        violation_ = *broken;
        violation_->summary = prefix + violation_->summary;
        if (image) {
          gather_bundle(judged, *std::move(image), recovery.log, state);
          bundles_.back().result.verdict = *violation_;
        }
      }
    }
    for (Verdict& verdict : recovery.checks) {
      add(std::move(verdict), prefix);
    }
    return recovery;
  }

  // The target recovers with the faults of the recovery in force, and is ended: what it then leaves
  // is what the recovery that is judged gets.
  void strike_a_start(const JudgedRun& judged, const fs::path& data, const fs::path& folder,
                      const std::string& damage) {
    const std::int64_t began_ns = now_ns();
    const milliseconds deadline(case_.recovery.deadline_ms);
    ptrace::TracerOptions options;
    options.faults = case_.recovery.faults;
    options.seed = derive_seed(case_.seed, "recovery");
    recovery::LiveTarget target(program_, with_failpoints(case_.recovery.faults), data,
                                folder / "struck", std::move(options));
    target.tracer().begin_workload();
    target.wait_ready(deadline);
    target.tracer().kill_tree();
    const ptrace::Run struck = target.tracer().finish();
    ++result_.cycles;
    result_.timing.recovery_ms += static_cast<double>(now_ns() - began_ns) / 1e6;
    take_fault_reports(case_.recovery.faults, struck.faults, case_.faults.size());
    if (!violation_) {
      std::vector<std::string> told;
      for (const fault::FaultReport& report : struck.faults) {
        if (report.fired > 0) {
          told.push_back(report.where);
        }
      }
      story_.tell_struck_start(judged.crashed.workload.history, damage, told, began_ns);
    }
  }

  // The target, where it announces its failpoints if one of `faults` strikes at one: passing one
  // then costs a stop.
  scenario::Target with_failpoints(const std::vector<fault::Fault>& faults) const {
    scenario::Target target = case_.target;
    if (std::any_of(faults.begin(), faults.end(), [](const fault::Fault& fault) {
          const auto* place = std::get_if<fault::Place>(&fault.at);
          return place != nullptr && !place->failpoint.empty();
        })) {
      target.environment["CRASHPOINT_FAILPOINTS"] = "traced";
    }
    return target;
  }

  void gather_bundle(const JudgedRun& judged, trace::Image image, std::string log,
                     std::string crash_state) {
    bundles_.push_back(
        {.result = {},  // but for its verdict when all is known
         .version = std::string(version()),
         .target = program_.version.empty() ? program_.use : program_.use + " " + program_.version,
         .scenario = case_.stand_alone,
         .crash_state = std::move(crash_state),
         .guarantee = guarantee_,
         .crash = {},
         .history = judged.crashed.workload.history,
         .base = judged.base,
         .image = std::move(image),
         .recovery_log = std::move(log)});
  }

  // Which of the case's crash states it is; empty when it has only one.
  std::string name_state(std::uint32_t cycle, const std::string& damage) const {
    const std::string prefix = cycle_prefix(cycle);
    return damage.empty() ? prefix.substr(0, prefix.find(':')) : prefix + damage;
  }

  std::string cycle_prefix(std::uint32_t cycle) const {
    return case_.recovery.cycles > 1 ? fmt::format("cycle {}: ", cycle) : "";
  }

  CrashedRun run_under_faults(std::uint32_t cycle, const fs::path& folder) {
    ptrace::TracerOptions options;
    options.faults = case_.faults;
    options.seed =
        cycle == 1 ? case_.seed : derive_seed(case_.seed, fmt::format("cycle/{}", cycle));
    workload::Plan plan = case_.workload;
    plan.seed = options.seed;

    recovery::LiveTarget target(program_, with_failpoints(case_.faults), data_, folder / "run",
                                std::move(options));
    const recovery::StartOutcome start =
        target.wait_ready(milliseconds(case_.recovery.deadline_ms));
    result_.timing.start_ms += start.ms;

    CrashedRun crashed;
    CaseStory::Steps steps;
    const Clock::time_point began = Clock::now();
    if (start.ready()) {
      target.tracer().begin_workload();
      workload::Hooks hooks;
      hooks.step_began = [&](std::size_t step) {
        steps.emplace_back(now_ns(), step);
        target.tracer().arm_step(step);
      };
      hooks.acked = [&](std::uint64_t count) { target.tracer().acked(count); };
      crashed.workload = workload::run(plan, target.endpoint(), hooks);
    }
    result_.timing.workload_ms += ms_since(began);
    const Clock::time_point crash = Clock::now();
    const std::optional<int> ended_by_itself = wait_for_own_end(target, crashed.workload.end);
    target.tracer().kill_tree();
    crashed.traced = target.tracer().finish();
    result_.timing.crash_ms += ms_since(crash);

    workload::fill_acks(crashed.workload.history, crashed.traced.trace);
    workload::fill_snapshots(crashed.workload.history, crashed.traced.trace, snapshot_file());
    take_fault_reports(case_.faults, crashed.traced.faults, 0);
    story_.tell_run(crashed.traced, crashed.workload.history, case_.faults, plan, steps,
                    ended_by_itself
                        ? fmt::format("the target {}", recovery::describe_status(*ended_by_itself))
                        : "the target and all its children are killed");
    result_.notes.insert(result_.notes.end(), crashed.traced.trace.notes.begin(),
                         crashed.traced.trace.notes.end());
    judge_run(start, crashed, ended_by_itself, target.log(), cycle);
    return crashed;
  }

  // Connections that break announce the end of the process: its status tells why.
  std::optional<int> wait_for_own_end(recovery::LiveTarget& target, workload::End end) const {
    if (end == workload::End::kTargetGone) {
      target.tracer().wait_for_main(milliseconds(case_.recovery.deadline_ms));
    }
    return target.tracer().main_status();
  }

  std::string snapshot_file() const {
    const auto found = case_.target.config.find("dbfilename");
    return found == case_.target.config.end() || found->second.empty() ? "dump.rdb"
                                                                       : found->second.back();
  }

  // Was the run itself what the scenario meant it to be?
  void judge_run(const recovery::StartOutcome& start, const CrashedRun& crashed,
                 std::optional<int> ended, const std::string& log, std::uint32_t cycle) {
    const bool any_fired =
        std::any_of(crashed.traced.faults.begin(), crashed.traced.faults.end(),
                    [](const fault::FaultReport& report) { return report.fired > 0; });
    const std::string_view tail =
        std::string_view(log).substr(log.size() - std::min<std::size_t>(log.size(), 400));
    if (!start.ready() && !any_fired) {
      add(inconclusive("run", fmt::format("the target did not start: {}; the end of its output: {}",
                                          start.kind == recovery::StartOutcome::Kind::kTimeout
                                              ? fmt::format("no answer within {} ms",
                                                            case_.recovery.deadline_ms)
                                              : recovery::describe_status(start.status),
                                          escape(tail))),
          cycle_prefix(cycle));
      return;
    }
    const workload::End end = crashed.workload.end;
    if (end == workload::End::kConnectionLost && any_fired) {
      // A fault can make a server drop a client. What was acknowledged until then is judged.
      result_.notes.push_back("the workload ended early, under faults: " + crashed.workload.detail);
    } else if (end == workload::End::kStalled || end == workload::End::kConnectionLost ||
               end == workload::End::kUnreadable) {
      add(inconclusive("run", "the workload could not go on: " + crashed.workload.detail),
          cycle_prefix(cycle));
    }
    if (ended && !any_fired && !ends_in_shutdown()) {
      Verdict verdict;
      verdict.outcome = Outcome::kViolation;
      verdict.check = "run";
      verdict.promise = "the target stays up while nothing is done to it";
      verdict.summary = fmt::format("it {}; the end of its output: {}",
                                    recovery::describe_status(*ended), escape(tail));
      add(std::move(verdict), cycle_prefix(cycle));
    }
    if (missed_.empty()) {  // else nothing was tested
      for (Verdict& verdict :
           recovery::judge_log("run log", "before the crash", case_.oracle.run_log, log)) {
        add(std::move(verdict), cycle_prefix(cycle));
      }
    }
  }

  bool ends_in_shutdown() const {
    return std::any_of(case_.workload.steps.begin(), case_.workload.steps.end(),
                       [](const workload::Step& step) {
                         const auto* admin = std::get_if<workload::Admin>(&step.action);
                         return admin != nullptr && !admin->command.empty() &&
                                admin->command.front() == "SHUTDOWN";
                       });
  }

  // `first` is where those of `faults` begin among all of the case.
  void take_fault_reports(const std::vector<fault::Fault>& faults,
                          const std::vector<fault::FaultReport>& reports, std::size_t first) {
    for (std::size_t i = 0; i < reports.size(); ++i) {
      const fault::FaultReport& report = reports[i];
      if (first + i < result_.faults.size()) {  // a further cycle or crash state: they add up
        result_.faults[first + i].report.passed += report.passed;
        result_.faults[first + i].report.fired += report.fired;
      } else {
        result_.faults.push_back({faults[i].text, report});
      }
      if (report.fired == 0 && !faults[i].may_miss) {
        std::string text = fmt::format("the fault never fired: {}", faults[i].text);
        if (!report.nearest.empty()) {
          text += fmt::format("; what did occur: {}", fmt::join(report.nearest, "; "));
        }
        missed_.push_back(inconclusive("faults", std::move(text)));
      }
    }
  }

  // Of many crash states only one verdict per check is kept: the first that is no pass.
  void add(Verdict verdict, const std::string& prefix) {
    if (verdict.outcome != Outcome::kPass && !prefix.empty()) {
      verdict.summary = prefix + verdict.summary;
    }
    const auto known =
        std::find_if(result_.checks.begin(), result_.checks.end(), [&](const Verdict& other) {
          return other.check == verdict.check && other.promise == verdict.promise;
        });
    if (known == result_.checks.end()) {
      result_.checks.push_back(std::move(verdict));
    } else if (known->outcome == Outcome::kPass && verdict.outcome != Outcome::kPass) {
      *known = std::move(verdict);
    }
  }

  void finish() {
    result_.story = story_.take();
    if (!missed_.empty()) {
      result_.checks.push_back(missed_.front());
    }
    result_.verdict = decide();
    for (std::size_t i = 0; i < bundles_.size(); ++i) {
      keep_bundle(bundles_[i], i + 1);
    }
  }

  // The case's verdict: a violation before anything inconclusive before a pass, and of violations
  // the first that a recovery showed, which is the one that the bundle holds. A fault that never
  // struck takes the meaning from a pass, not from a violation.
  Verdict decide() const {
    if (violation_) {
      return *violation_;
    }
    for (const Outcome worst : {Outcome::kViolation, Outcome::kInconclusive}) {
      const auto found = std::ranges::find(result_.checks, worst, &Verdict::outcome);
      if (found != result_.checks.end()) {
        return *found;
      }
    }
    Verdict pass;
    pass.promise = result_.promise;
    pass.check = "guarantee";
    return pass;
  }

  // The first is the one of the case's verdict.
  void keep_bundle(report::Bundle& bundle, std::size_t number) {
    Verdict verdict = std::move(bundle.result.verdict);
    bundle.result = result_;
    bundle.result.verdict = std::move(verdict);
    const std::string which = number == 1 ? "" : fmt::format("-{}", number);
    const std::string name = report::bundle_name(result_) + which;
    const fs::path folder = context_.bundles / name;
    try {
      fs::create_directories(context_.bundles);
      fs::remove_all(folder);  // of an earlier run with the same report folder
      report::write_bundle(bundle, folder);
    } catch (const std::exception& error) {
      result_.notes.push_back(fmt::format("the bundle could not be kept: {}", error.what()));
      return;
    }
    result_.artifacts["bundle" + which] = (context_.bundles.filename() / name).string();
    if (number == 1) {
      result_.reproduce = "crashpoint reproduce " + shell_quote(folder.string());
    }
  }

  const scenario::Case& case_;
  const CaseContext& context_;
  fs::path data_;
  recovery::Program program_;
  oracle::Guarantee guarantee_;
  std::vector<Verdict> missed_;
  std::optional<Verdict> violation_;     // the first that a recovery showed
  std::vector<report::Bundle> bundles_;  // of that recovery, or of each finding of an exploration
  CaseStory story_;
  report::CaseResult result_;
};

}  // namespace

report::CaseResult run_case(const scenario::Case& scenario, const CaseContext& context) {
  return CaseRun(scenario, context).run();
}

}  // namespace crashpoint::campaign
