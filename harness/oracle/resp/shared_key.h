// Keys that several clients write at the same time, where that can still be decided exactly.
//
// A list    to which values are appended (RPUSH) that are all different: what was recovered shows
//           which commands are in, and in what order they ran.
// A counter that is only incremented (INCR): its value says how many are in; a reply says after how
//           many others a command ran. Commands without a reply fill the gaps that replies leave.
//
// Nothing else may touch such a key while it is shared, and it has no deadline.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/oracle/resp/command_table.h"
#include "harness/oracle/resp/model.h"
#include "harness/target/state.h"
#include "harness/workload/history.h"

namespace crashpoint::oracle {

enum class Sharing : std::uint8_t { kNone, kAppends, kIncrements };

// How a key may be shared by commands like this one.
[[nodiscard]] Sharing sharing_of(const Command& command);

// One command on a shared key. Borrows from the history.
struct SharedUse {
  std::size_t lane = 0;
  std::uint32_t cut = 0;  // the least cut of the lane that holds it
  const workload::Operation* operation = nullptr;
  const workload::Arguments* arguments = nullptr;  // of the command, which EXEC may have run
  const target::RespValue* reply = nullptr;        // nullptr: none came
};

// The cuts of a lane that a recovered value allows, both ends included.
struct CutInterval {
  std::uint32_t low = 0;
  std::uint32_t high = std::numeric_limits<std::uint32_t>::max();
};

// What a recovered value says of the commands on its key.
struct SharedFit {
  std::vector<CutInterval> lanes;       // missing lanes are free
  std::vector<const SharedUse*> order;  // those that are surely in, as they ran
  // Of the commands without a reply, exactly `open_count` are in; a lane's by their order.
  std::vector<const SharedUse*> open;
  std::size_t open_count = 0;
};

class SharedKey {
 public:
  SharedKey(KeyId key, Sharing sharing) : key_(key), sharing_(sharing) {}

  // Lane by lane, in the order of each.
  void add(SharedUse use) { uses_.push_back(use); }
  struct Problem {
    std::string text;         // empty: none
    bool in_replies = false;  // the target's replies contradict each other
  };
  // Call once after the last add(). `base` is what the key held before. Says why the key cannot be
  // decided.
  [[nodiscard]] Problem settle(const std::optional<target::Entry>& base, bool base_is_known);

  [[nodiscard]] KeyId key() const { return key_; }
  [[nodiscard]] const std::vector<SharedUse>& uses() const { return uses_; }
  // Empty when no cut explains `found` (nullptr: absent).
  [[nodiscard]] std::optional<SharedFit> fit(const target::Entry* found,
                                             std::size_t lane_count) const;
  // Whether `found` shows the effect of `use`.
  [[nodiscard]] bool shows(const target::Entry* found, const SharedUse& use) const;
  // What the key holds after the uses in a cut (one per lane), those without a reply last. Absent
  // when there is nothing in it.
  [[nodiscard]] std::optional<target::Value> value_at(const std::vector<std::uint32_t>& cuts) const;

 private:
  [[nodiscard]] Problem settle_appends(const std::optional<target::Entry>& base);
  [[nodiscard]] Problem settle_increments(const std::optional<target::Entry>& base);
  [[nodiscard]] std::optional<SharedFit> fit_appends(const target::Entry* found,
                                                     std::size_t lane_count) const;
  [[nodiscard]] std::optional<SharedFit> fit_increments(const target::Entry* found,
                                                        std::size_t lane_count) const;

  KeyId key_;
  Sharing sharing_;
  std::vector<SharedUse> uses_;
  target::List base_items_;
  std::int64_t base_count_ = 0;
  bool was_there_ = false;
  std::unordered_map<std::string, std::size_t> use_of_;  // appended value -> use
};

// Whether commands on shared keys can have run in an order that fits every key, every client and
// real time.
[[nodiscard]] bool can_be_ordered(const std::vector<SharedFit>& fits);

}  // namespace crashpoint::oracle
