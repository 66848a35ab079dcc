#include "harness/campaign/case_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/error.h"
#include "harness/base/glob.h"
#include "harness/base/random.h"
#include "harness/base/text.h"
#include "harness/campaign/case_bundles.h"
#include "harness/campaign/case_story.h"
#include "harness/campaign/case_verdict.h"
#include "harness/campaign/elsewhere.h"
#include "harness/campaign/live_run.h"
#include "harness/campaign/power_losses.h"
#include "harness/campaign/program_case.h"
#include "harness/campaign/promise_of_end.h"
#include "harness/campaign/survivors.h"
#include "harness/crash/damage/damage.h"
#include "harness/crash/image/image.h"
#include "harness/crash/image/lay_out.h"
#include "harness/explore/explore_case.h"
#include "harness/oracle/dump/dump_judge.h"
#include "harness/oracle/resp/judge.h"
#include "harness/recovery/installed.h"
#include "harness/recovery/recovery_checks.h"
#include "harness/scenario/promise.h"

namespace crashpoint::campaign {
namespace {

namespace fs = std::filesystem;
using oracle::Outcome;
using oracle::Verdict;

// A run that crashed, and all that a recovery of it is judged by.
struct CrashedRun {
  const LiveRun& live;
  const target::State& base;  // what the target held before the workload
  const oracle::Judge& judge;
  const recovery::RecoveryPlan& plan;
  const workload::History& history;  // what `judge` judges by
};

// One of the crash states of a run that are recovered one by one.
struct CrashDirectory {
  fs::path data;
  fs::path folder;        // for instances of the target
  std::string name;       // in words; empty where the case has only one
  std::string damage;     // in words; empty where there is none
  bool continues = true;  // life goes on with it
  oracle::CrashMoment crash = {};
};

// A directory that gets damage, each in turn.
struct DamageSeries {
  fs::path folder;     // for the directories
  std::string prefix;  // before the names of what is recovered
  oracle::CrashMoment crash = {};
  std::size_t number = 0;  // of so many series, if there is enough damage for all of them
  std::size_t of = 1;
};

// Damaged directories of a case with which life goes on, where not all are asked for.
constexpr std::size_t kContinued = 8;

report::CaseResult result_for(const scenario::Case& of, const CaseContext& context) {
  report::CaseResult result;
  result.name = of.name;
  result.summary = of.summary;
  result.file = of.file;
  result.tags = of.tags;
  result.seed = of.seed;
  result.target = of.target.use;
  result.crash = of.crash.explore                                 ? "explore"
                 : of.crash.kind == oracle::CrashKind::kPowerLoss ? "power-loss"
                                                                  : "process-kill";
  if (!of.file.empty()) {  // else its caller knows
    result.reproduce =
        fmt::format("crashpoint run {} --filter {} --seed {}{}", shell_quote(of.file),
                    shell_quote(of.name), of.seed, context.reproduce_options);
  }
  return result;
}

bool no_fault_fired(const report::CaseResult& result) {
  return result.verdict.outcome == Outcome::kInconclusive && result.verdict.check == "faults";
}

class CaseRun {
 public:
  CaseRun(const scenario::Case& of, const CaseContext& context)
      : case_(of),
        context_(context),
        data_(context.folder / "data"),
        bundles_(context.bundles),
        result_(result_for(of, context)) {}

  report::CaseResult run() {
    const SteadyClock::time_point began = SteadyClock::now();
    try {
      prepare();
      if (case_.program && is_installed()) {
        run_program();
      }
      target::State base;
      for (std::uint32_t cycle = 1;
           cycle <= case_.recovery.cycles && !case_.program && !verdict_.failed(); ++cycle) {
        base = run_cycle(cycle, std::move(base));
      }
    } catch (const std::exception& error) {
      verdict_.add(inconclusive("harness", error.what()), "");
    }
    result_.story = story_.take();
    std::move(verdict_).decide(result_);
    if (result_.verdict.outcome == Outcome::kViolation) {
      bundles_.write(result_);
    }
    result_.timing.total_ms = ms_since(began);
    std::error_code ignored;
    fs::remove_all(context_.folder, ignored);
    return std::move(result_);
  }

