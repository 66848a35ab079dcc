// The results of a run as plain data: filled in by the campaign, rendered by each kind of report.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/fault/fault.h"
#include "harness/oracle/verdict.h"

namespace crashpoint::report {

// Where the time of a case went, in milliseconds.
struct Timing {
  double start_ms = 0;
  double workload_ms = 0;
  double crash_ms = 0;
  double recovery_ms = 0;
  double judge_ms = 0;
  double total_ms = 0;
};

struct FaultResult {
  std::string text;  // the fault in words
  fault::FaultReport report;
};

// One entry of a case's timeline, for people.
struct Moment {
  enum class Kind : std::uint8_t {
    kStep,      // the workload, the harness
    kAck,       // a reply left the target
    kSync,      // a persistence point
    kFault,     // something was injected
    kCrash,     //
    kRecovery,  // the start after the crash and its outcome
  };
  double at_ms = 0;  // since the workload began
  std::string what;
  Kind kind = Kind::kStep;
};

// The crash states that one kind of crash permits, and their outcomes.
struct StateCounts {
  std::string crash;              // "process-kill", "power-loss"
  std::string profile;            // the rules that permit them
  std::uint64_t points = 0;       // crash points examined
  std::uint64_t permitted = 0;    // distinct directories permitted there, as far as known
  bool permitted_exactly = true;  // false: there are more
  std::uint64_t tried = 0;        // of those: recovered by the target and judged
  std::uint64_t alike = 0;        // of those: equivalent to another for recovery
  // Of those tried, by what was lost in them; the last of account_words.cc counts some of them again.
  std::map<std::string, std::uint64_t> kinds;
  std::uint64_t violating = 0;                   // of those tried
  std::uint64_t inconclusive = 0;                // of those tried
  std::uint64_t findings = 0;                    // distinct causes of the violations
  std::map<std::string, std::uint64_t> skipped;  // states not tried, by reason

  friend bool operator==(const StateCounts&, const StateCounts&) = default;
};

// The time spent on crash states, in milliseconds, summed over the workers that recover them; make_ms is
// that of the one thread that makes the states in parallel with them.
struct StateTimes {
  double make_ms = 0;     // from the trace, including the search for duplicates
  double lay_out_ms = 0;  // writing them as files
  double start_ms = 0;    // starting the target until it serves
  double load_ms = 0;     // reading its state
  double judge_ms = 0;    // checking the state

  friend bool operator==(const StateTimes&, const StateTimes&) = default;
};

struct CaseResult {
  std::string name;     // stable: "aof/kill-mid-fsync[nth=3]"
  std::string summary;  // of the scenario
  std::string file;     // the scenario's path, as given
  std::vector<std::string> tags;
  std::uint64_t seed = 0;  // below 2^53, as all seeds
  std::string target;      // "engine", "redis", or the command
  std::string crash;       // "process-kill", ...
  std::string promise;     // the guarantee, in words
  oracle::Verdict
      verdict;  // the first new violation, else inconclusive check, else known violation, else a pass
  std::vector<oracle::Verdict> checks;  // every check that ran, in order
  std::vector<FaultResult> faults;
  std::vector<Moment> story;       // in order of time
  std::vector<std::string> notes;  // what the trace does not show
  std::string reproduce;           // the command that runs the case again
  std::map<std::string, std::string>
      artifacts;                    // name -> path within the report directory (logs, directories)
  std::uint64_t cycles = 0;         // rounds of crash, recovery and verdict
  std::uint64_t continued = 0;      // of those: life went on (check "continues")
  std::vector<StateCounts> states;  // by kind of crash; empty if only one state is possible
  StateTimes state_times;           // of those
  Timing timing;
};

// Which part of the cases a run with --shard had.
struct Part {
  std::uint64_t number = 0;  // from 1
  std::uint64_t of = 0;      // parts
  std::uint64_t cases = 0;   // of all parts together, in one round

  friend bool operator==(const Part&, const Part&) = default;
};

// One of the runs that make up a merged report.
struct Shard {
  std::string command;
  std::string started_at;
  std::optional<std::uint64_t> seed;
  unsigned jobs = 1;
  double wall_ms = 0;
  bool interrupted = false;
  std::uint64_t case_count = 0;
  std::optional<Part> part;  // absent: all cases

  friend bool operator==(const Shard&, const Shard&) = default;
};

struct RunResult {
  std::string version;                // of crashpoint
  std::string target;                 // "engine (crashpoint-engine 0.1.0)"
  std::string command;                // as typed
  std::string started_at;             // ISO 8601, UTC: "2024-05-01T12:00:00Z"
  std::optional<std::uint64_t> seed;  // of the whole run; absent: each scenario has its own
  unsigned jobs = 1;
  double wall_ms = 0;             // of a merged report: that of its longest shard
  std::uint64_t planned = 0;      // cases planned; more than `cases` if interrupted
  bool interrupted = false;       // stopped by the user before all cases were done
  std::optional<Part> part;       // absent: all cases
  std::vector<CaseResult> cases;  //
  std::vector<Shard> shards;      // of a merged report, else empty
  std::vector<Part> missing;      // of a merged report: parts of its runs that are not in it
};

}  // namespace crashpoint::report
