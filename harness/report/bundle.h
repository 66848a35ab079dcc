// A bundle: a directory (or a .tar.zst of it) that reproduces one violation on another machine. It
// holds the exact bytes of the data directory before recovery, and everything else that is needed to
// judge the recovered state:
//
//   README.txt         what was promised and found, and the command that reproduces it
//   bundle.json        the case with its verdict, the guarantee, the time of the crash
//   scenario.json      a scenario with this case only: repeats the whole run, not just the recovery
//   history.jsonl      every command, its reply, and when it was acknowledged
//   base-state.json    what the target held before the first command
//   dumps.json         of a target that is any program: the expected dumps and the acknowledgements
//   crash-state/       the data directory before recovery
//   recovery.log       what the recovering target printed
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "harness/oracle/dump/dump_judge.h"
#include "harness/oracle/guarantee.h"
#include "harness/oracle/resp/judge.h"
#include "harness/report/result.h"
#include "harness/target/state.h"
#include "harness/trace/trace.h"
#include "harness/workload/history.h"

namespace crashpoint::report {

struct Bundle {
  CaseResult result;        // with its verdict
  std::string version;      // of crashpoint
  std::string target;       // with its version: "redis 7.0.15"
  std::string scenario;     // JSON: a scenario file with this case alone
  std::string crash_state;  // the state in words; empty if the case has only one
  oracle::Guarantee guarantee;
  oracle::CrashMoment crash;
  workload::History history;
  target::State base;
  std::optional<oracle::DumpHistory> dumps;  // of any program; then history and base are empty
  trace::Image image;
  std::string
      path;  // where it must be recovered, of a program that knows its path; empty: anywhere
  std::string recovery_log;
};

// A name for the bundle's directory: the case's name in characters that every filesystem accepts, and
// a digest that keeps such names distinct.
[[nodiscard]] std::string bundle_name(const CaseResult& result);

// Creates `folder`, which must not exist yet, and its parents. Atomic: writes under a temporary name,
// then renames. Throws EnvironmentError.
void write_bundle(const Bundle& bundle, const std::filesystem::path& folder);

// Removes the bundles in `folder`, whole ones and those of a writer that was killed: the files that
// write_bundle() wrote, and their directories unless somebody put more into them. Throws EnvironmentError.
void remove_bundles(const std::filesystem::path& folder);

// Removes only those of a writer that was killed.
void remove_unfinished_bundles(const std::filesystem::path& folder);

// Reads a bundle's directory. Throws UsageError that names the file that is missing or malformed.
[[nodiscard]] Bundle read_bundle(const std::filesystem::path& folder);

}  // namespace crashpoint::report
