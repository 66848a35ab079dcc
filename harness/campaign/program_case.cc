#include "harness/campaign/program_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/campaign/case_verdict.h"
#include "harness/campaign/elsewhere.h"
#include "harness/campaign/finding_words.h"
#include "harness/campaign/program_dumps.h"
#include "harness/campaign/program_run.h"
#include "harness/campaign/volatile_files.h"
#include "harness/crash/image/image.h"
#include "harness/crash/image/lay_out.h"
#include "harness/crash/timeline.h"
#include "harness/explore/account_words.h"
#include "harness/explore/case_options.h"
#include "harness/explore/explore.h"
#include "harness/explore/state_judge.h"
#include "harness/explore/trace_self_check.h"
#include "harness/oracle/dump/dump_judge.h"
#include "harness/recovery/command_recoverer.h"
#include "harness/recovery/installed.h"
#include "harness/recovery/recovery_checks.h"
#include "harness/trace/audit.h"

namespace crashpoint::campaign {
namespace {

namespace fs = std::filesystem;
using explore::Exploration;
using oracle::Outcome;
using oracle::Verdict;

class ProgramCase {
 public:
  ProgramCase(const scenario::Case& of, const oracle::Guarantee& guarantee,
              const ProgramPlace& place)
      : case_(of), guarantee_(guarantee), place_(place) {}

  ProgramOutcome run() {
    try {
      record();
      if (may_judge()) {
        take_dumps();
      }
      if (result_.checks.empty() && may_tell_apart()) {
        explore_states();
      }
    } catch (const UsageError& error) {
      result_ = {};
      result_.checks.push_back(inconclusive(kUsageCheck, error.what()));
    }
    return {.explored = std::move(result_),
            .history = std::move(history_),
            .path = fixed_path_ == nullptr ? fs::path() : fixed_path_->path,
            .faults = run_.faults,
            .workload_ms = run_.ms};
  }

 private:
  // ---- the recorded run

  void record() {
    recovery::require_programs(case_);
    run_setup(case_, place_.data, place_.folder / "setup", place_.go_on);
    initial_ = crash::read_directory(place_.data);
    run_ = record_steps(case_, place_.data, place_.folder / "steps", place_.go_on);
    left_ = crash::read_directory(place_.data);
    leave_out_volatile(left_, case_.program->volatile_files);
    leave_out_volatile(run_.trace, case_.program->volatile_files);
    // Borrowed: the run outlives its exploration.
    trace_ = std::shared_ptr<const trace::Trace>(std::shared_ptr<void>(), &run_.trace);
    timeline_ = std::make_shared<const crash::Timeline>(trace_);
    for (const trace::Notes& notes : {run_.trace.unseen, run_.trace.notes}) {
      result_.notes.insert(result_.notes.end(), notes.begin(), notes.end());
    }
  }

  // Whether the run was one that can be judged.
  bool may_judge() {
    if (!run_.trouble.empty() && !any_fault_fired()) {
      return stop(run_.trouble);
    }
    if (!run_.trouble.empty()) {
      result_.notes.push_back(fmt::format(
          "under the faults {}: whether it is there in full or not at all is open", run_.trouble));
    }
    if (run_.left_running) {
      return stop(
          "the last step ended and left a process running, which was killed: what it would have "
          "done is not known. Run the program in the foreground");
    }
    const auto changes =
        std::count_if(run_.trace.events.begin(), run_.trace.events.end(), trace::changes_directory);
    if (changes == 0) {
      const std::string elsewhere = written_elsewhere(run_.trace, place_.data.parent_path());
      return stop(
          elsewhere.empty()
              ? "the steps changed nothing in the data directory, their working directory"
              : fmt::format("the steps changed nothing in the data directory, their working "
                            "directory, but wrote to {}: give them relative paths, or {{dir}}",
                            elsewhere));
    }
    return true;
  }

  [[nodiscard]] bool any_fault_fired() const {
    return std::ranges::any_of(run_.faults,
                               [](const fault::FaultReport& report) { return report.fired > 0; });
  }

  bool stop(const std::string& why) {
    result_.checks.push_back(inconclusive("harness", why));
    return false;
  }

  // ---- what is expected

