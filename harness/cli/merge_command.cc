// crashpoint merge: makes one report of several.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/cli/commands.h"
#include "harness/cli/option_values.h"
#include "harness/report/console.h"
#include "harness/report/exit_code.h"
#include "harness/report/merge.h"
#include "harness/report/report_json.h"
#include "harness/report/write.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {
namespace {

namespace fs = std::filesystem;

struct MergeOptions {
  std::vector<std::string> reports;
  std::string folder;
};

report::NamedRun read_report(const std::string& given) {
  const fs::path path = fs::is_directory(given) ? fs::path(given) / "report.json" : fs::path(given);
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) {
    throw UsageError(
        fmt::format("{}: cannot be read; give report.json files or the directories that hold them",
                    path.string()));
  }
  return {path.string(), report::decode_run(text, path.string())};
}

int merge(const MergeOptions& options) {
  refuse_empty("--output", options.folder, "a directory");
  std::vector<report::NamedRun> runs;
  std::string command = "crashpoint merge";
  for (const std::string& given : options.reports) {
    runs.push_back(read_report(given));
    command += " " + shell_quote(given);
    const fs::path from = fs::absolute(runs.back().source).parent_path();
    std::error_code missing;
    if (fs::equivalent(from, options.folder, missing)) {
      throw UsageError(fmt::format("{} would be overwritten; give --output another directory",
                                   runs.back().source));
    }
    report::relocate_artifacts(runs.back().run, from, fs::absolute(options.folder));
  }
  report::RunResult merged = report::merge(std::move(runs));
  merged.command = fmt::format("{} --output {}", command, shell_quote(options.folder));
  const report::ReportPaths paths = report::write_reports(merged, options.folder);
  report::Console(report::Console::for_stream(stdout)).end(merged, paths.html);
  return report::exit_code(merged);
}

}  // namespace

void add_merge_command(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("merge", "Merge reports: the shards of a run, or runs on several targets");
  auto options = std::make_shared<MergeOptions>();
  command
      ->add_option("REPORT", options->reports,
                   "report.json files, or the directories that hold them")
      ->required();
  command->add_option("-o,--output", options->folder, "Write the merged report into this directory")
      ->type_name("DIR")
      ->required();
  command->footer(
      "\nExit codes: 1 if any case is a violation, else 3 if any case is inconclusive, a run was "
      "interrupted or a shard is missing, else 0; 2 if a report is there twice or is none.");
  command->callback([options, &action] { action = [options] { return merge(*options); }; });
}

}  // namespace crashpoint::cli