 private:
  // The program, the promise, and the directory as the case begins with it.
  void prepare() {
    fs::create_directories(data_);
    program_ = context_.program(case_.target);
    result_.target = program_.use;
    verdict_.expect(known_findings_of(case_, program_));
    if (case_.oracle.continues != scenario::Continues::kNone) {
      starter_ = recovery::make_starter(program_, case_, context_.folder / "lives");
    }
    if (!case_.files.empty()) {
      crash::lay_out(crash::image_of(case_.files), data_);
    }
    if (case_.oracle.guarantee || case_.program) {
      guarantee_ = case_.oracle.guarantee.value_or(oracle::Guarantee{});
      result_.promise =
          case_.program ? oracle::describe_of_steps(guarantee_) : oracle::describe(guarantee_);
      return;
    }
    promise_to_keep(
        scenario::promise_of(case_, case_.crash.kind, program_.everysec_loss, std::nullopt));
  }

  void promise_to_keep(const oracle::DerivedGuarantee& promise) {
    guarantee_ = promise.guarantee;
    result_.promise = fmt::format("{} ({})", oracle::describe(guarantee_), promise.reason);
  }

  bool is_installed() {
    const std::string why = recovery::not_installed(*case_.program);
    if (!why.empty()) {
      verdict_.add(inconclusive("installed", why), "");
    }
    return why.empty();
  }

  // Of any program: steps instead of clients, dumps instead of a server that is asked.
  void run_program() {
    ProgramOutcome outcome =
        explore_program(case_, guarantee_, {data_, context_.folder, context_.jobs, context_.go_on});
    result_.timing.workload_ms = outcome.workload_ms;
    verdict_.add_faults(case_.faults, outcome.faults, 0);
    const recovery::RecoveryPlan plan{case_, program_, guarantee_, {}};
    for (explore::ViolatingState& state : outcome.explored.violations) {
      verdict_.recognise(state.verdict, "");
      if (bundles_.wanted()) {
        report::Bundle bundle = bundle_of(plan, {}, {});
        bundle.dumps = outcome.history;
        bundle.path = outcome.path.string();
        add_bundle(std::move(bundle), state);
      }
    }
    take(std::move(outcome.explored));
  }

  // Workload, crash, recovery of each crash state, verdicts. Returns what the directory then holds.
  target::State run_cycle(std::uint32_t cycle, target::State base) {
    const fs::path folder = context_.folder / fmt::format("cycle-{}", cycle);
    const LiveRun live = run_workload(cycle, folder);
    if (verdict_.failed()) {
      return {};
    }
    if (!case_.oracle.guarantee && !case_.crash.explore && !live.steps.empty()) {
      const bool completed = live.workload.end == workload::End::kCompleted;
      promise_to_keep(
          scenario::promise_of(case_, case_.crash.kind, program_.everysec_loss,
                               scenario::Ran{.crashed_in = completed ? case_.workload.steps.size()
                                                                     : live.steps.back().second,
                                             .history = live.workload.history}));
    }
    std::optional<scenario::Case> ended;  // with the promise of its end as the guarantee
    if (const auto promise = promise_of_end(case_, program_, live)) {
      promise_to_keep(*promise);
      ended = case_;
      ended->oracle.guarantee = promise->guarantee;
    }
    const SteadyClock::time_point began = SteadyClock::now();
    const oracle::Judge judge(live.workload.history, base, case_.files.empty());
    result_.timing.judge_ms += ms_since(began);
    verdict_.add(judge.replies(), cycle_prefix(cycle));
    verdict_.add_sight(
        guarantee_, live, [&] { return judge.final_state().entries != base.entries; },
        written_elsewhere(live.traced.trace, context_.folder), cycle_prefix(cycle));

    const recovery::RecoveryPlan plan{ended ? *ended : case_, program_, guarantee_,
                                      [this](const std::string& use) {
                                        scenario::Target other;
                                        other.use = use;
                                        return context_.program(other);
                                      },
                                      verdict_.is_unseen() ? nullptr : starter_};
    const CrashedRun crashed{live, base, judge, plan, live.workload.history};
    if (case_.crash.kind == oracle::CrashKind::kPowerLoss && goes_on_after_crash()) {
      return recover_power_losses(crashed, folder, cycle);
    }
    if (case_.crash.explore || case_.crash.kind == oracle::CrashKind::kPowerLoss) {
      explore(crashed, folder);
      return {};
    }
    if (beside_ && beside_->since) {
      return recover_since(crashed, *beside_->since, folder);
    }
    return case_.damage.empty() ? recover_as_left(crashed, folder, cycle)
                                : recover_damaged(crashed, folder, cycle);
  }