  // The path of the data directory is in its files, or in a dump: it must be the same in every recovery.
  bool knows_its_path() const {
    const std::string& path = place_.data.string();
    const auto mentions = [&](std::string_view bytes) {
      return bytes.find(path) != std::string_view::npos;
    };
    const auto in_image = [&](const trace::Image& image) {
      return std::any_of(image.begin(), image.end(),
                         [&](const auto& item) { return mentions(item.second.content); });
    };
    return in_image(initial_) || in_image(left_) ||
           std::any_of(run_.trace.events.begin(), run_.trace.events.end(),
                       [&](const trace::Event& event) {
                         return event.inside && mentions(run_.trace.data(event));
                       });
  }

  void take_dumps() {
    const fs::path folder = place_.folder / "dumps";
    fs::create_directories(folder);
    if (knows_its_path()) {
      use_fixed_path("writes the path of its data directory into its files");
    }
    compare_runs(folder);
  }

  void use_fixed_path(const std::string& why) {
    fixed_path_ = std::make_unique<recovery::FixedPath>();
    fixed_path_->path = place_.data;
    result_.notes.push_back(fmt::format(
        "the program {}: crash states are recovered at that very path, one at a time", why));
  }

  void compare_runs(const fs::path& folder) {
    // Two more runs, in the same place; then that place is free.
    std::vector<std::vector<crash::CrashImage>> again;
    for (int i = 0; i < 2; ++i) {
      again.push_back(
          run_again(case_, initial_, place_.data, place_.folder / "steps", place_.go_on));
    }
    fs::remove_all(place_.data);
    auto taker = std::make_unique<DumpTaker>(case_, folder / "first", fixed_path_.get());
    expected_ = expected_dumps(case_, run_, timeline_, *taker);
    const std::string own_path = taker->directory().string();
    if (fixed_path_ == nullptr && (expected_.dumps.front().find(own_path) != std::string::npos ||
                                   expected_.dumps.back().find(own_path) != std::string::npos)) {
      use_fixed_path("prints the path of its data directory");
      taker = std::make_unique<DumpTaker>(case_, folder / "fixed", fixed_path_.get());
      expected_ = expected_dumps(case_, run_, timeline_, *taker);
    }
    if (!case_.faults.empty()) {
      expect_what_is_without_faults(again.front(), *taker);
    }
    for (const std::vector<crash::CrashImage>& images : again) {
      require_same_dump(expected_.dumps.front(),
                        taker->take(images.front(), "before the first step"),
                        "before the first step");
      for (std::size_t i = 0; i < run_.acks.size(); ++i) {
        const StepAck& ack = run_.acks[i];
        if (!ack.by_line) {
          const std::string when = after(ack);
          require_same_dump(expected_.dumps[i + 1], taker->take(images[ack.step + 1], when), when);
        }
      }
    }
    require_clean_recoveries(*taker);
  }

  static std::string after(const StepAck& ack) {
    return fmt::format("after step {} ({})", ack.step + 1, ack.ack.what);
  }

  // What a step that ended well has done is what it does without the faults. One that failed has done that, or
  // nothing.
  void expect_what_is_without_faults(const std::vector<crash::CrashImage>& images,
                                     DumpTaker& taker) {
    for (std::size_t i = 0; i < run_.acks.size(); ++i) {
      const StepAck& ack = run_.acks[i];
      if (!ack.by_line) {
        expected_.images[i + 1] = images[ack.step + 1];
        expected_.dumps[i + 1] = taker.take(images[ack.step + 1], after(ack));
      }
    }
    if (!run_.trouble.empty()) {
      expected_.passing.push_back(
          {.dump =
               taker.take(images[run_.failed_step + 1],
                          fmt::format("after step {}, without the faults", run_.failed_step + 1)),
           .acked = run_.acks.size()});
    }
  }

  void require_clean_recoveries(DumpTaker& taker) const {
    taker.require_recovery(expected_.images.front(), expected_.dumps.front(),
                           "before the first step");
    taker.require_recovery(expected_.images.back(), expected_.dumps.back(), "after the last step");
  }

  // A time that was the same in the moment before shows now.
  void compare_once_more() {
    DumpTaker taker(case_, place_.folder / "dumps" / "last", fixed_path_.get());
    require_same_dump(expected_.dumps.front(),
                      taker.take(expected_.images.front(), "before the first step"),
                      "before the first step");
    require_same_dump(expected_.dumps.back(),
                      taker.take(expected_.images.back(), "after the last step"),
                      "after the last step");
  }

