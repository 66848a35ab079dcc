// The reference model: what every command that writes does to the data, by its documented meaning.
//
// Independence  Written from the documentation and held against a real redis-server by a property
//               test (model_test.cc). It shares nothing with the engine.
// Randomness    What a command leaves to chance or to the clock (SPOP, INCRBYFLOAT, EXPIRE) is taken
//               from the recorded reply and from when the command ran. Where neither tells, the key
//               becomes unknown until something overwrites it whole.
// Time          Runs forward only: the window of a call never begins before that of an earlier one
//               on the same key.
// Threads       None.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/oracle/resp/digest.h"
#include "harness/oracle/resp/tracked_value.h"
#include "harness/target/resp_value.h"
#include "harness/target/state.h"

namespace crashpoint::oracle {

// Unix milliseconds, both ends included: something happened, or will, in it.
struct TimeWindow {
  std::int64_t from_ms = 0;
  std::int64_t to_ms = 0;
  friend bool operator==(const TimeWindow&, const TimeWindow&) = default;
};

// One command as it ran. Borrows what it points to.
struct Call {
  std::uint32_t database = 0;
  std::span<const std::string> arguments;
  const target::RespValue* reply = nullptr;  // nullptr: none came
  TimeWindow when;
};

// What an unknown key may hold; nullptr stands for absent. Empty: anything.
using Plausible = std::shared_ptr<const std::function<bool(const target::Entry*)>>;

using KeyId = std::uint32_t;  // dense, from 0, in the order in which keys were first named

// What a call left behind in a key it changed.
struct Change {
  KeyId key = 0;
  Digest before = 0;
  Digest after = 0;                    // 0: absent
  std::optional<TimeWindow> deadline;  // of the value, if it has one
  bool unknown = false;                // only what it may hold is known:
  Plausible plausible = {};
};

struct Executed {
  // What the command's meaning says the reply is; empty where that is left open.
  std::optional<target::RespValue> reply;
  std::span<const Change> changes;  // valid until the next call
};

class Model {
 public:
  explicit Model(const target::State& base);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // A call that was answered with an error has no effect and must not be executed. A command the
  // model does not know changes nothing: see command_table.h for what it knows.
  Executed execute(const Call& call);

  [[nodiscard]] KeyId id_of(const target::Key& key);
  [[nodiscard]] std::optional<KeyId> find_id(const target::Key& key) const;
  [[nodiscard]] const target::Key& key_of(KeyId id) const;
  [[nodiscard]] std::size_t key_count() const;  // ids given
  [[nodiscard]] Digest digest_of(KeyId id) const;
  [[nodiscard]] Digest digest() const;  // of the whole state, no key expired
  // What a key holds, its deadline as the earliest it can be. Empty when absent.
  [[nodiscard]] std::optional<target::Entry> entry_of(KeyId id) const;
  [[nodiscard]] bool is_unknown(KeyId id) const;
  [[nodiscard]] const std::optional<TimeWindow>& deadline_of(KeyId id) const;

  // Overwrites a key from outside, for what several clients wrote together.
  void put(KeyId id, target::Value value);
  // From here on `keys` may hold anything.
  std::span<const Change> forget(std::span<const target::Key> keys);

  // Every key that is there, unknown ones left out, whatever its deadline.
  [[nodiscard]] target::State state() const;

 private:
  friend class Context;
  struct Slot;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crashpoint::oracle
