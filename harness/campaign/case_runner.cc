#include "harness/campaign/case_runner.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/random.h"
#include "harness/base/text.h"
#include "harness/campaign/live_target.h"
#include "harness/campaign/recovery.h"
#include "harness/crash/damage.h"
#include "harness/crash/image.h"
#include "harness/crash/lay_out.h"
#include "harness/oracle/judge.h"
#include "harness/oracle/promise.h"
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
  trace::Run traced;
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
    result_.crash =
        case_.crash.kind == oracle::CrashKind::kPowerLoss ? "power-loss" : "process-kill";
    result_.reproduce =
        fmt::format("crashpoint run {} --filter {} --seed {}{}", shell_quote(case_.file),
                    shell_quote(case_.name), case_.seed, context_.reproduce_options);
  }

  report::CaseResult run() {
    const Clock::time_point began = Clock::now();
    try {
      fs::create_directories(data_);
      prepare();
      oracle::State base;
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
    for (const auto& [path, bytes] : case_.files) {
      initial_[path] = {trace::ImageEntry::Kind::kFile, 0644, bytes, 0};
    }
    if (!initial_.empty()) {
      crash::lay_out(initial_, data_);
    }
    if (case_.oracle.guarantee) {
      guarantee_ = *case_.oracle.guarantee;
      result_.promise = oracle::describe(guarantee_);
      return;
    }
    const oracle::Promise promise = oracle::derive_promise(case_.target.config, case_.crash.kind,
                                                           program_.everysec_loss_seconds);
    guarantee_ = promise.guarantee;
    result_.promise = fmt::format("{} ({})", oracle::describe(guarantee_), promise.reason);
  }

  // One round: workload, crash, recovery of each crash state, verdicts. Returns what the directory
  // then holds.
  oracle::State run_cycle(std::uint32_t cycle, oracle::State base) {
    const fs::path folder = context_.folder / fmt::format("cycle-{}", cycle);
    const CrashedRun crashed = run_under_faults(cycle, folder);
    if (failed()) {
      return {};
    }
    const workload::History& history = crashed.workload.history;
    const Clock::time_point prepared = Clock::now();
    const oracle::Judge judge(history, std::move(base));
    result_.timing.judge_ms += ms_since(prepared);
    add(judge.replies(), cycle_prefix(cycle));

    const RecoveryPlan plan{case_, program_, guarantee_, [this](const std::string& use) {
                              scenario::Target other;
                              other.use = use;
                              return context_.program(other);
                            }};
    return recover(plan, judge, crashed, folder, cycle);
  }

  oracle::State recover(const RecoveryPlan& plan, const oracle::Judge& judge,
                        const CrashedRun& crashed, const fs::path& folder, std::uint32_t cycle) {
    if (case_.damage.empty()) {
      return recover_one(plan, judge, data_, folder / "recovery", cycle_prefix(cycle)).final_state;
    }
    const trace::Image image = crash::read_directory(data_);
    const trace::Trace& trace = crashed.traced.trace;
    std::vector<trace::Position> acked;
    for (const workload::Operation& operation : crashed.workload.history.operations) {
      if (operation.is_acked()) {
        // A reply can be read before its send is seen to return; the kill may come in between.
        acked.push_back(std::min(operation.acked, trace.end));
      }
    }
    std::sort(acked.begin(), acked.end());
    const crash::RunContext run{&trace, trace::kNever, acked};
    oracle::State state;
    std::size_t number = 0;
    for (const crash::DamageCase& damage : crash::expand(case_.damage, image, run)) {
      trace::Image damaged = image;
      crash::apply(damage, damaged, case_.seed, run);
      const fs::path place = folder / fmt::format("damage-{}", ++number);
      fs::create_directories(place);
      crash::lay_out(damaged, place / "data");
      state = recover_one(plan, judge, place / "data", place,
                          fmt::format("{}{}: ", cycle_prefix(cycle), damage.name))
                  .final_state;
      std::error_code ignored;
      fs::remove_all(place, ignored);
    }
    return state;
  }

  Recovery recover_one(const RecoveryPlan& plan, const oracle::Judge& judge, const fs::path& data,
                       const fs::path& folder, const std::string& prefix) {
    const Clock::time_point began = Clock::now();
    Recovery recovery = recover_and_judge(plan, judge, {}, data, folder);
    ++result_.cycles;
    result_.timing.recovery_ms += ms_since(began) - recovery.judge_ms;
    result_.timing.judge_ms += recovery.judge_ms;
    for (Verdict& verdict : recovery.checks) {
      add(std::move(verdict), prefix);
    }
    return recovery;
  }

  std::string cycle_prefix(std::uint32_t cycle) const {
    return case_.recovery.cycles > 1 ? fmt::format("cycle {}: ", cycle) : "";
  }

  CrashedRun run_under_faults(std::uint32_t cycle, const fs::path& folder) {
    trace::TracerOptions options;
    options.faults = case_.faults;
    options.seed =
        cycle == 1 ? case_.seed : derive_seed(case_.seed, fmt::format("cycle/{}", cycle));
    workload::Plan plan = case_.workload;
    plan.seed = options.seed;

    scenario::Target traced = case_.target;
    if (strikes_at_failpoints()) {
      traced.environment["CRASHPOINT_FAILPOINTS"] = "traced";
    }
    LiveTarget target(program_, traced, data_, folder / "run", std::move(options));
    const StartOutcome start = target.wait_ready(milliseconds(case_.recovery.deadline_ms));
    result_.timing.start_ms += start.ms;

    CrashedRun crashed;
    const Clock::time_point began = Clock::now();
    if (start.ready()) {
      target.tracer().begin_workload();
      std::vector<std::pair<Clock::time_point, std::size_t>> steps;
      workload::Hooks hooks;
      hooks.step_began = [&](std::size_t step) {
        steps.emplace_back(Clock::now(), step);
        target.tracer().arm_step(step);
      };
      hooks.acked = [&](std::uint64_t count) { target.tracer().acked(count); };
      crashed.workload = workload::run(plan, target.endpoint(), hooks);
      tell_steps(plan, began, steps);
    }
    result_.timing.workload_ms += ms_since(began);
    const Clock::time_point crash = Clock::now();
    const std::optional<int> ended_by_itself = wait_for_own_end(target, crashed.workload.end);
    target.tracer().kill_tree();
    crashed.traced = target.tracer().finish();
    result_.timing.crash_ms += ms_since(crash);

    workload::fill_acks(crashed.workload.history, crashed.traced.trace);
    workload::fill_snapshots(crashed.workload.history, crashed.traced.trace, snapshot_file());
    take_fault_reports(crashed.traced.faults, crashed.workload.history);
    result_.notes.insert(result_.notes.end(), crashed.traced.trace.notes.begin(),
                         crashed.traced.trace.notes.end());
    judge_run(start, crashed, ended_by_itself, target.log(), cycle);
    return crashed;
  }

  // Passing a failpoint costs a stop of the target, so only those who need them have them.
  bool strikes_at_failpoints() const {
    return std::any_of(case_.faults.begin(), case_.faults.end(), [](const trace::Fault& fault) {
      const auto* place = std::get_if<trace::Place>(&fault.at);
      return place != nullptr && !place->failpoint.empty();
    });
  }

  // Connections that break announce the end of the process: its status tells why.
  std::optional<int> wait_for_own_end(LiveTarget& target, workload::End end) const {
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
  void judge_run(const StartOutcome& start, const CrashedRun& crashed, std::optional<int> ended,
                 const std::string& log, std::uint32_t cycle) {
    const bool any_fired =
        std::any_of(crashed.traced.faults.begin(), crashed.traced.faults.end(),
                    [](const trace::FaultReport& report) { return report.fired > 0; });
    const std::string_view tail =
        std::string_view(log).substr(log.size() - std::min<std::size_t>(log.size(), 400));
    if (!start.ready() && !any_fired) {
      add(inconclusive("run", fmt::format("the target did not start: {}; the end of its output: {}",
                                          start.kind == StartOutcome::Kind::kTimeout
                                              ? fmt::format("no answer within {} ms",
                                                            case_.recovery.deadline_ms)
                                              : describe_status(start.status),
                                          escape(tail))),
          cycle_prefix(cycle));
      return;
    }
    if (crashed.workload.end == workload::End::kStalled ||
        crashed.workload.end == workload::End::kConnectionLost) {
      add(inconclusive("run", "the workload could not go on: " + crashed.workload.detail),
          cycle_prefix(cycle));
    }
    if (ended && !any_fired && !ends_in_shutdown()) {
      Verdict verdict;
      verdict.outcome = Outcome::kViolation;
      verdict.check = "run";
      verdict.promise = "the target stays up while nothing is done to it";
      verdict.summary =
          fmt::format("it {}; the end of its output: {}", describe_status(*ended), escape(tail));
      add(std::move(verdict), cycle_prefix(cycle));
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

  void take_fault_reports(const std::vector<trace::FaultReport>& reports,
                          const workload::History& history) {
    for (std::size_t i = 0; i < reports.size(); ++i) {
      const trace::FaultReport& report = reports[i];
      if (i < result_.faults.size()) {  // a further cycle: the counts add up
        result_.faults[i].report.passed += report.passed;
        result_.faults[i].report.fired += report.fired;
      } else {
        result_.faults.push_back({case_.faults[i].text, report});
      }
      if (report.fired > 0 && history.began_ns != 0) {
        tell(static_cast<double>(report.first_fired_ns - history.began_ns) / 1e6,
             "fault: " + report.where);
      }
      if (report.fired == 0 && !case_.faults[i].may_miss) {
        std::string text = fmt::format("the fault never fired: {}", case_.faults[i].text);
        if (!report.nearest.empty()) {
          text += fmt::format("; what did occur: {}", fmt::join(report.nearest, "; "));
        }
        missed_.push_back(inconclusive("faults", std::move(text)));
      }
    }
  }

  void tell(double at_ms, std::string what) { result_.story.push_back({at_ms, std::move(what)}); }

  void tell_steps(const workload::Plan& plan, Clock::time_point began,
                  const std::vector<std::pair<Clock::time_point, std::size_t>>& steps) {
    for (const auto& [when, step] : steps) {
      tell(std::chrono::duration<double, std::milli>(when - began).count(),
           fmt::format("step {}: {}", step, describe_step(plan.steps[step])));
    }
  }

  static std::string describe_step(const workload::Step& step) {
    struct Describe {
      std::string operator()(const workload::Commands& commands) const {
        return counted(commands.commands.size(), "command");
      }
      std::string operator()(const workload::Generate& generate) const {
        return fmt::format("{} from {}", counted(generate.count, "generated command"),
                           counted(generate.clients, "client"));
      }
      std::string operator()(const workload::Admin& admin) const {
        return fmt::format("{}", fmt::join(admin.command, " "));
      }
      std::string operator()(const workload::Pause& pause) const {
        return fmt::format("nothing for {} ms", pause.ms);
      }
    };
    return std::visit(Describe{}, step.action);
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

  // The case's verdict: a violation before anything inconclusive before a pass. A fault that never
  // struck takes the meaning from a pass, not from a violation.
  void finish() {
    if (!missed_.empty()) {
      result_.checks.push_back(missed_.front());
    }
    for (const Outcome worst : {Outcome::kViolation, Outcome::kInconclusive}) {
      for (const Verdict& verdict : result_.checks) {
        if (verdict.outcome == worst) {
          result_.verdict = verdict;
          return;
        }
      }
    }
    result_.verdict.promise = result_.promise;
    result_.verdict.check = "guarantee";
  }

  const scenario::Case& case_;
  const CaseContext& context_;
  fs::path data_;
  trace::Image initial_;
  Program program_;
  oracle::Guarantee guarantee_;
  std::vector<Verdict> missed_;
  report::CaseResult result_;
};

}  // namespace

report::CaseResult run_case(const scenario::Case& scenario, const CaseContext& context) {
  return CaseRun(scenario, context).run();
}

}  // namespace crashpoint::campaign