  bool may_tell_apart() {
    blind_spot_ = blind_spot(case_, run_, expected_);
    return blind_spot_.why.empty() || blind_spot_.only_passes || stop(blind_spot_.why);
  }

  // ---- exploration

  void explore_states() {
    const explore::Doubt doubt = explore::trace_self_check(run_.trace, timeline_, left_);
    const recovery::Program none;
    const recovery::RecoveryPlan plan{case_, none, guarantee_, {}};
    explore::ExploreOptions options = explore::options_of(plan);
    for (auto& [kind, guarantee] : options.guarantees) {
      guarantee = guarantee_;
    }
    history_ = {.expected = expected_.dumps,
                .acks = {},
                .began_ns = run_.began_ns,
                .passing = expected_.passing};
    for (const StepAck& ack : run_.acks) {
      history_.acks.push_back(ack.ack);
      options.points.acks.push_back({ack.ack.position, ack.ack.at_ns});
    }
    options.kept_max = 0;
    options.keep_unchanged = false;
    options.jobs = place_.jobs;
    options.folder = place_.folder / "states";
    fs::create_directories(options.folder);
    const oracle::DumpJudge judge(history_);
    const Exploration exploration = explore::explore(
        trace_, explore::DumpStateJudge(judge),
        [this](unsigned, const fs::path& folder) {
          return std::make_unique<recovery::CommandRecoverer>(case_, folder, fixed_path_.get());
        },
        options, [this](const explore::ExploreProgress&) { return place_.go_on(); });
    compare_once_more();
    tell(exploration, options, doubt);
  }

  void tell(const Exploration& exploration, const explore::ExploreOptions& options,
            const explore::Doubt& doubt) {
    result_.recoveries = exploration.recovered + exploration.explaining;
    for (const explore::Finding& finding : exploration.findings) {
      Verdict verdict = verdict_of(finding);
      if (doubt.covers(finding)) {
        explore::doubt_violation(verdict, doubt.words);
      } else {
        result_.violations.push_back(
            {.verdict = verdict,
             .name = fmt::format("{} {}: {}", explore::name_of(finding.kind), finding.point,
                                 finding.state),
             .image = finding.image,
             .guarantee = options.guarantees.at(finding.kind),
             .crash = {.position = finding.judged_at.position,
                       .at_ns = finding.judged_at.at_ns,
                       .sync_began_ns = finding.judged_at.sync_began_ns}});
      }
      result_.checks.push_back(std::move(verdict));
    }
    for (const explore::StateAccount& account : exploration.accounts) {
      result_.states.push_back(explore::counts_of(account));
      const bool found = std::any_of(exploration.findings.begin(), exploration.findings.end(),
                                     [&](const auto& other) { return other.kind == account.kind; });
      if (!found) {
        Verdict verdict = explore::verdict_of(
            account, oracle::describe_of_steps(options.guarantees.at(account.kind)),
            exploration.inconclusive);
        explore::doubt_pass(verdict, doubt.words);
        if (verdict.outcome == Outcome::kPass && !blind_spot_.why.empty()) {
          verdict.outcome = Outcome::kInconclusive;
          verdict.summary = blind_spot_.why;
        }
        result_.checks.push_back(std::move(verdict));
      }
    }
    if (exploration.interrupted || !place_.go_on()) {
      result_.checks.push_back(explore::interrupted(exploration));
    }
    const explore::ExploreTimes& times = exploration.times;
    result_.times = {.make_ms = times.produce,
                     .lay_out_ms = times.lay_out,
                     .start_ms = times.start,
                     .load_ms = times.load,
                     .judge_ms = times.judge};
  }

  const scenario::Case& case_;
  const oracle::Guarantee& guarantee_;
  const ProgramPlace& place_;
  trace::Image initial_;  // after the setup
  trace::Image left_;     // by the recorded run
  ProgramRun run_;
  std::shared_ptr<const trace::Trace> trace_;
  std::shared_ptr<const crash::Timeline> timeline_;
  std::unique_ptr<recovery::FixedPath> fixed_path_;
  ExpectedDumps expected_;
  BlindSpot blind_spot_;
  oracle::DumpHistory history_;
  explore::ExploredCase result_;
};

}  // namespace

ProgramOutcome explore_program(const scenario::Case& of, const oracle::Guarantee& guarantee,
                               const ProgramPlace& place) {
  return ProgramCase(of, guarantee, place).run();
}

}  // namespace crashpoint::campaign