  LiveRun run_workload(std::uint32_t cycle, const fs::path& folder) {
    LiveRun live =
        case_.recovery.beside == scenario::Beside::kNothing
            ? run_live(case_, program_, cycle, data_, folder)
            : std::move(beside_.emplace(live_beside(case_, program_, data_, folder)).run);
    result_.timing.start_ms += live.start.ms;
    result_.timing.workload_ms += live.workload_ms;
    result_.timing.crash_ms += live.crash_ms;
    verdict_.add_faults(case_.faults, live.traced.faults, 0);
    story_.record_run(live, case_.faults);
    add_notes(live.traced.trace.unseen);
    add_notes(live.traced.trace.notes);
    if (live.dropped_by_fault()) {
      add_notes({"the workload ended early, under faults: " + live.workload.detail});
    }
    verdict_.add_run(case_, live, cycle_prefix(cycle));
    if (beside_) {
      add_notes(beside_->notes);
      for (Verdict& verdict : beside_->checks) {
        verdict_.add(std::move(verdict), "");
      }
    }
    return live;
  }

  // ---- crash states made from the trace

  void explore(const CrashedRun& crashed, const fs::path& folder) {
    // Borrowed: the run outlives its exploration.
    const std::shared_ptr<const trace::Trace> trace(std::shared_ptr<void>(),
                                                    &crashed.live.traced.trace);
    explore::ExploredCase explored =
        explore::explore_case(crashed.plan, crashed.judge, trace, data_, folder / "states",
                              context_.jobs, context_.go_on);
    for (explore::ViolatingState& state : explored.violations) {
      verdict_.recognise(state.verdict, "");
      if (bundles_.wanted()) {
        add_bundle(state.life != nullptr
                       ? bundle_of(crashed.plan, state.life->history, state.life->base)
                       : bundle_of(crashed.plan, crashed.history, crashed.base),
                   state);
      }
    }
    take(std::move(explored));
  }

  void add_bundle(report::Bundle bundle, const explore::ViolatingState& state) {
    bundle.result.verdict = state.verdict;
    bundle.crash_state = state.name;
    bundle.guarantee = state.guarantee;
    bundle.crash = state.crash;
    bundle.image = crash::to_image(state.image);
    bundles_.add(std::move(bundle));
  }

  void take(explore::ExploredCase explored) {
    for (const explore::ViolatingState& state : explored.violations) {
      verdict_.add_violation(state.verdict);
    }
    verdict_.append(std::move(explored.checks));
    add_notes(explored.notes);
    result_.states = std::move(explored.states);
    result_.cycles += explored.recoveries;
    result_.continued += explored.continued;
    result_.state_times = explored.times;
    result_.timing.recovery_ms +=
        explored.times.lay_out_ms + explored.times.start_ms + explored.times.load_ms;
    result_.timing.judge_ms += explored.times.judge_ms;
  }

