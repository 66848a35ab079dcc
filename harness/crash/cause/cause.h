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

#include "harness/crash/cause/shape.h"
#include "harness/crash/model.h"
#include "harness/crash/selection.h"

namespace crashpoint::crash {

// Whether recovery from this directory still breaks the same promise at the same crash point.
using Violates = std::function<bool(const CrashImage&)>;

struct Cause {
  // The operations whose loss makes the violation: with them on disk, it disappears. Empty: the promise
  // is broken although nothing is lost.
  std::vector<OpIndex> lost;
  // Un-synced operations that must be there for it to be broken.
  std::vector<OpIndex> kept;
  std::optional<Tear> tear;          // the write that must be torn
  Choice lost_as = Choice::kAbsent;  // kGarbage, kStale: what must be read in place of what is lost
  // The above as shapes: equal for the same cause elsewhere in the run.
  std::set<Shape> lost_shapes;
  std::set<Shape> kept_shapes;
  std::optional<Shape> torn_shape;
  // What is lost, in whole or in part, torn or garbage, as the operation that makes the difference: of
  // names each, of a file's content the call that made it.
  std::set<Shape> lost_operations;
  std::string words;  // "rename of t to f survived, write of 3 bytes at 0 to t did not: ..."
};

// `selection` of the model's point violates. Tries states one after another; deterministic.
[[nodiscard]] Cause find_cause(CrashModel& model, const Selection& selection,
                               const Violates& violates);

// Whether `selection` lost, kept and tore what the cause says, in which case it is taken for the same
// cause without trying.
[[nodiscard]] bool has_cause(const CrashModel& model, const Selection& selection,
                             const Cause& cause);

// What the loss of the same operations at this point leaves under each of those profiles that permits
// it, in their order.
struct StateUnder {
  std::string profile;
  CrashImage image;
};
[[nodiscard]] std::vector<StateUnder> states_under(std::span<const Profile> profiles,
                                                   const std::shared_ptr<const Timeline>& timeline,
                                                   trace::Position point, const Cause& cause);

}  // namespace crashpoint::crash
