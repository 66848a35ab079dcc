#include "harness/explore/explore_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "harness/base/check.h"
#include "harness/base/text.h"
#include "harness/crash/image/lay_out.h"
#include "harness/crash/timeline.h"
#include "harness/explore/account_words.h"
#include "harness/explore/case_options.h"
#include "harness/explore/explore.h"
#include "harness/explore/trace_self_check.h"
#include "harness/recovery/continuation.h"
#include "harness/recovery/engine_recoverer.h"
#include "harness/recovery/live_recoverer.h"

namespace crashpoint::explore {
namespace {

namespace fs = std::filesystem;
using oracle::CrashKind;
using oracle::Outcome;
using oracle::Verdict;

oracle::CrashMoment moment_of(const crash::CrashPoint& point) {
  return {.position = point.position, .at_ns = point.at_ns, .sync_began_ns = point.sync_began_ns};
}

Verdict verdict_of(const Finding& finding, const Doubt& doubt) {
  Verdict verdict = finding.verdict;
  verdict.profiles = finding.profiles;
  verdict.summary = fmt::format(
      "{} {}: {}. Cause: {}. Permitted by: {}. {} with this cause; in the first: {}",
      name_of(finding.kind), finding.point, finding.verdict.summary, finding.cause,
      describe_profiles(finding.profiles), counted(finding.states, "crash state"), finding.state);
  doubt_violation(verdict, doubt.covers(finding) ? doubt.words : "");
  return verdict;
}

class CaseExploration {
 public:
  CaseExploration(const recovery::RecoveryPlan& plan, const oracle::Judge& judge,
                  std::shared_ptr<const trace::Trace> trace, const fs::path& data,
                  const fs::path& folder, unsigned jobs, const std::function<bool()>& go_on)
      : plan_(plan),
        judge_(judge),
        trace_(std::move(trace)),
        data_(data),
        folder_(folder),
        go_on_(go_on),
        options_(options_of(plan)) {
    options_.jobs = jobs;
    options_.folder = folder;  // paths of sockets must be short
  }

  ExploredCase run() {
    const Doubt doubt = trace_self_check(*trace_, std::make_shared<crash::Timeline>(trace_),
                                         crash::read_directory(data_));
    fs::create_directories(options_.folder);
    const Exploration exploration = explore(trace_, judge_, recoverers(), options_,
                                            [&](const ExploreProgress&) { return go_on_(); });
    tell(exploration, doubt);
    const std::size_t kept_count = exploration.kept.size();
    const std::size_t again = std::min<std::size_t>(crashed_again_max(plan_), kept_count);
    for (std::size_t i = 0; i < kept_count && go_on_(); ++i) {
      if (asks_for_more(plan_.of.oracle)) {
        check_fully(exploration.kept[i], doubt);
      }
      if ((i + 1) * again / kept_count != i * again / kept_count) {  // evenly chosen
        crash_again(exploration.kept[i], doubt);
      }
    }
    if (lives_crashed_ > 0) {
      tell_of_second_crashes();
    }
    if (exploration.interrupted || !go_on_()) {
      result_.checks.push_back(interrupted(exploration));
    }
    fs::remove_all(folder_);
    return std::move(result_);
  }

 private:
  [[nodiscard]] recovery::RecovererFactory recoverers() const {
    return [this](unsigned, const fs::path& folder) -> std::unique_ptr<recovery::Recoverer> {
      if (plan_.program.use == "engine") {
        return std::make_unique<recovery::EngineRecoverer>(plan_.program, plan_.of, folder);
      }
      const bool observe = options_.prune != Prune::kNone;
      return std::make_unique<recovery::LiveRecoverer>(plan_.program, plan_.of, folder, observe);
    };
  }

  void tell(const Exploration& exploration, const Doubt& doubt) {
    result_.recoveries = exploration.recovered + exploration.explaining;
    result_.continued = exploration.continued;
    if (const std::string why = recovery::why_no_continuation(plan_.of, plan_.program);
        !why.empty() && plan_.of.oracle.continues != scenario::Continues::kNone) {
      result_.notes.push_back(recovery::note_on_continuation(why));
    }
    for (const StateAccount& account : exploration.accounts) {
      result_.states.push_back(counts_of(account));
      const bool found = std::any_of(
          exploration.findings.begin(), exploration.findings.end(), [&](const Finding& finding) {
            return finding.kind == account.kind && finding.verdict.check != "continues";
          });
      if (!found) {
        result_.checks.push_back(verdict_of(account,
                                            oracle::describe(options_.guarantees.at(account.kind)),
                                            exploration.inconclusive));
        doubt_pass(result_.checks.back(), doubt.words);
      }
    }
    tell_of_lives(exploration, doubt);
    for (const Finding& finding : exploration.findings) {
      result_.checks.push_back(verdict_of(finding, doubt));
      if (!doubt.covers(finding)) {
        result_.violations.push_back(
            {.verdict = result_.checks.back(),
             .name = fmt::format("{} {}: {}", name_of(finding.kind), finding.point, finding.state),
             .image = finding.image,
             .guarantee = options_.guarantees.at(finding.kind),
             .crash = moment_of(finding.judged_at)});
      }
    }
    if (doubt.any()) {
      result_.notes.push_back("the trace does not explain the directory: " + doubt.words);
    }
    const ExploreTimes& times = exploration.times;
    result_.times = {.make_ms = times.produce,
                     .lay_out_ms = times.lay_out,
                     .start_ms = times.start,
                     .load_ms = times.load,
                     .judge_ms = times.judge};
  }

