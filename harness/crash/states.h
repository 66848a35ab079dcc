// The crash states permitted at a crash point, one after another, the most informative first.
//
// Order: everything applied; nothing beyond what is durable; each un-synced operation left out; each
// alone; every prefix; each left out of every prefix; the newest write of each file torn; then either all
// that remain, if they are few, or seeded samples.
// A state whose directory is the same as that of an earlier one of the point is not given again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "harness/crash/image/image.h"
#include "harness/crash/model.h"
#include "harness/crash/selection.h"

namespace crashpoint::crash {

enum class Phase : std::uint8_t {
  kEverything,
  kOnlyDurable,
  kLeftOut,
  kAlone,
  kPrefix,
  kLeftOutOfPrefix,
  kTorn,
  kRemaining,  // all that are left
  kSampled,
};
[[nodiscard]] std::string_view to_string(Phase phase);

// M28: where writes are torn, under a profile that permits it.
enum class TornWrites : std::uint8_t { kNone, kHalf, kSector, kByte };
// "none", "half", "sector", "byte"; nothing for another word.
[[nodiscard]] std::optional<TornWrites> find_torn_writes(std::string_view word);

struct StateOptions {
  // Only these phases; all of them are deterministic on their own.
  Phase first_phase = Phase::kEverything;
  Phase last_phase = Phase::kSampled;
  TornWrites torn_writes = TornWrites::kSector;
  bool garbage = true;         // M29, where the profile permits it
  std::uint64_t samples = 16;  // at most this many in the last phase
  std::uint64_t seed = 1;
  // All selections are listed when there are at most this many (or `samples`, if more).
  std::uint64_t all_max = 64;
  // With more un-synced operations than this, those left out or kept alone are the newest of them and
  // an even choice of the others.
  std::size_t operations_max = 48;
};

struct CrashState {
  trace::Position point = 0;
  Phase phase = Phase::kEverything;
  Selection selection;
  CrashImage image;
  Digest digest;
};

struct StateCount {
  std::uint64_t given = 0;        // distinct states
  std::uint64_t repeated = 0;     // the same directory as a state before
  std::uint64_t passed_over = 0;  // systematic ones beyond operations_max
  bool all = false;               // every permitted state was given (except where writes are torn)
  bool stopped = false;           // by `visit`
};

// Calls `visit` with each state; false from it ends the enumeration. Deterministic: it depends on the
// model's point and the options only.
StateCount for_each_state(CrashModel& model, const StateOptions& options,
                          const std::function<bool(CrashState&&)>& visit);

}  // namespace crashpoint::crash
