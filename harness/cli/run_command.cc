// crashpoint run: the cases of some scenario files, crashed and judged.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/campaign/campaign.h"
#include "harness/cli/commands.h"
#include "harness/cli/selection.h"
#include "harness/report/console.h"
#include "harness/report/totals.h"
#include "harness/report/write.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

void on_interrupt(int /*signal*/) {
  g_interrupted = 1;
}

struct Options {
  Selection selection;
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

std::vector<scenario::Case> take_shard(std::vector<scenario::Case> cases, const Shard& shard) {
  std::vector<scenario::Case> mine;
  for (std::size_t i = shard.index; i < cases.size(); i += shard.count) {
    mine.push_back(std::move(cases[i]));
  }
  return mine;
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

int run(const Options& options) {
  scenario::Loaded loaded = load(options.selection);
  const Shard shard = options.shard.empty() ? shard_of_environment() : parse_shard(options.shard);
  const std::vector<scenario::Case> cases = take_shard(std::move(loaded.cases), shard);

  report::RunResult result;
  result.version = version();
  result.command = command_line();
  result.started_at = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  if (!options.selection.seed.empty() && !cases.empty()) {
    result.seed = cases.front().seed;
  }
  result.jobs = options.jobs;

  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  report::Console console(report::Console::for_descriptor(STDOUT_FILENO));
  console.begin(cases.size(), options.jobs);
  tell_of_sample(loaded);
  std::size_t done = 0;
  campaign::CampaignOptions campaign_options;
  campaign_options.jobs = options.jobs;
  if (!options.report_folder.empty()) {
    campaign_options.bundles = std::filesystem::path(options.report_folder) / "bundles";
  }
  if (!options.selection.target.empty()) {
    campaign_options.reproduce_options = " --target " + shell_quote(options.selection.target);
  }
  campaign_options.case_done = [&](const report::CaseResult& outcome) {
    console.case_done(outcome, ++done, cases.size());
  };
  campaign_options.go_on = [&] {
    console.tick();
    return g_interrupted == 0;
  };
  const auto began = std::chrono::steady_clock::now();
  campaign::CampaignResult outcome = campaign::run_campaign(cases, campaign_options);
  result.wall_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
  result.planned = cases.size();
  result.cases = std::move(outcome.cases);
  result.target = fmt::format("{}", fmt::join(outcome.targets, ", "));
  result.interrupted = outcome.interrupted;
  std::filesystem::path page;
  if (!options.report_folder.empty()) {
    page = report::write_reports(result, options.report_folder).html;
  }
  console.end(result, page);
  return report::exit_code(result);
}

}  // namespace

void add_run_command(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("run", "Crash the target as the scenarios say and judge what comes back");
  add_selection(*command, options->selection);
  command->add_option("-j,--jobs", options->jobs, "Cases that run at once; default: one per core")
      ->check(CLI::Range(1, 1024));
  command->add_option("--shard", options->shard,
                      "I/N: only every N-th case, beginning with the I-th");
  command->add_option(
      "--report", options->report_folder,
      "Write report.json, junit.xml, index.html and a bundle of each violation into this folder");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace crashpoint::cli
