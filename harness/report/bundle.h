// A bundle: a folder (or the .tar.zst of one) with which one violation can be reproduced on another
// machine. It holds the exact bytes of the data directory as recovery got it, and all that the judge
// needs besides:
//
//   README.txt         what was promised and found, and the command that reproduces it
//   bundle.json        the case with its verdict, what was guaranteed, when the crash came
//   scenario.json      the case as a scenario of its own: the whole run again, not just its recovery
//   history.jsonl      every command, its reply and when it was acknowledged
//   base-state.json    what the target held before the first command
//   crash-state/       the data directory before recovery
//   recovery.log       what the recovering target printed
#pragma once

#include <filesystem>
#include <string>

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
  std::string crash_state;  // which one of the case's, in words; empty: its only one
  oracle::Guarantee guarantee;
  oracle::CrashMoment crash;
  workload::History history;
  target::State base;
  trace::Image image;
  std::string recovery_log;
};

// A name for the bundle's folder: the case's name in letters that any filesystem takes, and a digest
// that tells apart what then looks the same.
[[nodiscard]] std::string bundle_name(const CaseResult& result);

// Makes `folder`, which must not exist yet (its parents may). A bundle is there whole or not at all:
// it is written under a temp name and renamed. Throws EnvironmentError.
void write_bundle(const Bundle& bundle, const std::filesystem::path& folder);

// Reads a bundle's folder. Throws UsageError naming the file that is missing or not as it should be.
[[nodiscard]] Bundle read_bundle(const std::filesystem::path& folder);

}  // namespace crashpoint::report
