// crashpoint run: the cases of some scenario files, crashed and judged.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/campaign/campaign.h"
#include "harness/cli/commands.h"
#include "harness/report/console.h"
#include "harness/report/write.h"
#include "harness/scenario/load.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

void on_interrupt(int /*signal*/) {
  g_interrupted = 1;
}

struct Options {
  std::vector<std::string> paths;
  scenario::LoadOptions load;
  std::string seed;
  std::string shard;
  std::string report_folder;
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
};

struct Shard {
  std::size_t index = 0;  // from 0
  std::size_t count = 1;
};

// "I/N" with I from 1 to N.
Shard parse_shard(const std::string& text) {
  const std::size_t slash = text.find('/');
  char* end = nullptr;
  const unsigned long index = std::strtoul(text.c_str(), &end, 10);
  const bool index_good = slash != std::string::npos && end == text.c_str() + slash;
  const unsigned long count = index_good ? std::strtoul(text.c_str() + slash + 1, &end, 10) : 0;
  if (!index_good || *end != '\0' || index < 1 || index > count) {
    throw UsageError(
        fmt::format("--shard: found '{}', allowed I/N with I from 1 to N, such as 2/4", text));
  }
  return {index - 1, count};
}

// GoogleTest's own variables, so that a test runner shards crashpoint like any other test.
Shard shard_of_environment() {
  const char* total = std::getenv("GTEST_TOTAL_SHARDS");
  const char* index = std::getenv("GTEST_SHARD_INDEX");
  if (total == nullptr || index == nullptr) {
    return {};
  }
  return {std::strtoul(index, nullptr, 10), std::max(1ul, std::strtoul(total, nullptr, 10))};
}

std::optional<std::uint64_t> parse_seed(const std::string& text) {
  if (text.empty()) {
    return std::nullopt;
  }
  if (text == "random") {
    return std::random_device{}();
  }
  char* end = nullptr;
  const unsigned long long seed = std::strtoull(text.c_str(), &end, 10);
  if (*end != '\0' || text.front() == '-') {
    throw UsageError(fmt::format("--seed: found '{}', allowed a number from 0 or 'random'", text));
  }
  return seed;
}

std::vector<scenario::Case> take_shard(std::vector<scenario::Case> cases, const Shard& shard) {
  std::vector<scenario::Case> mine;
  for (std::size_t i = shard.index; i < cases.size(); i += shard.count) {
    mine.push_back(std::move(cases[i]));
  }
  return mine;
}

int exit_code(const report::RunResult& run) {
  bool could_not_tell = run.interrupted;
  for (const report::CaseResult& result : run.cases) {
    if (result.verdict.outcome == oracle::Outcome::kViolation && result.known_finding.empty()) {
      return kViolations;
    }
    could_not_tell |= result.verdict.outcome == oracle::Outcome::kInconclusive;
  }
  return could_not_tell ? kCouldNotTell : kPassed;
}

// As typed, quoted so that a shell reads it back.
std::string command_line() {
  std::ifstream file("/proc/self/cmdline");
  std::string line;
  for (std::string word; std::getline(file, word, '\0');) {
    line += (line.empty() ? "" : " ") + shell_quote(word);
  }
  return line;
}

int run(Options options) {
  options.load.seed = parse_seed(options.seed);
  if (options.paths.empty()) {
    options.paths = {"scenarios"};
  }
  scenario::Loaded loaded = scenario::load(options.paths, options.load);
  for (const scenario::Problem& warning : loaded.warnings) {
    fmt::print(stderr, "warning: {}\n", scenario::to_string(warning));
  }
  const Shard shard = options.shard.empty() ? shard_of_environment() : parse_shard(options.shard);
  const std::vector<scenario::Case> cases = take_shard(std::move(loaded.cases), shard);

  report::RunResult result;
  result.version = version();
  result.command = command_line();
  result.started_at = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  result.seed = options.load.seed.value_or(0);
  result.jobs = options.jobs;

  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  report::Console console;
  console.begin(cases.size(), options.jobs);
  campaign::CampaignOptions campaign_options;
  campaign_options.jobs = options.jobs;
  if (!options.load.target.empty()) {
    campaign_options.reproduce_options = " --target " + shell_quote(options.load.target);
  }
  campaign_options.case_done = [&](const report::CaseResult& done) { console.case_done(done); };
  campaign_options.go_on = [&] {
    console.tick();
    return g_interrupted == 0;
  };
  const auto began = std::chrono::steady_clock::now();
  campaign::CampaignResult outcome = campaign::run_campaign(cases, campaign_options);
  result.wall_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
  result.cases = std::move(outcome.cases);
  result.left_out = std::move(outcome.left_out);
  result.target = fmt::format("{}", fmt::join(outcome.targets, ", "));
  result.interrupted = outcome.interrupted;
  report::WrittenReports written;
  if (!options.report_folder.empty()) {
    written = report::write_reports(result, options.report_folder);
  }
  console.end(result, written);
  return exit_code(result);
}

}  // namespace

void add_run_command(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("run", "Crash the target as the scenarios say and judge what comes back");
  command->add_option("paths", options->paths,
                      "Scenario files or folders; none: the folder 'scenarios'");
  command->add_option("-j,--jobs", options->jobs, "Cases that run at once; default: one per core")
      ->check(CLI::Range(1, 1024));
  command->add_option("--filter", options->load.filter,
                      "Only cases whose name matches this glob, or tag:NAME; may be repeated");
  command->add_option("--exclude", options->load.exclude,
                      "Not these; wins over --filter; may be repeated");
  command->add_option("--target", options->load.target,
                      "engine, redis, or a command, instead of each file's own");
  command->add_option("--seed", options->seed, "Instead of each file's own: a number, or 'random'");
  command->add_option("--shard", options->shard,
                      "I/N: only every N-th case, beginning with the I-th");
  command->add_option("--report", options->report_folder,
                      "Write report.json, junit.xml and index.html into this folder");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace crashpoint::cli
