// crashpoint reproduce: recover the crash state of a bundle again and judge it.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/campaign/reproduce.h"
#include "harness/campaign/workspace.h"
#include "harness/cli/commands.h"
#include "harness/report/archive.h"
#include "harness/report/bundle.h"
#include "harness/report/case_text.h"
#include "harness/report/totals.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {
namespace {

namespace fs = std::filesystem;
using oracle::Outcome;

struct ReproduceOptions {
  std::string bundle;
  std::string target;
  std::string keep;
};

report::Bundle read(const std::string& given, const fs::path& workspace) {
  if (fs::is_directory(given)) {
    return report::read_bundle(given);
  }
  fs::create_directories(workspace / "unpacked");
  return report::read_bundle(report::unpack(given, workspace / "unpacked"));
}

// What became of the bundle's verdict.
std::string conclusion(const oracle::Verdict& before, const oracle::Verdict& now) {
  if (now.outcome == Outcome::kPass) {
    return "Not reproduced: every check passes.";
  }
  if (now.outcome == Outcome::kInconclusive) {
    return "Could not tell: a check is inconclusive.";
  }
  return now.check == before.check && before.outcome == Outcome::kViolation
             ? fmt::format("Reproduced: the check \"{}\" fails again.", now.check)
             : fmt::format(
                   "Another violation: the check \"{}\" fails; in the bundle it was \"{}\".",
                   now.check, before.check);
}

void keep(const fs::path& workspace, const std::string& log, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  fs::copy(workspace / "data", folder / "recovered",
           fs::copy_options::recursive | fs::copy_options::copy_symlinks, error);
  std::ofstream(folder / "recovery.log", std::ios::binary) << log;
  if (error) {
    throw EnvironmentError(
        fmt::format("cannot keep the directory in {}: {}", folder.string(), error.message()));
  }
}

int reproduce(const ReproduceOptions& options) {
  if (!options.keep.empty() && fs::exists(fs::path(options.keep) / "recovered")) {
    throw UsageError(fmt::format("{}/recovered exists: give --keep another folder", options.keep));
  }
  const campaign::Workspace workspace = campaign::Workspace::open();
  const report::Bundle bundle = read(options.bundle, workspace.path());
  const campaign::Reproduction now = campaign::reproduce(bundle, options.target, workspace.path());
  if (!options.keep.empty()) {
    keep(workspace.path(), now.log, options.keep);
  }
  const oracle::Verdict& verdict = now.result.verdict;
  fmt::print("{}\n", printable(bundle.result.name));
  fmt::print("{}", report::labelled("target", now.target == bundle.target
                                                  ? now.target
                                                  : fmt::format("{}; the bundle is of {}",
                                                                now.target, bundle.target)));
  if (!bundle.crash_state.empty()) {
    fmt::print("{}", report::labelled("crash state", bundle.crash_state));
  }
  if (verdict.outcome != Outcome::kPass) {
    report::CaseResult told = now.result;
    told.reproduce.clear();  // it is what runs here
    fmt::print("{}", report::explain(told, oracle::Verdict::kShown));
  }
  fmt::print("{}\n", conclusion(bundle.result.verdict, verdict));
  report::RunResult run;
  run.cases = {now.result};
  return report::exit_code(run);
}

}  // namespace

void add_reproduce_command(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand(
      "reproduce", "Recover the crash state of a bundle again and judge what comes back");
  auto options = std::make_shared<ReproduceOptions>();
  verb->add_option("BUNDLE", options->bundle, "A bundle's folder, or the .tar.zst of one")
      ->required()
      ->check(CLI::ExistingPath);
  verb->add_option("--target", options->target,
                   "Recover with engine, redis or another program instead of the bundle's own")
      ->type_name("NAME");
  verb->add_option("--keep", options->keep, "Keep the recovered directory and the target's log")
      ->type_name("DIR");
  verb->footer(
      "\nExits 1 when a check fails, 0 when all pass (the violation is not there).\n"
      "A bundle's scenario may name any program as its target: know whom it is from.");
  verb->callback([options, &action] { action = [options] { return reproduce(*options); }; });
}

}  // namespace crashpoint::cli
