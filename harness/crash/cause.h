// Why a crash state breaks a promise: which lost operations make the difference, found by trying states
// with more and with fewer of them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "harness/crash/model.h"
#include "harness/crash/selection.h"

namespace crashpoint::crash {

// Whether recovery from this directory still breaks the same promise at the same crash point.
using Violates = std::function<bool(const CrashImage&)>;

struct Cause {
  // Operations without which the promise is kept, once they are there; empty: it is broken although
  // nothing is lost. Indices in Timeline::ops().
  std::vector<std::uint32_t> lost;
  // Un-synced operations that must be there for it to be broken.
  std::vector<std::uint32_t> kept;
  std::optional<Tear> tear;  // the write that must be torn
  bool garbage = false;      // what is lost must read as garbage
  bool stale = false;        // which must be earlier bytes of the file
  // What the above looks like with numbers in names left out: equal for the same cause elsewhere in
  // the run.
  std::set<std::string> lost_shapes;
  std::set<std::string> kept_shapes;
  std::string torn_shape;
  // Of what is lost, in whole or in part, torn or garbage: which operation it is that makes the difference.
  std::set<std::string> lost_operations;
  std::string words;  // "rename of t to f survived, write of 3 bytes at 0 to t did not: ..."
};

// `selection` of the model's point violates. Tries states one after another; deterministic.
[[nodiscard]] Cause find_cause(CrashModel& model, const Selection& selection,
                               const Violates& violates);

// Whether `selection` lost, kept and tore what the cause says: then it is taken for the same without
// trying.
[[nodiscard]] bool has_cause(const CrashModel& model, const Selection& selection,
                             const Cause& cause);

// What losing the same operations at this point leaves under those profiles that permit it, in their
// order.
struct StateUnder {
  std::string profile;
  CrashImage image;
};
[[nodiscard]] std::vector<StateUnder> states_under(std::span<const Profile> profiles,
                                                   const std::shared_ptr<const Timeline>& timeline,
                                                   trace::Position point, const Cause& cause);

// Of a node, with numbers in names left out: "bytes of temp-#.rdb".
[[nodiscard]] std::string shape_of(const Timeline& timeline, const Node& node);
// The same of a call: "rename of temp-#.rdb to dump.rdb".
[[nodiscard]] std::string shape_of(const Timeline& timeline, const Call& call);

}  // namespace crashpoint::crash