  // ---- a few crash states, recovered one by one

  // Whether more happens to a crash state than a recovery that must succeed.
  [[nodiscard]] bool goes_on_after_crash() const {
    return !case_.damage.empty() || !case_.recovery.faults.empty() || case_.recovery.cycles > 1 ||
           !case_.oracle.starts;
  }

  // A power loss may take the file that the damage is for. Empty: it can be done.
  std::string why_no_damage(const CrashedRun& crashed, const trace::Image& image) const {
    const std::vector<trace::Position> acked = crashed.live.acknowledged();
    try {
      static_cast<void>(
          crash::expand(case_.damage, image,
                        {.trace = &crashed.live.traced.trace,
                         .acked = acked,
                         .command_in_flight = crashed.live.has_operation_in_flight()}));
      return {};
    } catch (const UsageError& error) {
      return error.what();
    }
  }

  // Each damage is done to one of them. The run goes on from the one that the seed draws.
  target::State recover_power_losses(const CrashedRun& crashed, const fs::path& folder,
                                     std::uint32_t cycle) {
    const PowerLosses losses = power_losses(case_, crashed.live.traced.trace, data_);
    if (!losses.doubt.empty()) {
      verdict_.add(
          inconclusive("seen", "the trace does not explain the directory: " + losses.doubt),
          cycle_prefix(cycle));
      return {};
    }
    add_note_once(fmt::format("tried {} of {} that a power loss may leave", losses.states.size(),
                              counted(losses.permitted, "directory", "directories")));
    const std::size_t next = derive_seed(case_.seed, cycle_prefix(cycle)) % losses.states.size();
    target::State state;
    bool any = false;
    for (std::size_t i = 0; i < losses.states.size(); ++i) {
      if (const std::string why = why_no_damage(crashed, losses.states[i].image); !why.empty()) {
        add_note_once(fmt::format("{}: not damaged: {}", losses.states[i].name, why));
        continue;
      }
      const fs::path place = folder / fmt::format("loss-{}", i);
      const target::State left =
          recover_each(crashed, losses.states[i].image,
                       {.folder = place,
                        .prefix = fmt::format("{}{}: ", cycle_prefix(cycle), losses.states[i].name),
                        .crash = losses.moment,
                        .number = i,
                        .of = losses.states.size()});
      if (i == next && case_.recovery.cycles > 1) {
        state = left;
        fs::remove_all(data_);
        fs::rename(place / "data", data_);
      }
      std::error_code ignored;
      fs::remove_all(place, ignored);
      any = true;
    }
    if (!any) {
      verdict_.add(inconclusive("damage", "no directory that a power loss may leave has the file"),
                   cycle_prefix(cycle));
    }
    return state;
  }

  // ---- the directory that the run left

  target::State recover_as_left(const CrashedRun& crashed, const fs::path& folder,
                                std::uint32_t cycle) {
    return recover(crashed, {.data = data_,
                             .folder = folder / "recovery",
                             .name = name_state(cycle_prefix(cycle), ""),
                             .damage = ""})
        .final_state;
  }

  // What a new instance served beside the survivors of the run is held against the run; what comes back after
  // the crash of all, against what that instance served and acknowledged.
  target::State recover_since(const CrashedRun& crashed, const LifeSince& since,
                              const fs::path& folder) {
    verdict_.add(crashed.judge.guarantee(since.base, guarantee_), "beside the survivors: ");
    if (!case_.oracle.expect.empty()) {
      verdict_.add(crashed.judge.expectations(since.base, case_.oracle.expect), "");
    }
    const oracle::Judge judge(since.history, since.base);
    verdict_.add(judge.replies(), "beside the survivors: ");
    const recovery::RecoveryPlan plan{since.judged_as, program_, *since.judged_as.oracle.guarantee,
                                      crashed.plan.other_program, crashed.plan.starter};
    return recover({crashed.live, since.base, judge, plan, since.history},
                   {.data = data_,
                    .folder = folder / "recovery",
                    .name = "once the survivors had acted",
                    .damage = ""})
        .final_state;
  }

