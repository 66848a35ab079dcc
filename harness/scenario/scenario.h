// A scenario as data: checked, with defaults filled in and the matrix expanded.
// scenarios/schema/scenario.schema.json documents every key.
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
#include "harness/crash/states.h"
#include "harness/fault/fault.h"
#include "harness/oracle/derive_guarantee.h"
#include "harness/oracle/guarantee.h"
#include "harness/scenario/program_target.h"
#include "harness/workload/plan.h"

namespace crashpoint::scenario {

// Directives of redis.conf, in lower case, sorted by name; a repeatable one ("save") has several values.
using Config = std::map<std::string, std::vector<std::string>>;

// The program under test. `use` names it in reports and in known_findings.
struct Target {
  std::string use = "engine";  // "engine", "redis", "command", or "program": see Case::program
  std::vector<std::string>
      command;  // of "command": with the placeholders {dir}, {port}, {socket}, {config}; of "program": its name, and
                // the command that prints its version, if there is one
  std::string protocol = "resp";  // of its clients
  Config config;
  std::vector<std::string> arguments;              // appended to the command line
  std::map<std::string, std::string> environment;  // added to that of the harness
};

// The files in the data directory before the first start: path -> bytes.
using Files = std::map<std::string, std::string>;

// Which crash points of a recorded run are tried.
struct Points {
  enum class Kind : std::uint8_t {
    kCrash,             // only where the fault fired or the workload ended
    kEverySyscall,      // before and after every recorded file operation, and at every ack
    kPersistencePoint,  // before and after every sync and every operation on a name
  };
  Kind kind = Kind::kEverySyscall;
  std::uint64_t first = 0;  // index among these points
  std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  std::string while_child;  // "", "rewrite", "snapshot": only while such a child process exists
};

// Which of the crash states are tried.
enum class Prune : std::uint8_t {
  kNone,            // every state at every crash point
  kEqual,           // every distinct directory once, judged at all crash points that permit it
  kRepresentative,  // also: of states that lost the same kind of operation at the same kind of point, a few
};

// Which crash states are tried at each crash point.
struct Explore {
  std::vector<oracle::CrashKind> kinds = {oracle::CrashKind::kProcessKill,
                                          oracle::CrashKind::kPowerLoss};
  crash::Profile profile = *crash::find_profile("weakest");  // for power loss
  Points points;
  crash::TornWrites torn_writes = crash::TornWrites::kSector;
  std::uint64_t samples_per_point = 16;
  std::uint64_t max_states = 50000;
  std::int64_t for_ms = 0;  // no new states after that time; 0: there is no limit
  std::uint32_t depth = 1;  // 2: the recovery of each crash state is itself crashed; and so on
  Prune prune = Prune::kEqual;
};

// Without `explore` the run itself is crashed: by a fault, or else at the end of the workload (unless
// that is a SHUTDOWN). With `explore` the run is only recorded, unless a fault kills it, and crash states
// are derived from its trace.
struct Crash {
  oracle::CrashKind kind = oracle::CrashKind::kProcessKill;
  std::optional<Explore> explore;
};

// What of the first life still lives when a new instance starts on its directory. Once that one has taken
// writes, the survivors act; then all are killed, and the directory is recovered and judged.
enum class Beside : std::uint8_t {
  kNothing,
  kOrphans,   // the children of the main process, which a fault killed alone
  kStopped,   // all of it, stopped by SIGSTOP
  kInstance,  // all of it, which goes on serving
};

struct Recovery {
  std::int64_t deadline_ms = 5000;  // until PING is answered without -LOADING
  std::uint32_t cycles = 1;  // rounds of crash, recovery, verdict and new writes on one directory
  Beside beside = Beside::kNothing;
  Config
      config;  // these instead of, or beside, those of the target: what its file says at the next start
  // In effect during one start on the crash state, which is then ended; the next start is judged.
  std::vector<fault::Fault> faults;
};

// A text that must, or must not, occur. `glob` as in name_match().
struct Pattern {
  std::string glob;
  bool present = true;
};

// A field of INFO after recovery: a glob for its text, or bounds for its number.
struct InfoField {
  std::string name;
  std::string glob;  // empty: check the bounds
  std::optional<double> min;
  std::optional<double> max;
};

// On which recovered directories life goes on: the first instance takes writes, is killed, and what comes
// back is judged.
enum class Continues : std::uint8_t { kNone, kSampled, kAll };

// How much more the target may hold at the end of the workload than at its beginning; nothing: see
// recovery/bounds.h.
struct Growth {
  std::optional<std::uint64_t> descriptors;  // besides one for each client
  std::optional<std::uint64_t> processes;    // its children
};

struct Oracle {
  std::vector<Pattern> run_log;  // within a line that the target printed before the crash
  double refused_max = 0.5;      // share of refused commands up to which a run says something
  Growth growth;
  bool starts = true;                          // false: the target must refuse to start
  std::optional<oracle::Guarantee> guarantee;  // absent: derive_guarantee() from config and crash
  oracle::Expectations expect;
  Continues continues = Continues::kSampled;
  std::vector<workload::Plan> then;  // more rounds of that, one after the other
  // Once the faults of the run have passed, a write is accepted within so long. 0: not asked.
  std::int64_t resumes_within_ms = 10'000;
  bool usable = true;          // accepts writes, and a clean restart gives the same state
  bool idempotent = true;      // a second recovery of the same crash state gives the same data
  std::vector<Pattern> files;  // path globs within the data directory
  std::map<std::string, std::uint64_t> file_counts;  // glob -> at most so many files match it
  std::optional<std::uint64_t> bytes_max;            // of all files
  std::vector<Pattern> log;  // within a line that the target printed during recovery
  std::vector<InfoField> info;
  std::vector<std::string> also_loads_in;  // other targets ("redis") that must load the same data
  std::vector<std::vector<std::string>> tools;  // each must exit 0; {dir}, {manifest}, {rdb}
  std::optional<std::uint64_t> memory_mb_max;   // resident, at the end of recovery
};

// A declared violation of a target: reported as known, not as a new violation. It covers what it names
// and nothing else.
struct KnownFinding {
  std::string target;              // "redis", "engine", or the first word of a command
  std::string version;             // glob: "7.0.*"; empty: any
  std::vector<std::string> cases;  // globs on the names of cases; empty: all
  std::string check;               // the check that reports it: "guarantee", "start", ...
  // `cause` is a glob on oracle::Verdict::cause, with all profiles that may permit it; empty: of a
  // violation that has no cause. `found` is a glob on the summary; empty: any. Not both are empty.
  std::string cause;
  std::vector<std::string> profiles;
  std::string found;
  bool sometimes = false;  // a case without it is none the less as expected: it depends on the seed
  std::string reason;
  std::string reference;  // a URL or issue
};

// One case: a scenario with one combination of its matrix.
struct Case {
  std::string name;      // stable and unique: "aof/kill-mid-fsync[appendfsync=always,nth=3]"
  std::string scenario;  // the part before the bracket
  std::string file;      // path as given on the command line, or found below it
  std::vector<std::pair<std::string, std::string>>
      parameters;  // of the matrix, in the order of the file
  std::string summary;
  std::vector<std::string> tags;
  std::uint64_t seed = 1;
  Target target;
  std::optional<ProgramTarget>
      program;  // of a target that is any program; then there is no `workload`
  Files files;
  workload::Plan workload;
  std::vector<fault::Fault> faults;
  bool at_recorded_call =
      false;  // a fault strikes at a call that a recording made, as this run may not
  Crash crash;
  std::vector<crash::Damage> damage;  // done to the crash state, in order
  Recovery recovery;
  Oracle oracle;
  std::vector<KnownFinding> known_findings;
  std::string stand_alone;  // JSON: a self-contained scenario with this case only, for bundles
};

}  // namespace crashpoint::scenario
