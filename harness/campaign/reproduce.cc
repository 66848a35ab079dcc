#include "harness/campaign/reproduce.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/campaign/file_use.h"
#include "harness/crash/image/lay_out.h"
#include "harness/explore/state_judge.h"
#include "harness/oracle/dump/dump_judge.h"
#include "harness/oracle/resp/judge.h"
#include "harness/recovery/command_recoverer.h"
#include "harness/recovery/continuation.h"
#include "harness/recovery/program.h"
#include "harness/recovery/recovery_checks.h"
#include "harness/scenario/load/load.h"

namespace crashpoint::campaign {
namespace {

namespace fs = std::filesystem;
using oracle::Outcome;
using oracle::Verdict;

scenario::Case load_case(const report::Bundle& bundle, const std::string& target,
                         const fs::path& folder) {
  const fs::path file = folder / "scenario.json";
  std::ofstream(file, std::ios::binary) << bundle.scenario;
  scenario::LoadOptions options;
  options.seed = bundle.result.seed;
  options.target = target;
  return scenario::load({file.string()}, options).cases.at(0);
}

// The check that failed in the bundle, if it fails again; else the first violation, else the first
// inconclusive check, else a pass.
Verdict decide(const std::vector<Verdict>& checks, const Verdict& before) {
  const auto find = [&](auto wanted) { return std::find_if(checks.begin(), checks.end(), wanted); };
  auto found = find([&](const Verdict& verdict) {
    return verdict.outcome == before.outcome && verdict.check == before.check;
  });
  for (const Outcome worst : {Outcome::kViolation, Outcome::kInconclusive}) {
    if (found == checks.end()) {
      found = find([&](const Verdict& verdict) { return verdict.outcome == worst; });
    }
  }
  if (found != checks.end()) {
    return *found;
  }
  Verdict pass;
  pass.check = before.check;
  pass.promise = before.promise;
  return pass;
}

// What one recovery of the crash state showed.
struct Shown {
  std::vector<Verdict> checks;
  std::string log;
  double judge_ms = 0;
};

Shown recover_server(const report::Bundle& bundle, const recovery::RecoveryPlan& plan,
                     const fs::path& data, const fs::path& folder) {
  const oracle::Judge judge(bundle.history, bundle.base, plan.of.files.empty());
  recovery::Recovery recovery =
      recovery::recover_and_judge(plan, judge, bundle.crash, data, folder);
  return {.checks = std::move(recovery.checks),
          .log = std::move(recovery.log),
          .judge_ms = recovery.judge_ms};
}

// Life goes on with another copy of the crash state.
void continue_with(const report::Bundle& bundle, const recovery::RecoveryPlan& plan,
                   const fs::path& folder, std::vector<Verdict>& checks) {
  if (plan.of.oracle.continues == scenario::Continues::kNone ||
      !recovery::why_no_continuation(plan.of, plan.program).empty()) {
    return;
  }
  const fs::path copy = folder / "copy";
  crash::lay_out(bundle.image, copy);
  const auto starter = recovery::make_starter(plan.program, plan.of, folder / "lives");
  recovery::Continued continued =
      recovery::continue_and_judge(plan.of, plan.program, *starter, copy);
  if (continued.verdict) {
    checks.push_back(*std::move(continued.verdict));
  }
}

// A path that the files of a crash state mention, made free for its recovery: its parents are made, and removed
// again.
class PathOfBundle {
 public:
  explicit PathOfBundle(const fs::path& path) {
    if (fs::exists(fs::symlink_status(path))) {
      throw EnvironmentError(
          fmt::format("the crash state must be recovered at {}, which its files mention, and there "
                      "is something "
                      "already",
                      path.string()));
    }
    fixed_.path = path;
    for (fs::path parent = path.parent_path(); !fs::exists(parent); parent = parent.parent_path()) {
      made_ = parent;
    }
    fs::create_directories(path.parent_path());
  }
  ~PathOfBundle() {
    std::error_code ignored;
    if (!made_.empty()) {
      fs::remove_all(made_, ignored);
    }
  }
  PathOfBundle(const PathOfBundle&) = delete;
  PathOfBundle& operator=(const PathOfBundle&) = delete;