  target::State recover_damaged(const CrashedRun& crashed, const fs::path& folder,
                                std::uint32_t cycle) {
    return recover_each(crashed, crash::read_directory(data_),
                        {.folder = folder, .prefix = cycle_prefix(cycle)});
  }

  // `image` with each damage of the case, or each n-th: every recovery has a directory of its own, of which the
  // last stays, as `folder`/data.
  target::State recover_each(const CrashedRun& crashed, const trace::Image& image,
                             const DamageSeries& series) {
    const std::vector<trace::Position> acked = crashed.live.acknowledged();
    const crash::RunContext run{.trace = &crashed.live.traced.trace,
                                .crash = series.crash.position,
                                .acked = acked,
                                .command_in_flight = crashed.live.has_operation_in_flight()};
    target::State state;
    std::size_t tried = 0;
    const std::vector<crash::DamageCase> damages = crash::expand(case_.damage, image, run);
    for (std::size_t i = 0; i < damages.size(); ++i) {
      if (damages.size() >= series.of && i % series.of != series.number) {
        continue;
      }
      if (!context_.go_on()) {
        throw EnvironmentError(
            fmt::format("the run was interrupted after {} of the damage", counted(tried, "state")));
      }
      const crash::DamageCase& damage = damages[i];
      trace::Image damaged = image;
      crash::apply(damage, damaged, case_.seed, run);
      const fs::path place = series.folder / fmt::format("damage-{}", ++tried);
      fs::create_directories(place);
      crash::lay_out(damaged, place / "data");
      state = recover(crashed, {.data = place / "data",
                                .folder = place,
                                .name = name_state(series.prefix, damage.name),
                                .damage = damage.name,
                                .continues = is_continued(i, damages.size()),
                                .crash = series.crash})
                  .final_state;
      std::error_code ignored;
      fs::remove_all(series.folder / "data", ignored);
      fs::rename(place / "data", series.folder / "data", ignored);
      fs::remove_all(place, ignored);
    }
    return state;
  }

  recovery::Recovery recover(const CrashedRun& crashed, const CrashDirectory& directory) {
    if (!case_.recovery.faults.empty()) {
      strike(crashed, directory);
    }
    std::optional<trace::Image> image;  // recovery changes the directory
    if (bundles_.wanted() && !verdict_.has_new_violation()) {
      image = crash::read_directory(directory.data);
    }
    const std::int64_t began_ns = now_ns();
    const SteadyClock::time_point began = SteadyClock::now();
    recovery::RecoveryPlan plan = crashed.plan;
    if (!directory.continues) {
      plan.starter = nullptr;
    }
    recovery::Recovery recovery = recovery::recover_and_judge(plan, crashed.judge, directory.crash,
                                                              directory.data, directory.folder);
    ++result_.cycles;
    result_.continued += recovery.continued ? 1U : 0U;
    result_.timing.recovery_ms += ms_since(began) - recovery.judge_ms;
    result_.timing.judge_ms += recovery.judge_ms;
    for (Verdict& verdict : recovery.checks) {
      verdict_.recognise(verdict, prefix_of(directory.name));
    }
    for (const std::string& note : recovery.notes) {
      add_note_once(note);
    }
    if (!verdict_.has_new_violation()) {
      story_.record_recovery(crashed.live.workload.history, recovery, directory.damage, began_ns);
      keep_violation(crashed, directory, recovery, std::move(image));
    }
    for (const Verdict& verdict : recovery.checks) {
      verdict_.add(verdict, prefix_of(directory.name));
    }
    return recovery;
  }

