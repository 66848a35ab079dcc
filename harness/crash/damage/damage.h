// Damage done to a crash image before recovery: what a failing disk or a careless operator does to
// files. Scenarios are parsed into Damage; expand() turns "every length" into single cases for the
// image at hand; apply() does one case to an image. Nothing here touches a disk: image.h reads
// directories and lay_out.h writes them, and neither follows a symlink or leaves its directory.
//
// Files       A glob (base/glob.h) within the data directory. Every regular file it matches is
//             damaged; of a damage that expands, each file gives cases of its own. A glob that
//             matches nothing, or a symlink or directory, is a UsageError naming what is there.
// Offsets     In bytes, from the start of the file or back from its end. One beyond the file is a
//             UsageError with its size.
// Randomness  From the seed alone: the same image, damage and seed give the same bytes anywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harness/trace/event.h"
#include "harness/trace/trace.h"

namespace crashpoint::crash {

struct Offset {
  std::uint64_t bytes = 0;
  bool from_end = false;  // {0, true} is the end of the file
};

// [from, to); the whole file unless said otherwise.
struct ByteRange {
  Offset from;
  Offset to{0, true};
};

// One case: the file is cut to this size. "By 7 bytes" is {7, from_end}.
struct Truncate {
  Offset size;
};
// A case for each size between two, both included, `step` apart.
struct TruncateEvery {
  Offset from;
  Offset to{0, true};
  std::uint64_t step = 1;
};
// A case for each size from just before the last `count` commands of the workload to one byte short
// of their end (last_commands() below says what they wrote).
struct TruncateLastCommands {
  std::uint64_t count = 1;
};
// One case: this bit of this byte, 0 the lowest.
struct FlipBit {
  Offset byte;
  unsigned bit = 0;
};
// One case: `count` different bits of the range, drawn by the seed.
struct FlipRandomBits {
  ByteRange range;
  std::uint64_t count = 1;
};
// A case for each byte of the range, `step` apart: one bit of it, drawn by the seed.
struct FlipEveryByte {
  ByteRange range;
  std::uint64_t step = 1;
};
struct Zero {
  ByteRange range;
};
struct Garbage {  // random bytes, by the seed
  ByteRange range;
};
struct Append {
  std::string bytes;
};
struct AppendZeros {  // what a preallocated or size-before-data tail looks like
  std::uint64_t bytes = 0;
};
struct AppendGarbage {
  std::uint64_t bytes = 0;
};
struct DuplicateTail {  // the last bytes of the file once more
  std::uint64_t bytes = 0;
};
struct Swap {
  std::string with;  // path of the other file: not a glob
};
struct Remove {};
struct Empty {};  // the file stays, without its bytes
// Holds what the path held `back` versions ago (1: the one before the crash image's). A version is
// what the path held before the run, when a sync of it returned, and just before and after something
// was renamed or linked there, or away, or removed. Needs the trace.
struct EarlierVersion {
  std::uint64_t back = 1;
};
struct Chmod {
  std::uint32_t mode = 0;
};

using DamageAction =
    std::variant<Truncate, TruncateEvery, TruncateLastCommands, FlipBit, FlipRandomBits,
                 FlipEveryByte, Zero, Garbage, Append, AppendZeros, AppendGarbage, DuplicateTail,
                 Swap, Remove, Empty, EarlierVersion, Chmod>;

struct Damage {
  std::string file;  // glob
  DamageAction action;
};

// Refuses a glob or a Swap path that is empty, absolute, or has a ".." component: UsageError.
// apply() and expand() check it too; `validate` calls it before anything runs.
void check(const Damage& damage);

// What a damage may need to know of the run besides the image. Absent: a damage that needs it is a
// UsageError.
struct RunContext {
  const trace::Trace* trace = nullptr;
  trace::Position crash = trace::kNever;  // events that had returned before it count
  // Positions at which each command of the workload was acked, ascending; for TruncateLastCommands.
  std::span<const trace::Position> acked;
  bool command_in_flight = false;  // one had been sent, and was not answered before the crash
};

// A list of damages done in order, each of which is a single case. `file` of each is the path of one
// file, not a glob.
struct DamageCase {
  std::string
      name;  // stable and short: "truncate appendonly.aof.1.incr.aof to 93"; "" if no damage
  std::vector<Damage> damages;
};

// All cases of a list of damages: the product of what each expands to, in order. At least one case
// (without damage, if the list is empty). Each damage sees the image as those before it left it.
std::vector<DamageCase> expand(std::span<const Damage> damages, const trace::Image& image,
                               const RunContext& run);

// Applies one case to `image`. On an error the image is left as it was.
void apply(const DamageCase& damage_case, trace::Image& image, std::uint64_t seed,
           const RunContext& run);

struct Extent {
  std::uint64_t from = 0;
  std::uint64_t to = 0;  // one past the last byte
  friend bool operator==(const Extent&, const Extent&) = default;
};

// Which bytes of the file at `path` the last `count` acked commands wrote: from the start of the write that
// had last returned when the first of them was acked, to the end of what had been written when the last of
// them was; to the end of the file if a command was in flight. Exactly theirs if each was written on its own;
// if several clients' commands went into one write, the whole of that write. What a server writes by itself
// afterwards (a note of what is durable) is not theirs. The format of the file is not looked at. Empty: they
// wrote nothing there.
std::optional<Extent> last_commands(const RunContext& run, std::string_view path,
                                    std::uint64_t count);

}  // namespace crashpoint::crash
