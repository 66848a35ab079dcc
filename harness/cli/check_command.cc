// crashpoint check: crashes one command in every way and says what can be lost, without a scenario.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/error.h"
#include "harness/base/glob.h"
#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/campaign/campaign.h"
#include "harness/campaign/program_case.h"
#include "harness/cli/commands.h"
#include "harness/cli/interruption.h"
#include "harness/cli/option_values.h"
#include "harness/cli/this_command.h"
#include "harness/report/case_text.h"
#include "harness/report/console.h"
#include "harness/report/exit_code.h"
#include "harness/report/status.h"
#include "harness/report/write.h"
#include "harness/scenario/load/load.h"
#include "harness/scenario/program_json.h"
#include "harness/scenario/scenario.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {
namespace {

namespace fs = std::filesystem;
using oracle::Outcome;

struct CheckOptions {
  std::vector<std::string> setup;
  std::string dump;
  std::string acknowledging_lines;
  std::string guarantee = "durable";
  std::vector<std::string> volatile_files;
  std::vector<std::string> recovery;
  bool not_atomic = false;
  double deadline_s = 5;
  std::uint64_t states_max = 3'000;
  std::string seed = "1";
  std::optional<std::string> report_folder;
  std::optional<std::string> save;  // a file that gets the scenario
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::string> command;
};

// Commands given here know the directory they are given in.
std::string filled_in(std::string text) {
  constexpr std::string_view kScenario = "{scenario}";
  const std::string folder = fs::current_path().string();
  for (std::size_t at = text.find(kScenario); at != std::string::npos;
       at = text.find(kScenario, at + folder.size())) {
    text.replace(at, kScenario.size(), folder);
  }
  return text;
}

constexpr double kMsPerSecond = 1000;

scenario::Command shell_command(const std::string& text) {
  return {.words = {}, .text = filled_in(text)};
}

// Words are executed as they are; one word with blanks is for a shell.
scenario::Command workload_of(const std::vector<std::string>& words) {
  if (words.size() == 1 && words.front().find_first_of(" \t\n;|&<>") != std::string::npos) {
    return shell_command(words.front());
  }
  scenario::Command command;
  for (const std::string& word : words) {
    command.words.push_back(filled_in(word));
  }
  return command;
}

oracle::Guarantee guarantee_of(const std::string& name) {
  using Kind = oracle::Guarantee::Kind;
  return {.kind = name == "durable"  ? Kind::kDurable
                  : name == "prefix" ? Kind::kPrefix
                                     : Kind::kNone};
}

scenario::Case case_of(const CheckOptions& options) {
  scenario::Case of;
  of.name = "check";
  of.scenario = "check";
  const auto seed = parse_number(options.seed, scenario::kSeedMax);
  if (!seed) {
    throw UsageError(fmt::format("--seed: found \"{}\"; allowed: a whole number up to {}",
                                 shorten(options.seed), with_commas(scenario::kSeedMax)));
  }
  of.seed = *seed;
  scenario::ProgramTarget program;
  program.dump = shell_command(options.dump);
  for (const std::string& glob : options.volatile_files) {
    if (const std::string problem = path_glob_problem(glob); !problem.empty()) {
      throw UsageError(fmt::format("--volatile: \"{}\" {}", shorten(glob), problem));
    }
  }
  program.volatile_files = options.volatile_files;
  for (const std::string& text : options.setup) {
    program.setup.push_back(shell_command(text));
  }
  for (const std::string& text : options.recovery) {
    program.recovery.push_back(shell_command(text));
  }
  program.steps.push_back({.run = workload_of(options.command),
                           .acknowledging_lines = options.acknowledging_lines,
                           .may_change_nothing = false,
                           .atomic = !options.not_atomic});
  of.summary = fmt::format("What '{}' acknowledges survives a crash.",
                           shorten(to_string(program.steps.front().run), 60));
  of.target.use = "program";
  of.target.command = {fs::path(options.command.front()).filename().string()};
  of.program = std::move(program);
  of.crash.explore.emplace();
  of.crash.explore->prune = scenario::Prune::kRepresentative;
  of.crash.explore->max_states = options.states_max;
  of.oracle.guarantee = guarantee_of(options.guarantee);
  of.recovery.deadline_ms = static_cast<std::int64_t>(options.deadline_s * kMsPerSecond);
  of.stand_alone = scenario::program_scenario(of);
  return of;
}

void save(const scenario::Case& of, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  file << of.stand_alone;
  file.close();
  if (!file) {
    throw UsageError(fmt::format("--save: cannot write {}", path));
  }
}

std::string states_line(const report::CaseResult& result) {
  std::string line;
  for (const report::StateCounts& counts : result.states) {
    line += fmt::format("{}{} after a {}", line.empty() ? "" : ", ",
                        counted(counts.tried, "crash state"),
                        counts.crash == "process-kill" ? "process kill" : "power loss");
  }
  if (std::ranges::any_of(result.states, [](const auto& counts) {
        return std::ranges::any_of(counts.skipped, [](const auto& skipped) {
          return skipped.first.find("max_states") != std::string::npos;
        });
      })) {
    line += " (more are permitted: --max-states)";
  }
  if (!result.states.empty()) {
    line += fmt::format(", at {}", counted(result.states.front().points, "crash point"));
  }
  return line;
}

void print_findings(const report::CaseResult& result) {
  std::size_t number = 0;
  for (const oracle::Verdict& check : result.checks) {
    if (check.outcome == Outcome::kViolation) {
      fmt::print("\n{}", report::labelled(fmt::format("loss {}", ++number), check.summary));
      if (!check.nearest.empty()) {
        fmt::print("{}", report::labelled("", check.nearest));
      }
    }
  }
}

void print_result(const report::CaseResult& result, const scenario::Case& of) {
  fmt::print("{}", report::labelled("checked", to_string(of.program->steps.front().run)));
  fmt::print("{}", report::labelled("promised", result.promise));
  if (!result.states.empty()) {
    fmt::print("{}",
               report::labelled("tried", fmt::format("{}, in {}", states_line(result),
                                                     report::duration(result.timing.total_ms))));
  }
  for (const std::string& note : result.notes) {
    fmt::print("{}", report::labelled("note", note));
  }
  print_findings(result);
  for (const oracle::Verdict& check : result.checks) {
    if (check.outcome == Outcome::kInconclusive) {
      fmt::print("\n{}", report::labelled("not known", check.summary));
    }
  }
  switch (result.verdict.outcome) {
    case Outcome::kViolation:
      fmt::print("\nviolation\n{}", report::labelled("reproduce", result.reproduce));
      break;
    case Outcome::kInconclusive:
      fmt::print("\ninconclusive\n");
      break;
    case Outcome::kPass:
      fmt::print("\npassed: nothing that was promised can be lost\n");
      break;
  }
}

int check(const CheckOptions& options) {
  if (options.command.empty()) {
    throw UsageError("a command is required: crashpoint check --dump COMMAND -- COMMAND");
  }
  if (options.dump.empty()) {
    throw UsageError("--dump: found nothing; allowed: a command that prints the state");
  }
  refuse_empty("--report", options.report_folder, "a directory");
  refuse_empty("--save", options.save, "a file");
  const std::vector<scenario::Case> cases = {case_of(options)};
  if (options.save) {
    save(cases.front(), *options.save);
  }
  report::RunResult result;
  result.version = version();
  result.command = this_command();
  result.started_at = utc_now();
  result.seed = cases.front().seed;
  result.jobs = options.jobs;
  result.planned = 1;
  const fs::path reports = options.report_folder.value_or("");

  catch_interruptions();
  campaign::CampaignOptions campaign_options;
  campaign_options.jobs = options.jobs;
  campaign_options.begin = [&] {
    if (!reports.empty()) {
      report::begin_reports(result, reports);
    }
  };
  if (!reports.empty()) {
    campaign_options.bundles = reports / report::kBundles;
  }
  campaign_options.go_on = [] { return !is_interrupted(); };
  const auto began = SteadyClock::now();
  campaign::CampaignResult outcome = campaign::run_campaign(cases, campaign_options);
  result.cases = std::move(outcome.cases);
  result.target = fmt::format("{}", fmt::join(outcome.targets, ", "));
  result.wall_ms = ms_since(began);
  result.interrupted = is_interrupted();
  for (report::CaseResult& of : result.cases) {
    if (of.reproduce.empty()) {
      of.reproduce = result.command;
    }
    if (of.verdict.check == campaign::kUsageCheck) {
      throw UsageError(of.verdict.summary);
    }
    print_result(of, cases.front());
  }
  if (!reports.empty()) {
    fmt::print("{}",
               report::labelled("report", report::write_reports(result, reports).html.string()));
  }
  return report::exit_code(result);
}

}  // namespace

