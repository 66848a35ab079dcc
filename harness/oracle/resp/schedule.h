// A history taken apart into what the judge can decide.
//
// Transactions   become their EXEC: the queued commands, all at once, where EXEC stands.
// Epochs         are stretches of the history that follow each other: every command of one was
//                answered before any of the next was sent. Within an epoch each client is a lane,
//                and each key belongs to one lane, so that the lanes can be judged one by one. A key
//                that two clients touch at the same time is shared; see shared_key.h for those that
//                can be decided. Anything else cannot, and the epoch says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/oracle/resp/command_table.h"
#include "harness/oracle/resp/model.h"
#include "harness/oracle/resp/shared_key.h"
#include "harness/workload/history.h"

namespace crashpoint::oracle {

// A command that may have changed data. Points into the history.
struct ScheduledCall {
  const Command* command = nullptr;
  std::uint32_t database = 0;
  const workload::Arguments* arguments = nullptr;
  const target::RespValue* reply = nullptr;  // nullptr: none came
  bool undetermined = false;                 // it is not known whether it ran
  std::optional<KeyId> key = {};             // the first it names
};

// The commands of one client within an epoch: history.operations[first, first + count).
struct Lane {
  std::uint32_t client = 0;
  std::size_t first = 0;
  std::size_t count = 0;
};

struct Epoch {
  static constexpr std::uint16_t kNobody = 0xffff;
  static constexpr std::uint16_t kShared = 0xfffe;

  std::vector<Lane> lanes;
  std::vector<std::uint16_t> owners;    // by KeyId: lane, kNobody or kShared
  std::uint16_t other_owner = kNobody;  // of keys past the end
  std::vector<std::pair<KeyId, Sharing>> shared;
  std::string undecidable;  // why, when it cannot be decided

  [[nodiscard]] std::uint16_t owner(KeyId key) const {
    return key < owners.size() ? owners[key] : other_owner;
  }
};

class Schedule {
 public:
  // Names every key of the history to `model`. Borrows `history`.
  Schedule(const workload::History& history, Model& model);

  [[nodiscard]] const std::vector<Epoch>& epochs() const { return epochs_; }
  // What operation `at` of the history did.
  [[nodiscard]] std::span<const ScheduledCall> calls(std::size_t at) const {
    return std::span(calls_).subspan(first_call_[at], first_call_[at + 1] - first_call_[at]);
  }
  // A command whose effect the model does not know, with what it is; empty when there is none.
  [[nodiscard]] const std::string& unmodelled() const { return unmodelled_; }

  // When, on the wall clock, operation `at` ran.
  [[nodiscard]] TimeWindow when(std::size_t at) const;

 private:
  void collect_calls();
  void name_keys(Model& model);
  void form_epochs(std::size_t key_count);
  [[nodiscard]] std::span<const KeyId> keys(std::size_t call) const {
    return std::span(keys_).subspan(first_key_[call], first_key_[call + 1] - first_key_[call]);
  }
  [[nodiscard]] Epoch make_epoch(std::span<const std::size_t> operations,
                                 std::size_t key_count) const;

  const workload::History& history_;
  std::vector<ScheduledCall> calls_;
  std::vector<std::size_t> first_call_;  // by operation, and one past the last
  std::vector<KeyId> keys_;
  std::vector<std::size_t> first_key_;  // by call, and one past the last
  std::vector<Epoch> epochs_;
  std::string unmodelled_;
};

}  // namespace crashpoint::oracle
