// What a run produced: plain data, written by the campaign and rendered by each kind of report.
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
  std::string text;  // as the scenario has it
  fault::FaultReport report;
};

// One line of a case's story: what happened when, for people.
struct Moment {
  enum class Kind : std::uint8_t {
    kStep,      // the workload, the harness
    kAck,       // a reply left the target
    kSync,      // the target asked for durability
    kFault,     // something was injected
    kCrash,     //
    kRecovery,  // started again, and what came of it
  };
  double at_ms = 0;  // since the workload began
  std::string what;
  Kind kind = Kind::kStep;
};

// The crash states that one kind of crash permits, and what became of them.
struct StateCounts {
  std::string crash;                             // "process-kill", "power-loss"
  std::string profile;                           // the rules that permit them
  std::uint64_t points = 0;                      // crash points looked at
  std::uint64_t permitted = 0;                   // distinct directories known to be permitted there
  bool permitted_exactly = true;                 // else there are more
  std::uint64_t tried = 0;                       // of those: judged by what the target recovers
  std::uint64_t alike = 0;                       // of those: what recovery cannot tell from another
  std::uint64_t violating = 0;                   // of those
  std::uint64_t inconclusive = 0;                // of those
  std::uint64_t findings = 0;                    // causes of the violations
  std::map<std::string, std::uint64_t> skipped;  // states left out, by reason

  friend bool operator==(const StateCounts&, const StateCounts&) = default;
};

// Where the time of crash states went, in milliseconds: of the workers that recover them, summed, but
// for the making, which one thread does beside them.
struct StateTimes {
  double make_ms = 0;     // from the trace, and telling known ones from new ones
  double lay_out_ms = 0;  // as files
  double start_ms = 0;    // the target, until it serves
  double load_ms = 0;     // its state
  double judge_ms = 0;

  friend bool operator==(const StateTimes&, const StateTimes&) = default;
};

struct CaseResult {
  std::string name;     // stable: "aof/kill-mid-fsync[nth=3]"
  std::string summary;  // of the scenario
  std::string file;     // the scenario's path, as given
  std::vector<std::string> tags;
  std::uint64_t seed = 0;   // below 2^53, as all seeds
  std::string target;       // "engine", "redis", or the command
  std::string crash;        // "process-kill", ...
  std::string promise;      // the guarantee it was held to, in words
  oracle::Verdict verdict;  // the first violation, else the first inconclusive one, else a pass
  std::vector<oracle::Verdict> checks;  // every check that ran, in order
  std::vector<FaultResult> faults;
  std::vector<Moment> story;       // in order of time
  std::vector<std::string> notes;  // what the trace could not see
  std::string reproduce;           // the one command
  // Why the violation is expected: a declared finding of this target. One that is declared and no
  // longer occurs is a violation of its own, and leaves this empty.
  std::string known_finding;
  std::map<std::string, std::string>
      artifacts;                    // name -> path within the report folder (logs, directories)
  std::uint64_t cycles = 0;         // crash-recover-verdict rounds done
  std::vector<StateCounts> states;  // by kind of crash; empty where only one state is possible
  StateTimes state_times;           // of those
  Timing timing;
};

// One of the runs that a merged report is made of.
struct Shard {
  std::string command;
  std::string started_at;
  std::optional<std::uint64_t> seed;
  unsigned jobs = 1;
  double wall_ms = 0;
  bool interrupted = false;
  std::uint64_t case_count = 0;

  friend bool operator==(const Shard&, const Shard&) = default;
};

struct RunResult {
  std::string version;                // of crashpoint
  std::string target;                 // "engine (crashpoint-engine 0.1.0)"
  std::string command;                // as typed
  std::string started_at;             // ISO 8601, UTC: "2024-05-01T12:00:00Z"
  std::optional<std::uint64_t> seed;  // given for the whole run; else each scenario has its own
  unsigned jobs = 1;
  double wall_ms = 0;             // of a merged report: of its longest shard
  std::uint64_t planned = 0;      // cases that were to run; more than `cases` when interrupted
  bool interrupted = false;       // stopped by the user before all cases were done
  std::vector<CaseResult> cases;  //
  std::vector<Shard> shards;      // of a merged report, else empty
};

}  // namespace crashpoint::report
