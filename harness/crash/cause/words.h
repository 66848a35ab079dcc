// Crash points, crash states, causes and shapes in words: the one place where they are made.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "harness/crash/cause/shape.h"
#include "harness/crash/model.h"
#include "harness/crash/selection.h"
#include "harness/crash/timeline.h"

namespace crashpoint::crash {

// "write of 57 bytes at 200 to a.aof", "rename of temp to dump.rdb"
[[nodiscard]] std::string name_of(const Timeline& timeline, const Call& call);

// Part of a call: "the bytes of the write of ...", "the entry b of the rename of a to b"
[[nodiscard]] std::string name_of(const Timeline& timeline, const Node& node);

// "rename temp-#.rdb dump.rdb", "bytes: write temp-#.rdb". Distinct for distinct shapes.
[[nodiscard]] std::string to_string(const Shape& shape);

// The same for several, in the order of the alphabet: "mkdir d + write d/a.#". "nothing lost" for none.
[[nodiscard]] std::string to_string(const std::set<Shape>& shapes);

// "after fsync of a.aof", "during write of 57 bytes at 200 to a.aof"
[[nodiscard]] std::string describe_point(const Timeline& timeline, trace::Position point);

// "torn: of write of 57 bytes at 200 to a.aof only bytes 0 to 12 survived, zeros in place of the others"
[[nodiscard]] std::string describe_tear(const Timeline& timeline, const Tear& tear);

// What of the un-synced operations was lost, torn or kept, whichever is shorter to say.
[[nodiscard]] std::string describe(const CrashModel& model, const Selection& selection);

// The smallest state that breaks a promise: what it lost, which of what it kept is needed for that, and
// which syncs are missing.
[[nodiscard]] std::string describe_cause(const CrashModel& model, const Selection& least,
                                         const std::vector<NodeIndex>& kept);

}  // namespace crashpoint::crash