  // Of `count` damaged directories: each, or some that are evenly spread.
  bool is_continued(std::size_t number, std::size_t count) const {
    return case_.oracle.continues == scenario::Continues::kAll || count <= kContinued ||
           number == 0 || number * kContinued / count != (number - 1) * kContinued / count;
  }

  // A start that the faults of the recovery strike, before the one that is judged.
  void strike(const CrashedRun& crashed, const CrashDirectory& directory) {
    const std::int64_t began_ns = now_ns();
    const SteadyClock::time_point began = SteadyClock::now();
    const ptrace::Run struck =
        strike_start(case_, program_, directory.data, directory.folder / "struck");
    ++result_.cycles;
    result_.timing.recovery_ms += ms_since(began);
    verdict_.add_faults(case_.recovery.faults, struck.faults, case_.faults.size());
    if (!verdict_.has_new_violation()) {
      story_.record_struck_start(crashed.live.workload.history, directory.damage, struck, began_ns);
    }
  }

  // The first violation that the recovery showed, a new one before a known one; `image` is what was
  // recovered. A known one is kept once.
  void keep_violation(const CrashedRun& crashed, const CrashDirectory& directory,
                      const recovery::Recovery& recovery, std::optional<trace::Image> image) {
    auto broken = std::ranges::find_if(recovery.checks, [](const Verdict& verdict) {
      return verdict.outcome == Outcome::kViolation && verdict.known.empty();
    });
    if (broken == recovery.checks.end() && !verdict_.has_violation()) {
      broken = std::ranges::find(recovery.checks, Outcome::kViolation, &Verdict::outcome);
    }
    if (broken == recovery.checks.end()) {
      return;
    }
    Verdict violation = *broken;
    violation.summary = prefix_of(directory.name) + violation.summary;
    verdict_.add_violation(violation);
    if (image) {
      report::Bundle bundle = bundle_of(crashed.plan, crashed.history, crashed.base);
      bundle.result.verdict = std::move(violation);
      bundle.crash_state = directory.name;
      bundle.crash = directory.crash;
      bundle.image = *std::move(image);
      bundle.recovery_log = recovery.log;
      bundles_.add(std::move(bundle));
    }
  }

  // ---- words

  // Which of the crash states of the case it is; empty when it has only one.
  static std::string name_state(const std::string& prefix, const std::string& damage) {
    return damage.empty() ? prefix.substr(0, prefix.rfind(':')) : prefix + damage;
  }

  std::string cycle_prefix(std::uint32_t cycle) const {
    return case_.recovery.cycles > 1 ? fmt::format("cycle {}: ", cycle) : "";
  }

  static std::string prefix_of(const std::string& state) {
    return state.empty() ? "" : state + ": ";
  }

  void add_note_once(const std::string& note) {
    if (std::ranges::find(result_.notes, note) == result_.notes.end()) {
      result_.notes.push_back(note);
    }
  }

  void add_notes(const std::vector<std::string>& notes) {
    result_.notes.insert(result_.notes.end(), notes.begin(), notes.end());
  }

  const scenario::Case& case_;
  const CaseContext& context_;
  fs::path data_;
  recovery::Program program_;
  std::shared_ptr<recovery::Starter> starter_;  // for what follows a recovery; borrows the program
  oracle::Guarantee guarantee_;
  std::optional<LifeBeside> beside_;
  CaseVerdict verdict_;
  CaseBundles bundles_;
  CaseStory story_;
  report::CaseResult result_;
};

}  // namespace

report::CaseResult run_case(const scenario::Case& of, const CaseContext& context) {
  // A server makes some calls by the clock: a run may end before the one that the recording had.
  constexpr int kRunsMax = 5;
  report::CaseResult result = CaseRun(of, context).run();
  for (int runs = 1; runs < kRunsMax && of.at_recorded_call && no_fault_fired(result); ++runs) {
    result = CaseRun(of, context).run();
  }
  return result;
}

}  // namespace crashpoint::campaign