  [[nodiscard]] recovery::FixedPath* fixed() { return &fixed_; }

 private:
  recovery::FixedPath fixed_;
  fs::path made_;  // the topmost one
};

// Of a target that is any program.
Shown recover_program(const report::Bundle& bundle, const scenario::Case& scenario,
                      const fs::path& data, const fs::path& folder) {
  std::optional<PathOfBundle> path;
  if (!bundle.path.empty()) {
    path.emplace(bundle.path);
  }
  recovery::CommandRecoverer recoverer(scenario, folder, path ? path->fixed() : nullptr);
  const recovery::Recovered recovered = recoverer.recover(data);
  const oracle::DumpJudge dumps(*bundle.dumps);
  const explore::DumpStateJudge judge(dumps);
  Shown shown{.checks = recovered.checks, .log = recovered.trouble};
  if (!recovered.started) {
    Verdict verdict;
    verdict.check = "start";
    verdict.promise = judge.promise_to_start();
    verdict.outcome = Outcome::kViolation;
    verdict.summary = recovered.trouble;
    shown.checks.push_back(std::move(verdict));
  } else {
    shown.checks.push_back(judge.guarantee(recovered, bundle.guarantee, bundle.crash));
  }
  return shown;
}

}  // namespace

Reproduction reproduce(const report::Bundle& bundle, const std::string& target,
                       const fs::path& folder) {
  const scenario::Case scenario = load_case(bundle, target, folder);
  const auto find = [&](const scenario::Target& wanted) {
    const fs::path links = folder / "programs";
    fs::create_directories(links);
    return recovery::find_program(wanted, links);
  };
  const recovery::Program program = find(scenario.target);
  const recovery::RecoveryPlan plan{scenario, program, bundle.guarantee,
                                    [&](const std::string& use) {
                                      scenario::Target other;
                                      other.use = use;
                                      return find(other);
                                    }};
  const fs::path data = folder / "data";
  crash::lay_out(bundle.image, data);
  const FileUse use(bundle.image, data);

  const auto began = SteadyClock::now();
  Shown shown = bundle.dumps ? recover_program(bundle, scenario, data, folder / "recovery")
                             : recover_server(bundle, plan, data, folder / "recovery");
  if (!bundle.dumps) {
    continue_with(bundle, plan, folder, shown.checks);
  }
  const double total_ms = ms_since(began);

  Reproduction reproduction;
  reproduction.target =
      fmt::format("{}{}{}", program.use, program.version.empty() ? "" : " ", program.version);
  reproduction.log = std::move(shown.log);
  reproduction.result = bundle.result;
  reproduction.result.target = program.use;
  reproduction.result.verdict = decide(shown.checks, bundle.result.verdict);
  reproduction.used_no_file = reproduction.target != bundle.target && !use.any();
  if (reproduction.used_no_file) {
    Verdict& verdict = reproduction.result.verdict;
    verdict = {};
    verdict.check = "harness";
    verdict.outcome = Outcome::kInconclusive;
    verdict.summary = fmt::format(
        "{} opened none of the {} of the crash state, so what it came back with is not their "
        "content",
        program.use, counted(use.file_count(), "file"));
    shown.checks.insert(shown.checks.begin(), verdict);
  }
  reproduction.result.checks = std::move(shown.checks);
  reproduction.result.cycles = 1;
  reproduction.result.timing = {};
  reproduction.result.timing.recovery_ms = total_ms - shown.judge_ms;
  reproduction.result.timing.judge_ms = shown.judge_ms;
  reproduction.result.timing.total_ms = total_ms;
  return reproduction;
}

}  // namespace crashpoint::campaign
