// What a run produced: plain data, written by the campaign and rendered by each kind of report.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "harness/oracle/verdict.h"
#include "harness/trace/fault.h"

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
  trace::FaultReport report;
};

// One line of a case's story: what happened when, for people.
struct Moment {
  double at_ms = 0;  // since the workload began
  std::string what;
};

struct CaseResult {
  std::string name;     // stable: "aof/kill-mid-fsync[nth=3]"
  std::string summary;  // of the scenario
  std::string file;     // the scenario's path, as given
  std::vector<std::string> tags;
  std::uint64_t seed = 0;
  std::string target;         // "engine", "redis", or the command
  std::string crash;          // "process-kill", ...
  std::string promise;        // the guarantee it was held to, in words
  oracle::Verdict verdict;    // the first violation, else the first inconclusive one, else a pass
  std::vector<oracle::Verdict> checks;  // every check that ran, in order
  std::vector<FaultResult> faults;
  std::vector<Moment> story;
  std::vector<std::string> notes;       // what the trace could not see
  std::string reproduce;                // the one command
  std::string known_finding;            // reason, when the violation is a declared one of this target
  std::map<std::string, std::string> artifacts;  // name -> path in the report folder (logs, directories)
  std::uint64_t cycles = 0;             // crash-recover-verdict rounds done
  Timing timing;
};

struct RunResult {
  std::string version;     // of crashpoint
  std::string target;      // "engine (crashpoint-engine 0.1.0)"
  std::string command;     // as typed
  std::string started_at;  // ISO 8601, UTC
  std::uint64_t seed = 0;
  unsigned jobs = 1;
  double wall_ms = 0;
  bool interrupted = false;
  std::vector<CaseResult> cases;
};

}  // namespace crashpoint::report
