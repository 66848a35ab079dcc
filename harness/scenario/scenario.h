// A scenario as data: what a JSON file says, checked, with defaults filled in and the matrix
// expanded. Every key is described in scenarios/schema/scenario.schema.json.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "harness/crash/damage/damage.h"
#include "harness/crash/profile.h"
#include "harness/oracle/guarantee.h"
#include "harness/oracle/promise.h"
#include "harness/trace/fault.h"
#include "harness/workload/plan.h"

namespace crashpoint::scenario {

// The program under test. `use` names it in reports and in known_findings.
struct Target {
  std::string use = "engine";  // "engine", "redis", or "command"
  std::vector<std::string>
      command;                    // of "command": with {dir}, {port}, {socket}, {config} to fill in
  std::string protocol = "resp";  // what its clients speak
  // Directives in lower case, in order of name; one that may be repeated ("save") has several values.
  std::map<std::string, std::vector<std::string>> config;
  std::vector<std::string> arguments;              // appended to the command line
  std::map<std::string, std::string> environment;  // added to ours
};

// What lies in the data directory before the first start: path -> bytes.
using Files = std::map<std::string, std::string>;

// Which crash points of a recorded run are tried.
struct Points {
  enum class Kind : std::uint8_t {
    kCrash,             // only where the fault struck, or the workload ended
    kEverySyscall,      // before and after every recorded event on files, and every ack
    kPersistencePoint,  // before and after every fsync, rename and the like
  };
  Kind kind = Kind::kEverySyscall;
  std::uint64_t first = 0;  // of those, by number from 0
  std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  std::string while_child;  // "", "rewrite", "snapshot": only while such a child lives
};

// Which crash states are made at each of them.
struct Explore {
  std::vector<oracle::CrashKind> kinds = {oracle::CrashKind::kProcessKill,
                                          oracle::CrashKind::kPowerLoss};
  crash::Profile profile = *crash::find_profile("weakest");  // of power loss
  Points points;
  std::string torn_writes = "sector";  // "none", "half", "sector", "byte"
  std::uint64_t samples_per_point = 16;
  std::uint64_t max_states = 50000;
  std::uint32_t depth = 1;      // 2: recovery of a crash state is itself crashed; and so on
  std::string prune = "equal";  // "none", "equal", "representative"
};

// Live: a fault kills the target, or the end of the workload does (one that ends in SHUTDOWN leaves
// nothing to kill). With `explore` the run itself is not crashed (unless a fault does it): its trace
// is.
struct Crash {
  oracle::CrashKind kind = oracle::CrashKind::kProcessKill;
  std::optional<Explore> explore;
};

struct Recovery {
  std::int64_t deadline_ms = 5000;  // to answer PING without -LOADING
  std::uint32_t cycles = 1;  // crash, recover, judge, write on: this many times on one directory
  // Struck at a start on what the crash left, which then ends; the start after it is judged.
  std::vector<trace::Fault> faults;
};

// A text that must, or must not, be found. Globs as name_match() has them.
struct Pattern {
  std::string glob;
  bool present = true;
};

// A field of INFO after recovery: a glob on its text, or bounds on its number.
struct InfoField {
  std::string name;
  std::string glob;  // empty: the bounds decide
  std::optional<double> min;
  std::optional<double> max;
};

struct Oracle {
  std::vector<Pattern> run_log;                // in one line of what it printed before the crash
  bool starts = true;                          // false: it must refuse to start
  std::optional<oracle::Guarantee> guarantee;  // absent: derive_promise() of config and crash
  oracle::Expectations expect;
  bool usable = true;           // takes writes, and a clean restart gives the same state
  bool idempotent = true;       // a second recovery of the same crash state gives the same data
  std::vector<Pattern> files;   // path globs within the data directory
  std::vector<Pattern> log;     // in one line of what the recovering target printed
  std::vector<InfoField> info;  //
  std::vector<std::string> also_loads_in;  // other targets ("redis") that read the directory alike
  std::vector<std::vector<std::string>> tools;  // each must exit 0; {dir}, {manifest}, {rdb}
  std::optional<std::uint64_t> memory_mb_max;   // resident, at the end of recovery
};

// A violation that is known of a target and kept here rather than hidden.
struct KnownFinding {
  std::string target;   // "redis", "engine", or the first word of a command
  std::string version;  // glob: "7.0.*"; empty: any
  std::string check;    // the check that reports it ("guarantee", "start", ...); empty: any
  std::string cases;    // glob on the names of this file's cases; empty: all
  std::string reason;
  std::string reference;  // a URL or issue
};

// One case: a scenario file with one point of its matrix filled in.
struct Case {
  std::string name;      // stable and unique: "aof/kill-mid-fsync[appendfsync=always,nth=3]"
  std::string scenario;  // the part before the bracket
  std::string file;      // as given on the command line, or found below it
  std::vector<std::pair<std::string, std::string>>
      parameters;  // of the matrix, in order of the file
  std::string summary;
  std::vector<std::string> tags;
  std::uint64_t seed = 1;
  Target target;
  Files files;
  workload::Plan workload;
  std::vector<trace::Fault> faults;
  Crash crash;
  std::vector<crash::Damage> damage;  // done to what the crash left, in order
  Recovery recovery;
  Oracle oracle;
  std::vector<KnownFinding> known_findings;
  std::string stand_alone;  // JSON: a scenario file of its own with this case alone, for bundles
};

}  // namespace crashpoint::scenario