void add_check_command(CLI::App& app, Action& action) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* command = app.add_subcommand(
      "check", "Crash one command at every point of its run and say what can be lost");
  command
      ->add_option("--dump", options->dump,
                   "Shell command that prints the state; what it prints after a crash is judged")
      ->type_name("COMMAND")
      ->required();
  command
      ->add_option("--setup", options->setup,
                   "Shell command run before; what it leaves is taken for durable. Repeatable")
      ->type_name("COMMAND")
      ->allow_extra_args(false);
  command
      ->add_option("--ack", options->acknowledging_lines,
                   "Lines of standard output that acknowledge, besides the end with status 0")
      ->type_name("GLOB");
  command
      ->add_option("--guarantee", options->guarantee,
                   "What is promised: all that was acknowledged survives; or a state that the run "
                   "had, however old; or only that the dump succeeds")
      ->type_name("NAME")
      ->check(CLI::IsMember({"durable", "prefix", "none"}))
      ->capture_default_str();
  command
      ->add_option("--recover", options->recovery,
                   "Shell command run after the crash and before the dump. Repeatable")
      ->type_name("COMMAND")
      ->allow_extra_args(false);
  command
      ->add_option("--volatile", options->volatile_files,
                   "Files that the program makes anew, such as *-shm: left out. Repeatable")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  command->add_flag("--not-atomic", options->not_atomic,
                    "What a process kill leaves inside the command is allowed too");
  command->add_option("--deadline", options->deadline_s, "Seconds that a dump may take")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  command->add_option("--max-states", options->states_max, "Try at most so many crash states")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000'000))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Seed of what is sampled")
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("-j,--jobs", options->jobs,
                   "Number of crash states to recover in parallel (default: one per core)")
      ->check(CLI::Range(1, 1024));
  command
      ->add_option("--report", options->report_folder,
                   "Write report.json, junit.xml, index.html and a bundle per loss into this "
                   "directory")
      ->type_name("DIR");
  command->add_option("--save", options->save, "Write the scenario that does the same, for run")
      ->type_name("FILE");
  command->add_option(
      "command", options->command,
      "The command and its arguments, after --; one word with blanks goes through sh -c");
  command->footer(
      "\nEvery command runs in a data directory of its own, which is empty at first. {dir} stands "
      "for "
      "that\ndirectory, {scenario} for the one that crashpoint was started in, {run} for one that "
      "is no "
      "data.\n\nExit codes: 0 nothing that was promised can be lost, 1 something can, 2 usage "
      "error, "
      "3 inconclusive.");
  command->callback([options, &action] { action = [options] { return check(*options); }; });
}

}  // namespace crashpoint::cli
