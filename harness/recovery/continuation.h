// Life goes on: the first instance that recovers from a crash takes writes of every kind and is killed, and
// what then comes back is held against what it served and what was acknowledged since.
//
//   base       what the first start on the directory serves
//   history    a workload that is made for it (continuation_plan), then those of `oracle.then`, each by the
//              instance that came back from the round before
//   promise    that of a process kill, whatever the crash was that the target recovered from
//   refused    what is answered with an error is no write: a target may lack commands
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "harness/oracle/guarantee.h"
#include "harness/oracle/verdict.h"
#include "harness/recovery/program.h"
#include "harness/recovery/starter.h"
#include "harness/scenario/scenario.h"
#include "harness/target/state.h"
#include "harness/workload/plan.h"
#include "harness/workload/runner.h"

namespace crashpoint::recovery {

// What is promised of a life after a crash that `crash` ends. For a target that reads {config} that is what
// the configuration promises: a stated guarantee may ask for more because of how the first life ended (by a
// clean shutdown), or for less because of faults and damage. One that asks for less without either holds.
[[nodiscard]] oracle::Guarantee promise_after_recovery(const scenario::Case& of,
                                                       const Program& program,
                                                       oracle::CrashKind crash);

// Why a case cannot be judged so; empty where it can.
[[nodiscard]] std::string why_no_continuation(const scenario::Case& of, const Program& program);

[[nodiscard]] std::string promise_of_continuation();

// As a note of a report.
[[nodiscard]] std::string note_on_continuation(const std::string& why);

// Whether acknowledged writes go to a log; else only snapshots keep any.
[[nodiscard]] bool keeps_a_log(const scenario::Case& of, const Program& program);

// Single writes, commands with several effects and a transaction, on new keys and on some of `base`. By
// `variant`, whose low bits choose: a rewrite or a snapshot, with writes while it runs or after it. Without
// a log (`has_log`) a SAVE comes before the last writes, for nothing else keeps any.
[[nodiscard]] workload::Plan continuation_plan(const target::State& base, bool has_log,
                                               std::uint64_t variant);
inline constexpr std::uint64_t kContinuationVariants = 16;

// Of the names and sizes of the files in `directory`, so that a directory is always continued in the
// same way, and those of one run in all ways.
[[nodiscard]] std::uint64_t variant_of(const std::filesystem::path& directory);

struct Continued {
  // check "continues". Nothing: the first start does not serve, or `note` says why it cannot be told.
  std::optional<oracle::Verdict> verdict;
  std::string note;
  double ms = 0;
};

// Whether `run`, of an instance that recovered and printed `log`, says something of what follows: then
// neither a verdict nor a note. Lacking a command is a target's own affair; refusing to write is not.
[[nodiscard]] Continued judge_further_life(const scenario::Case& of, const workload::Run& run,
                                           const std::string& log);

// On a directory as the crash left it, in place. Throws EnvironmentError.
[[nodiscard]] Continued continue_and_judge(const scenario::Case& of, const Program& program,
                                           Starter& starter,
                                           const std::filesystem::path& directory);

}  // namespace crashpoint::recovery
