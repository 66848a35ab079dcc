// A row of the command table.
#pragma once

#include <cstdint>
#include <string_view>

namespace engine::commands {

class Context;
using Handler = void (*)(Context&);

enum CommandFlag : std::uint32_t {
  kWrite = 1u << 0,
  kReadOnly = 1u << 1,
  kDenyOom = 1u << 2,  // may grow the data set
  kAdmin = 1u << 3,
  kPubSub = 1u << 4,
  kNoScript = 1u << 5,
  kBlocking = 1u << 6,
  kLoading = 1u << 7,  // allowed while the data set is loaded
  kStale = 1u << 8,
  kNoMulti = 1u << 9,  // not inside MULTI
  kNoAuth = 1u << 10,  // allowed before AUTH
  kFast = 1u << 11,
  kMovableKeys = 1u << 12,
  kSkipSlowlog = 1u << 13,
  kSkipMonitor = 1u << 14,
  kAllowBusy = 1u << 15,
  kArbitraryKeys =
      1u << 16,  // touches keys it does not name: each key it expires is logged as a step
  kNoAsyncLoading = 1u << 17,
  kMayReplicate =
      1u << 18,  // does not write, but has effects elsewhere: CLIENT PAUSE WRITE holds it too
};

// What is logged when the command has changed something (propagation.cc).
enum class Logged : std::uint8_t {
  kNever,
  kAsIs,
  kAlways,  // unchanged, even when it has changed nothing
  kSet,
  kExpire,
  kGetAndExpire,
  kGetAndDelete,
  kIncrementByFloat,
  kHashIncrementByFloat,
  kPopRandom,
  kListPop,
  kListMove,
  kSortedSetPop,
  kRestore,
  kGeoAdd,
};

enum class Group : std::uint8_t {
  kString,
  kBitmap,
  kList,
  kSet,
  kHash,
  kSortedSet,
  kHyperLogLog,
  kGeo,
  kGeneric,
  kTransactions,
  kConnection,
  kPubSub,
  kServer,
};

// Where a command's keys are in its arguments. last < 0 counts from the end; first 0: no keys here.
struct KeyPositions {
  std::int16_t first = 0;
  std::int16_t last = 0;
  std::int16_t step = 0;
  std::int16_t count_at = 0;  // where the number of keys is given ("numkeys"), keys follow it
};

struct CommandSpec {
  std::string_view name;  // upper case; a subcommand has the form "CONFIG|GET"
  std::int16_t arity;     // arguments with the name; negative: at least that many
  std::uint32_t flags;
  KeyPositions keys;
  Handler handler;  // null: only its subcommands can be executed
  Logged logged;
  Group group;
  std::string_view since;
  std::string_view summary;

  bool has(std::uint32_t flag) const { return (flags & flag) != 0; }
};

}  // namespace engine::commands