  void tell_of_lives(const Exploration& exploration, const Doubt& doubt) {
    const bool found =
        std::any_of(exploration.findings.begin(), exploration.findings.end(),
                    [](const Finding& finding) { return finding.verdict.check == "continues"; });
    if (exploration.continued == 0 || found) {
      return;
    }
    Verdict verdict;
    verdict.check = "continues";
    verdict.promise = recovery::promise_of_continuation();
    verdict.summary = fmt::format("kept on {} of {}", with_commas(exploration.continued),
                                  counted(exploration.recovered, "distinct crash state"));
    doubt_pass(verdict, doubt.words);
    result_.checks.push_back(std::move(verdict));
  }

  // Life goes on with one state, and then the power fails.
  void crash_again(const KeptState& kept, const Doubt& doubt) {
    const fs::path place = folder_ / "again";
    fs::create_directories(place / "workers");
    crash::lay_out(crash::to_image(kept.image), place / "data");
    ExploreOptions options = options_;
    options.folder = place / "workers";
    std::optional<SecondCrash> crash =
        crash_second_life(plan_, place / "data", place, recoverers(), std::move(options),
                          [&](const ExploreProgress&) { return go_on_(); });
    fs::remove_all(place);
    if (!crash) {
      return;
    }
    ++lives_crashed_;
    const Exploration& second = crash->exploration;
    second_states_ += second.recovered;
    result_.recoveries += second.recovered + second.explaining;
    result_.continued += second.recovered;
    const Doubt of_any_file{.words = doubt.words, .files = {}};  // this life began with all of them
    for (Finding finding : second.findings) {
      second_broken_ = true;
      // Only where the first crash is possible, too.
      std::erase_if(finding.profiles, [&](const std::string& name) {
        return std::ranges::find(kept.profiles, name) == kept.profiles.end();
      });
      Verdict verdict = verdict_of(finding, of_any_file);
      const std::string first = fmt::format("{} {} ({}); life went on, and then ",
                                            name_of(kept.kind), kept.point, kept.state);
      verdict.summary = first + verdict.summary;
      result_.checks.push_back(verdict);
      if (!of_any_file.any()) {
        result_.violations.push_back(
            {.verdict = verdict,
             .name = fmt::format("{}{} {}: {}", first, name_of(finding.kind), finding.point,
                                 finding.state),
             .image = finding.image,
             .guarantee = crash->guarantee,
             .crash = moment_of(finding.judged_at),
             .life = crash->life});
      }
    }
    if (!second.inconclusive.empty() && second_inconclusive_.empty()) {
      second_inconclusive_ = second.inconclusive;
    }
  }

  void tell_of_second_crashes() {
    if (second_broken_) {
      return;
    }
    Verdict verdict;
    verdict.check = "continues";
    verdict.promise = "and survives a power loss in the life after the recovery";
    verdict.summary =
        fmt::format("kept in {} of {}", counted(second_states_, "distinct crash state"),
                    counted(lives_crashed_, "life", "lives"));
    if (!second_inconclusive_.empty()) {
      verdict.outcome = Outcome::kInconclusive;
      verdict.summary = "some crash states could not be judged: " + second_inconclusive_;
    }
    result_.checks.push_back(std::move(verdict));
  }

  // Everything else that the scenario asks for, on one state. What explore() has judged is left to it.
  void check_fully(const KeptState& kept, const Doubt& doubt) {
    const fs::path place = folder_ / "checked";
    fs::create_directories(place);
    crash::lay_out(crash::to_image(kept.image), place / "data");
    recovery::RecoveryPlan plan = plan_;
    plan.guarantee.kind = oracle::Guarantee::Kind::kNone;
    plan.starter = nullptr;  // explore() has seen to that
    recovery::Recovery recovery =
        recovery::recover_and_judge(plan, judge_, {}, place / "data", place);
    fs::remove_all(place);
    ++result_.recoveries;
    for (Verdict& verdict : recovery.checks) {
      if (verdict.check == "start" || verdict.check == "idempotent" || verdict.check == "expect") {
        continue;
      }
      if (verdict.outcome != Outcome::kPass) {
        verdict.summary = fmt::format("{} {} ({}): {}", name_of(kept.kind), kept.point, kept.state,
                                      verdict.summary);
        verdict.outcome = doubt.any() ? Outcome::kInconclusive : verdict.outcome;
        if (result_.violations.empty() && verdict.outcome == Outcome::kViolation) {
          result_.violations.push_back(
              {.verdict = verdict,
               .name = fmt::format("{} {}: {}", name_of(kept.kind), kept.point, kept.state),
               .image = kept.image,
               .guarantee = plan.guarantee,
               .crash = {}});
        }
      }
      add(std::move(verdict));
    }
  }

  // Of each check one verdict: the first that is no pass.
  void add(Verdict verdict) {
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

  const recovery::RecoveryPlan& plan_;
  const oracle::Judge& judge_;
  std::shared_ptr<const trace::Trace> trace_;
  const fs::path& data_;
  const fs::path& folder_;
  const std::function<bool()>& go_on_;
  ExploreOptions options_;
  ExploredCase result_;
  std::uint64_t lives_crashed_ = 0;
  std::uint64_t second_states_ = 0;  // of those lives
  std::string second_inconclusive_;  // why the first of them that is was
  bool second_broken_ = false;
};

}  // namespace

ExploredCase explore_case(const recovery::RecoveryPlan& plan, const oracle::Judge& judge,
                          std::shared_ptr<const trace::Trace> trace, const fs::path& data,
                          const fs::path& folder, unsigned jobs,
                          const std::function<bool()>& go_on) {
  return CaseExploration(plan, judge, std::move(trace), data, folder, jobs, go_on).run();
}

}  // namespace crashpoint::explore
