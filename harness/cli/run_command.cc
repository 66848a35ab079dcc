// crashpoint run: runs the cases of scenario files.
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
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/campaign/accept_known.h"
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
  std::string accept_known;  // a file that gets the new violations as known findings
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  std::uint64_t rounds = 1;
  double seconds = 0;  // repeat for this long, the first round in full; 0: `rounds` times
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
        fmt::format("--shard: found '{}'; allowed: I/N with I from 1 to N, such as 2/4", text));
  }
  return {index - 1, count};
}

// GoogleTest's variables, so that a test runner can shard crashpoint like any GoogleTest program.
Shard shard_of_environment() {
  const char* total = std::getenv("GTEST_TOTAL_SHARDS");
  const char* index = std::getenv("GTEST_SHARD_INDEX");
  if (total == nullptr || index == nullptr) {
    return {};
  }
  const Shard shard{std::strtoul(index, nullptr, 10), std::strtoul(total, nullptr, 10)};
  if (shard.index >= shard.count) {
    throw UsageError(fmt::format(
        "GTEST_SHARD_INDEX is \"{}\" and GTEST_TOTAL_SHARDS is \"{}\"; allowed: an index from 0 "
        "to the total minus 1",
        index, total));
  }
  return shard;
}

std::vector<scenario::Case> take_shard(std::vector<scenario::Case> cases, const Shard& shard) {
  std::vector<scenario::Case> mine;
  for (std::size_t i = shard.index; i < cases.size(); i += shard.count) {
    mine.push_back(std::move(cases[i]));
  }
  return mine;
}

// The command line as typed, quoted for a shell.
std::string command_line() {
  std::ifstream file("/proc/self/cmdline");
  std::string line;
  for (std::string word; std::getline(file, word, '\0');) {
    line += (line.empty() ? "" : " ") + shell_quote(word);
  }
  return line;
}

// The cases of a run. Each round runs them with other seeds.
class Rounds {
 public:
  Rounds(const Options& options, const Shard& shard)
      : options_(options), shard_(shard), first_(load(options.selection)) {
    first_.cases = take_shard(std::move(first_.cases), shard_);
    per_round_ = first_.cases.size();
  }

  // As loaded; next() takes its cases away.
  [[nodiscard]] const scenario::Loaded& first() const { return first_; }

  // Joins small rounds, so that workers do not wait for the last case of each.
  std::vector<scenario::Case> next() {
    constexpr std::size_t kBatchMin = 200;
    std::vector<scenario::Case> batch = std::exchange(first_.cases, {});
    while (are_left() && batch.size() < kBatchMin) {
      std::ranges::move(take_shard(load_round(options_.selection, begun_++).cases, shard_),
                        std::back_inserter(batch));
    }
    return batch;
  }

  [[nodiscard]] bool are_left() const {
    return per_round_ > 0 && (options_.seconds > 0 ? !is_time_over() : begun_ < options_.rounds);
  }
  [[nodiscard]] bool is_time_over() const {
    return options_.seconds > 0 && ms_since(began_) >= options_.seconds * 1000;
  }

  [[nodiscard]] std::size_t size() const { return per_round_; }

  // The number of cases known so far.
  [[nodiscard]] std::size_t case_count() const {
    return per_round_ * (options_.seconds > 0 ? begun_ : options_.rounds);
  }

 private:
  const Options& options_;
  Shard shard_;
  scenario::Loaded first_;
  std::size_t per_round_ = 0;
  std::size_t begun_ = 1;
  SteadyClock::time_point began_ = SteadyClock::now();
};

// The known findings of one run are of one target.
void tell_accepted(const std::string& file, const report::RunResult& result) {
  std::string target;
  for (const report::CaseResult& of : result.cases) {
    if (!target.empty() && target != of.target) {
      throw UsageError(
          fmt::format("--accept-known: the cases run both '{}' and '{}'; choose one with --target",
                      target, of.target));
    }
    target = of.target;
  }
  const std::size_t added = campaign::accept_known(result.cases, target, file);
  fmt::print("{} written to {}; explain each, and give the file to later runs:  --known {}\n",
             counted(added, "known finding"), file, shell_quote(file));
}

int run(Options options) {
  draw_seed(options.selection);
  const Shard shard = options.shard.empty() ? shard_of_environment() : parse_shard(options.shard);
  Rounds rounds(options, shard);

  report::RunResult result;
  result.version = version();
  result.command = command_line();
  result.started_at = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  if (!options.selection.seed.empty()) {
    result.seed = std::stoull(options.selection.seed);
  }
  result.jobs = options.jobs;

  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  report::Console console(report::Console::for_descriptor(STDOUT_FILENO));
  console.begin(rounds.case_count(), options.jobs);
  print_sample_note(rounds.first());
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
    console.case_done(outcome, ++done, rounds.case_count());
  };
  campaign_options.go_on = [&] {
    console.tick();
    return g_interrupted == 0 && !(rounds.is_time_over() && done >= rounds.size());
  };
  const auto began = SteadyClock::now();
  do {
    campaign::CampaignResult outcome = campaign::run_campaign(rounds.next(), campaign_options);
    std::ranges::move(outcome.cases, std::back_inserter(result.cases));
    result.target = fmt::format("{}", fmt::join(outcome.targets, ", "));
  } while (g_interrupted == 0 && rounds.are_left());
  result.wall_ms = ms_since(began);
  result.interrupted = g_interrupted != 0;
  result.planned = result.interrupted ? rounds.case_count() : result.cases.size();
  std::filesystem::path page;
  if (!options.report_folder.empty()) {
    page = report::write_reports(result, options.report_folder).html;
  }
  console.end(result, page);
  if (!options.accept_known.empty()) {
    tell_accepted(options.accept_known, result);
  }
  return report::exit_code(result);
}

}  // namespace

void add_run_command(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "run", "Run scenarios: crash the target, recover it, judge the recovered state");
  add_selection(*command, options->selection);
  command
      ->add_option("-j,--jobs", options->jobs,
                   "Number of cases to run in parallel (default: one per core)")
      ->check(CLI::Range(1, 1024));
  CLI::Option* repeat = command
                            ->add_option("--repeat", options->rounds,
                                         "Run every case N times, each time with a different seed")
                            ->type_name("N")
                            ->check(CLI::Range(1, 1'000'000));
  command
      ->add_option("--for", options->seconds,
                   "Repeat for this long (90s, 10m, 2h); every case runs at least once")
      ->type_name("DURATION")
      ->transform(CLI::AsNumberWithUnit(
          std::map<std::string, double>{{"s", 1}, {"m", 60}, {"h", 3600}},
          CLI::AsNumberWithUnit::Options(CLI::AsNumberWithUnit::CASE_SENSITIVE |
                                         CLI::AsNumberWithUnit::UNIT_REQUIRED)))
      ->check(CLI::PositiveNumber)
      ->excludes(repeat);
  command
      ->add_option("--shard", options->shard,
                   "Run only every N-th case, starting with the I-th, such as 2/4")
      ->type_name("I/N");
  command
      ->add_option(
          "--report", options->report_folder,
          "Write report.json, junit.xml, index.html and a bundle per violation into this directory")
      ->type_name("DIR");
  command
      ->add_option("--accept-known", options->accept_known,
                   "Add the new violations of this run to this file of known findings")
      ->type_name("FILE");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace crashpoint::cli
