#include "harness/cli/selection.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <random>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/campaign/recorded_calls.h"
#include "harness/cli/option_values.h"
#include "harness/cli/print.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {
namespace {

constexpr const char* kDefaultFolder = "scenarios";

std::optional<std::uint64_t> parse_seed(const std::optional<std::string>& given) {
  if (!given) {
    return std::nullopt;
  }
  const std::string& text = *given;
  if (text == "random") {
    std::random_device device;
    return ((std::uint64_t{device()} << 32) | device()) & scenario::kSeedMax;
  }
  const std::optional<std::uint64_t> seed = parse_number(text, scenario::kSeedMax);
  if (!seed) {
    throw UsageError(
        fmt::format("--seed: found \"{}\"; allowed: a whole number from 0 to {}, or random",
                    shorten(text), scenario::kSeedMax));
  }
  return seed;
}

}  // namespace

void add_selection(CLI::App& command, Selection& selection) {
  command.add_option("PATH", selection.paths,
                     "Scenario files, or directories to search for them (default: scenarios)");
  command
      .add_option(
          "--filter", selection.filter,
          "Select only cases whose name matches (* and ? as in a shell), or tag:NAME; repeatable")
      ->type_name("GLOB")
      ->take_all()
      ->expected(1);
  command
      .add_option("--exclude", selection.exclude,
                  "Leave these cases out; wins over --filter; repeatable")
      ->type_name("GLOB")
      ->take_all()
      ->expected(1);
  command.add_flag("--all", selection.all,
                   "Every case of each matrix instead of the sample (implied by --filter), "
                   "and \"continues\" on every directory");
  command
      .add_option("--target", selection.target,
                  "engine, redis, or the program of another RESP server, instead of the files' "
                  "targets; several words are its command: 'python3 kv.py {dir} {port}'")
      ->type_name("NAME");
  command
      .add_option("--known", selection.known_findings,
                  "A file of known findings that holds for all cases, beside those they name")
      ->type_name("FILE");
  command.add_option("--seed", selection.seed, "A number or 'random', instead of the files' seeds")
      ->type_name("N");
}

void print_sample_note(const scenario::Loaded& loaded) {
  if (loaded.not_in_sample > 0) {
    print_error("This is a sample; --all adds {}\n", counted(loaded.not_in_sample, "case"));
  }
}

void draw_seed(Selection& selection) {
  if (const std::optional<std::uint64_t> seed = parse_seed(selection.seed)) {
    selection.seed = std::to_string(*seed);
  }
}

scenario::Loaded load_round(const Selection& selection, std::uint64_t round) {
  refuse_empty("--target", selection.target, "engine, redis, or a program");
  std::vector<std::string> paths = selection.paths;
  if (paths.empty()) {
    if (!std::filesystem::is_directory(kDefaultFolder)) {
      throw UsageError(fmt::format(
          "no scenario given, and there is no directory \"{}\" here\n"
          "  give files or directories, or write a first scenario:  crashpoint new my-scenario",
          kDefaultFolder));
    }
    paths.emplace_back(kDefaultFolder);
  }
  scenario::LoadOptions options;
  options.seed = parse_seed(selection.seed);
  options.round = round;
  options.target = selection.target.value_or("");
  options.filter = selection.filter;
  options.exclude = selection.exclude;
  options.all = selection.all;
  options.known_findings = selection.known_findings;
  if (selection.runs) {
    options.record_calls = campaign::record_calls;
  }
  return scenario::load(paths, options);
}

scenario::Loaded load(const Selection& selection) {
  scenario::Loaded loaded = load_round(selection, 0);
  for (const scenario::Problem& warning : loaded.warnings) {
    print_error("{} (warning)\n", scenario::to_string(warning));
  }
  return loaded;
}

}  // namespace crashpoint::cli
