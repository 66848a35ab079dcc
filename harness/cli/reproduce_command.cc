// crashpoint reproduce: recovers the crash state in a bundle again and judges it.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/campaign/reproduce.h"
#include "harness/campaign/worker_pool.h"
#include "harness/campaign/workspace.h"
#include "harness/cli/commands.h"
#include "harness/cli/interruption.h"
#include "harness/cli/option_values.h"
#include "harness/cli/print.h"
#include "harness/report/archive.h"
#include "harness/report/bundle.h"
#include "harness/report/case_text.h"
#include "harness/report/exit_code.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {
namespace {

namespace fs = std::filesystem;
using oracle::Outcome;

struct ReproduceOptions {
  std::string bundle;
  std::optional<std::string> target;  // absent: that of the bundle
  std::optional<std::string> keep;
};

report::Bundle read(const std::string& given, const fs::path& workspace) {
  if (fs::is_directory(given)) {
    return report::read_bundle(given);
  }
  fs::create_directories(workspace / "unpacked");
  return report::read_bundle(report::unpack(given, workspace / "unpacked"));
}

// How the new verdict compares to the one in the bundle.
std::string conclusion(const oracle::Verdict& before, const campaign::Reproduction& reproduction) {
  const oracle::Verdict& now = reproduction.result.verdict;
  if (reproduction.used_no_file) {
    return "Not reproduced: this target did not look at the crash state.";
  }
  if (now.outcome == Outcome::kPass) {
    return "Not reproduced: every check passes.";
  }
  if (now.outcome == Outcome::kInconclusive) {
    return "Inconclusive: a check could not be decided.";
  }
  return now.check == before.check && before.outcome == Outcome::kViolation
             ? fmt::format("Reproduced: the check \"{}\" fails again.", now.check)
             : fmt::format(
                   "A different violation: the check \"{}\" fails; in the bundle it was \"{}\".",
                   now.check, before.check);
}

void keep(const fs::path& workspace, const std::string& log, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  fs::copy(workspace / "data", folder / "recovered",
           fs::copy_options::recursive | fs::copy_options::copy_symlinks, error);
  std::ofstream(folder / "recovery.log", std::ios::binary) << log;
  if (error) {
    throw EnvironmentError(fmt::format("cannot copy the recovered directory to {}: {}",
                                       folder.string(), error.message()));
  }
}

// Recovers in `workspace`, and prints and returns what came of it.
int recover(const ReproduceOptions& options, const fs::path& workspace) {
  const report::Bundle bundle = read(options.bundle, workspace);
  const campaign::Reproduction now =
      campaign::reproduce(bundle, options.target.value_or(""), workspace);
  if (options.keep) {
    keep(workspace, now.log, *options.keep);
  }
  const oracle::Verdict& verdict = now.result.verdict;
  fmt::print("{}\n", printable(bundle.result.name));
  fmt::print("{}", report::labelled("target", now.target == bundle.target
                                                  ? now.target
                                                  : fmt::format("{}; the bundle was made with {}",
                                                                now.target, bundle.target)));
  if (!bundle.crash_state.empty()) {
    fmt::print("{}", report::labelled("crash state", bundle.crash_state));
  }
  if (verdict.outcome != Outcome::kPass) {
    report::CaseResult shown = now.result;
    shown.reproduce.clear();  // that command is the one that is running
    fmt::print("{}", report::describe_case(shown, oracle::Verdict::kShown));
  }
  fmt::print("{}\n", conclusion(bundle.result.verdict, now));
  report::RunResult run;
  run.cases = {now.result};
  return report::exit_code(run);
}

// How a worker ended, as it tells its parent.
struct Ending {
  int exit_code = kCouldNotTell;
  std::string error;  // for standard error; empty: there was none
};

std::string to_message(const Ending& ending) {
  return fmt::format("{} {}", ending.exit_code, ending.error);
}

Ending to_ending(const std::string& message) {
  const std::size_t space = message.find(' ');
  return {std::stoi(message.substr(0, space)), message.substr(space + 1)};
}

Ending try_to_recover(const ReproduceOptions& options, const fs::path& workspace) {
  try {
    const int exit_code = recover(options, workspace);
    std::fflush(stdout);
    return {exit_code, ""};
  } catch (const UsageError& error) {
    return {kUsage, error.what()};
  } catch (const std::exception& error) {
    return {kCouldNotTell, fmt::format("inconclusive: {}", error.what())};
  }
}

// In a worker, so that an interrupted recovery leaves neither a process nor a file.
int reproduce(const ReproduceOptions& options) {
  refuse_empty("--target", options.target, "engine, redis, or a program");
  refuse_empty("--keep", options.keep, "a directory");
  if (options.keep && fs::exists(fs::path(*options.keep) / "recovered")) {
    throw UsageError(
        fmt::format("{}/recovered already exists; give --keep another directory", *options.keep));
  }
  catch_interruptions();
  const campaign::Workspace workspace = campaign::Workspace::open();
  std::optional<Ending> ending;
  campaign::run_in_workers(
      1, 1,
      [&](std::size_t, const campaign::GoOn&) {
        return to_message(try_to_recover(options, workspace.path()));
      },
      [&](std::size_t, const std::string& message, const std::string& died) {
        ending = died.empty() ? to_ending(message)
                              : Ending{kCouldNotTell, "inconclusive: the worker was " + died};
      },
      [] { return !is_interrupted(); });
  if (!ending) {
    throw EnvironmentError("interrupted");
  }
  if (!ending->error.empty()) {
    print_error("crashpoint: {}\n", ending->error);
  }
  return ending->exit_code;
}

}  // namespace

void add_reproduce_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "reproduce", "Recover the crash state in a bundle again and judge the recovered state");
  auto options = std::make_shared<ReproduceOptions>();
  command->add_option("BUNDLE", options->bundle, "A bundle: its directory, or a .tar.zst of it")
      ->required()
      ->check(CLI::ExistingPath);
  command
      ->add_option("--target", options->target,
                   "Recover with engine, redis or another program instead of the bundle's target; "
                   "several words are its command")
      ->type_name("NAME");
  command
      ->add_option("--keep", options->keep,
                   "Copy the recovered directory and the target's log into this directory")
      ->type_name("DIR");
  command->footer(
      "\nExit codes: 0 every check passes (not reproduced), 1 a check fails, 2 not a usable "
      "bundle, 3 "
      "inconclusive.\n"
      "A bundle's scenario can name any program as its target: run only bundles that you trust.");
  command->callback([options, &action] { action = [options] { return reproduce(*options); }; });
}

}  // namespace crashpoint::cli
