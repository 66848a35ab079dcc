// What an operation looks like in any run: which part of which call on which names, with the numbers in
// names left out, since temp-4711.rdb and temp-4712.rdb are the same file of two runs. Equal shapes stand
// for the same operation elsewhere in the run, or in another run.
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

#include "harness/crash/model.h"
#include "harness/crash/timeline.h"
#include "harness/trace/name.h"

namespace crashpoint::crash {

enum class CallPart : std::uint8_t {
  kWhole,
  kAppend,   // bytes with the size that they need
  kSize,     // of an append, without its bytes
  kBytes,    //
  kZeros,    // after the new, lower end of a truncated file
  kEntry,    // a name made
  kRemoval,  // a name removed
  kChange,   // of the size or the bytes, by truncate or fallocate
};

struct Shape {
  CallPart part = CallPart::kWhole;
  trace::Name
      entry;  // kEntry, kRemoval of a call that makes or removes several names: which of them
  trace::Name syscall;
  trace::Name path;
  trace::Name path2;

  friend auto operator<=>(const Shape&, const Shape&) = default;
};

[[nodiscard]] Shape shape_of(const Timeline& timeline, const Node& node);
[[nodiscard]] Shape shape_of(const Timeline& timeline, const Call& call);

}  // namespace crashpoint::crash
