// crashpoint run: runs the cases of scenario files.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
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
#include "harness/cli/interruption.h"
#include "harness/cli/option_values.h"
#include "harness/cli/selection.h"
#include "harness/cli/this_command.h"
#include "harness/report/bundle.h"
#include "harness/report/console.h"
#include "harness/report/exit_code.h"
#include "harness/report/write.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {
namespace {

namespace fs = std::filesystem;

struct RunOptions {
  Selection selection;
  std::optional<std::string> shard;
  std::optional<std::string> report_folder;
  std::optional<std::string> duration;
  std::string accept_known;  // a file that gets the new violations as known findings
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  std::uint64_t rounds = 1;
  double seconds = 0;  // repeat for this long, the first round in full; 0: `rounds` times
};

struct Shard {
  std::size_t index = 0;  // from 0
  std::size_t count = 1;
};

constexpr std::uint64_t kShardsMax = 1'000'000;

// "I/N" with I from 1 to N.
Shard parse_shard(const std::string& text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto index = parse_number(text.substr(0, slash), kShardsMax);
  const auto count =
      slash < text.size() ? parse_number(text.substr(slash + 1), kShardsMax) : std::nullopt;
  if (!index || !count || *index < 1 || *index > *count) {
    throw UsageError(fmt::format(
        "--shard: found \"{}\"; allowed: I/N with I from 1 to N and N up to {}, such as 2/4",
        shorten(text), with_commas(kShardsMax)));
  }
  return {*index - 1, *count};
}

// GoogleTest's variables, so that a test runner can shard crashpoint like any GoogleTest program.
Shard shard_of_environment() {
  const char* total = std::getenv("GTEST_TOTAL_SHARDS");
  const char* index = std::getenv("GTEST_SHARD_INDEX");
  if (total == nullptr || index == nullptr) {
    return {};
  }
  const auto number = parse_number(index, kShardsMax);
  const auto count = parse_number(total, kShardsMax);
  if (!number || !count || *number >= *count) {
    throw UsageError(fmt::format(
        "GTEST_SHARD_INDEX is \"{}\" and GTEST_TOTAL_SHARDS is \"{}\"; allowed: an index from 0 "
        "to the total minus 1",
        shorten(index), shorten(total)));
  }
  return {*number, *count};
}

std::vector<scenario::Case> take_shard(std::vector<scenario::Case> cases, const Shard& shard) {
  std::vector<scenario::Case> mine;
  for (std::size_t i = shard.index; i < cases.size(); i += shard.count) {
    mine.push_back(std::move(cases[i]));
  }
  return mine;
}

// The cases of a run. Each round runs them with other seeds.
class Rounds {
 public:
  Rounds(const RunOptions& options, const Shard& shard)
      : options_(options),
        shard_(shard),
        first_(load(options.selection)),
        of_all_shards_(first_.cases.size()) {
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

  // Which part of the cases these are; empty: all.
  [[nodiscard]] std::optional<report::Part> part() const {
    return shard_.count == 1
               ? std::nullopt
               : std::optional(report::Part{shard_.index + 1, shard_.count, of_all_shards_});
  }

  // The number of cases known so far.
  [[nodiscard]] std::size_t case_count() const {
    return per_round_ * (options_.seconds > 0 ? begun_ : options_.rounds);
  }

 private:
  const RunOptions& options_;
  Shard shard_;
  scenario::Loaded first_;
  std::size_t of_all_shards_;
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

report::RunResult describe_run(const RunOptions& options, const Rounds& rounds) {
  report::RunResult result;
  result.version = version();
  result.command = this_command();
  result.started_at = utc_now();
  if (options.selection.seed) {
    result.seed = std::stoull(*options.selection.seed);
  }
  result.jobs = options.jobs;
  result.planned = rounds.case_count();
  result.part = rounds.part();
  return result;
}

int run(RunOptions options) {
  draw_seed(options.selection);
  options.selection.runs = true;
  refuse_empty("--report", options.report_folder, "a directory");
  if (options.duration) {
    options.seconds = parse_duration("--for", *options.duration);
  }
  const Shard shard = options.shard ? parse_shard(*options.shard) : shard_of_environment();
  Rounds rounds(options, shard);
  report::RunResult result = describe_run(options, rounds);
  const fs::path reports = options.report_folder.value_or("");

  catch_interruptions();
  report::Console console(report::Console::for_stream(stdout));
  std::size_t done = 0;
  campaign::CampaignOptions campaign_options;
  campaign_options.jobs = options.jobs;
  campaign_options.begin = [&, is_first = true]() mutable {
    if (std::exchange(is_first, false)) {
      if (!reports.empty()) {
        report::begin_reports(result, reports);
      }
      console.begin(rounds.case_count(), options.jobs);
      print_sample_note(rounds.first());
    }
  };
  if (!reports.empty()) {
    campaign_options.bundles = reports / report::kBundles;
  }
  if (options.selection.target) {
    campaign_options.reproduce_options = " --target " + shell_quote(*options.selection.target);
  }
  campaign_options.case_done = [&](const report::CaseResult& outcome) {
    console.case_done(outcome, ++done, rounds.case_count());
  };
  campaign_options.go_on = [&] {
    console.tick();
    return !is_interrupted() && !(rounds.is_time_over() && done >= rounds.size());
  };
  const auto began = SteadyClock::now();
  do {
    campaign::CampaignResult outcome = campaign::run_campaign(rounds.next(), campaign_options);
    std::ranges::move(outcome.cases, std::back_inserter(result.cases));
    result.target = fmt::format("{}", fmt::join(outcome.targets, ", "));
  } while (!is_interrupted() && rounds.are_left());
  result.wall_ms = ms_since(began);
  result.interrupted = is_interrupted();
  result.planned = result.interrupted ? rounds.case_count() : result.cases.size();
  fs::path page;
  if (!reports.empty()) {
    report::remove_unfinished_bundles(campaign_options.bundles);
    page = report::write_reports(result, reports).html;
  }
  console.end(result, page);
  if (!options.accept_known.empty()) {
    tell_accepted(options.accept_known, result);
  }
  return report::exit_code(result);
}

}  // namespace

void add_run_command(CLI::App& app, Action& action) {
  auto options = std::make_shared<RunOptions>();
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
      ->add_option("--for", options->duration,
                   "Repeat for this long (90s, 10m, 2h); every case runs at least once")
      ->type_name("DURATION")
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
