// Exploration: every crash state of one recorded run is recovered and judged, and violations are grouped
// by cause. Nothing of the run is executed again.
//
// States      Those of crash/states.h at every crash point, the most informative ones first. States with
//             the same directory are recovered once, and judged at every crash point that permits them,
//             because what must survive grows along the run. So are those that recovery provably cannot
//             tell apart, where the recoverer reports what it asked (recovery_equivalence.h).
// Findings    Violations with one cause are one finding. The cause is found by trying: which lost
//             operations must stay lost, and which kept ones kept, for the violation to remain.
// Profiles    Each finding says under which of the profiles we know it is one, and of the one explored
//             if that is the scenario's own.
// Determinism The same trace and options give the same states, findings and counts, whatever the
//             number of workers; provided that recovery itself is deterministic.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/crash/image/image.h"
#include "harness/crash/points.h"
#include "harness/crash/profile.h"
#include "harness/crash/states.h"
#include "harness/explore/state_judge.h"
#include "harness/oracle/derive_guarantee.h"
#include "harness/oracle/guarantee.h"
#include "harness/oracle/resp/judge.h"
#include "harness/oracle/verdict.h"
#include "harness/recovery/recoverer.h"
#include "harness/trace/trace.h"

namespace crashpoint::explore {

enum class Prune : std::uint8_t {
  kNone,            // every state is tried at every crash point
  kEqual,           // every distinct directory once, and judged at all crash points that permit it
  kRepresentative,  // and of states that lost operations of the same shape at points of the same shape, a
                    // few
};

struct ExploreOptions {
  // What is promised under each kind of crash; kinds that are missing are not explored.
  std::map<oracle::CrashKind, oracle::Guarantee> guarantees;
  oracle::Expectations expect;  // from when the history has made them true
  crash::Profile profile = *crash::find_profile("weakest");  // of power loss
  crash::PointOptions points;
  crash::TornWrites torn_writes = crash::TornWrites::kSector;
  std::uint64_t samples_per_point = 16;
  std::uint64_t max_states = 50'000;  // distinct directories, all kinds and depths together
  // From when on no new state is tried; zero: there is no limit. What is found is explained after it.
  std::chrono::milliseconds budget{0};
  std::uint32_t depth = 1;  // 2: recovery of each crash state is crashed as well; and so on
  Prune prune = Prune::kEqual;
  std::uint64_t seed = 1;
  // On how many of the states that keep their promise life goes on (Recoverer::live_on), evenly chosen.
  std::uint64_t continued_max = 0;
  std::uint64_t kept_max = 0;  // how many of the states tried are given back, evenly chosen
  bool must_start = true;      // a target that does not start on a crash state breaks its promise
  // Whether only writes change what was laid out; false: a recovery may store through file mappings.
  bool keep_unchanged = true;
  unsigned jobs = 1;
  std::filesystem::path folder;  // exists; workers lay states out below it
};

// Why a permitted state was not recovered on its own.
enum class SkipReason : std::uint8_t {
  kSameDirectory,  // equal to another state, and judged with it
  kThinnedOut,     // of many that leave out one operation, some are tried
  kSameShape,  // states that lost operations of the same shapes are tried (Prune::kRepresentative)
  kMaxStates,  // max_states was reached; a lower bound
  kBudget,     // the time was over; a lower bound
};

// For one kind of crash.
struct StateAccount {
  oracle::CrashKind kind = oracle::CrashKind::kProcessKill;
  std::string profile;
  std::uint64_t points = 0;
  std::uint64_t permitted = 0;    // distinct directories known to be permitted
  bool permitted_exactly = true;  // else there are more
  std::uint64_t tried = 0;        // of those: recovered, or alike, and judged
  std::uint64_t alike =
      0;  // of those: recovery cannot tell it from another, so not recovered again
  std::map<crash::Phase, std::uint64_t> tried_in = {};  // those tried, by what was lost in them
  // Those tried in which bytes of one file are there although bytes written before to another are not.
  std::uint64_t reordered = 0;
  std::uint64_t violating = 0;  // of those tried
  std::uint64_t inconclusive = 0;
  std::uint64_t findings = 0;
  std::map<SkipReason, std::uint64_t> skipped = {};
  // The first point whose most informative states were not all tried because the time was over.
  std::optional<std::uint32_t> time_over_at = {};
};

struct Finding {
  oracle::CrashKind kind = oracle::CrashKind::kProcessKill;
  std::string cause;  // in words; the same for the same cause
  oracle::Verdict verdict;
  std::string point;               // of its first state: "after fsync of a.aof"
  std::string state;               // what was lost or torn in it
  std::uint64_t point_number = 0;  // among the crash points
  crash::CrashPoint judged_at;     // the crash of the run whose promise is broken
  std::uint32_t depth = 1;
  std::vector<std::string> profiles;  // under which it is one, strongest first
  std::uint64_t states = 0;           // distinct directories with this cause
  crash::CrashImage image;            // the first of them
  // What the operations that make the difference name; empty: none does, or it is a recovery that crashed.
  std::set<std::string> files;
};

// One of the states that were tried, to be looked at further.
struct KeptState {
  oracle::CrashKind kind = oracle::CrashKind::kProcessKill;
  std::string point;
  std::string state;
  std::vector<std::string> profiles;  // those that permit it
  crash::CrashImage image;
};

struct ExploreTimes {  // in ms; of workers, summed
  double produce = 0;
  double lay_out = 0;
  double start = 0;
  double load = 0;
  double judge = 0;
  double total = 0;  // wall
};

struct Exploration {
  std::vector<StateAccount> accounts;  // by kind
  std::vector<Finding> findings;       // by first crash point
  std::vector<KeptState> kept;         // of the run itself, in the order in which they were made
  std::uint64_t recovered = 0;   // distinct directories that were not alike, of all kinds together
  std::uint64_t explaining = 0;  // further ones that were recovered to find causes
  std::uint64_t continued = 0;   // of `recovered`: those on which life went on
  std::string inconclusive;      // why the first inconclusive state was; empty: none was
  trace::Notes notes;            // what the trace left open
  ExploreTimes times;
  bool interrupted = false;
};

struct ExploreProgress {
  std::uint64_t found = 0;      // distinct states so far
  std::uint64_t recovered = 0;  // of those, or found to be alike
};
// Called now and then; false stops the exploration, and what is known by then is the result.
using ExploreTick = std::function<bool(const ExploreProgress&)>;

// Throws what a recoverer throws. Borrows `judge`.
[[nodiscard]] Exploration explore(std::shared_ptr<const trace::Trace> trace,
                                  const StateJudge& judge,
                                  const recovery::RecovererFactory& factory,
                                  const ExploreOptions& options, const ExploreTick& tick = {});
// Of a server that speaks RESP.
[[nodiscard]] Exploration explore(std::shared_ptr<const trace::Trace> trace,
                                  const oracle::Judge& judge,
                                  const recovery::RecovererFactory& factory,
                                  const ExploreOptions& options, const ExploreTick& tick = {});

// "already after a process kill: any crash", "ext4-ordered, ext4-writeback and weakest"
[[nodiscard]] std::string describe_profiles(const std::vector<std::string>& profiles);

}  // namespace crashpoint::explore
