// What Model holds: shared by model.cc and context.cc.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_map.hpp>

#include "harness/oracle/resp/digest.h"
#include "harness/oracle/resp/model.h"
#include "harness/oracle/resp/tracked_value.h"

namespace crashpoint::oracle {

// How far the clocks of target and harness may seem apart: servers stamp commands with a time they
// read some moments earlier.
inline constexpr std::int64_t kClockSlackMs = 50;

struct Model::Slot {
  target::Key key;
  Digest key_hash = 0;
  std::optional<TrackedValue> value;
  std::optional<TimeWindow> deadline;
  bool unknown = false;
  Plausible plausible;
  Digest digest = 0;
  std::uint64_t touched_in = 0;  // the call that last touched it
};

struct Model::Impl {
  struct KeyHash {
    using is_avalanching = void;
    std::size_t operator()(const target::Key& key) const { return hash_key(key); }
  };
  struct Touched {
    KeyId key = 0;
    Digest digest = 0;
    std::optional<TimeWindow> deadline;
    bool unknown = false;
    Plausible plausible;
  };

  boost::unordered_flat_map<target::Key, KeyId, KeyHash> ids;
  std::deque<Slot> slots;
  Digest digest = 0;
  std::uint64_t calls = 0;
  std::size_t deadlines_set = 0;  // ever
  TimeWindow now;
  bool doubtful_are_expired = false;  // keys whose deadline may or may not have passed
  std::vector<Touched> touched;
  std::vector<Change> changes;
  boost::unordered_map<std::string, TrackedValue> dumps;

  KeyId id_of(const target::Key& key) {
    const auto [at, is_new] = ids.try_emplace(key, static_cast<KeyId>(slots.size()));
    if (is_new) {
      Slot& slot = slots.emplace_back();
      slot.key = key;
      slot.key_hash = hash_key(key);
    }
    return at->second;
  }

  enum class Life : std::uint8_t { kLives, kDoubtful, kExpired };
  [[nodiscard]] Life life(const Slot& slot) const {
    if (!slot.deadline) {
      return Life::kLives;
    }
    if (slot.deadline->to_ms + kClockSlackMs < now.from_ms) {
      return Life::kExpired;
    }
    if (slot.deadline->from_ms - kClockSlackMs > now.to_ms) {
      return Life::kLives;
    }
    return Life::kDoubtful;
  }

  Slot& touch(KeyId id) {
    Slot& slot = slots[id];
    if (slot.touched_in != calls) {
      slot.touched_in = calls;
      touched.push_back({.key = id,
                         .digest = slot.digest,
                         .deadline = slot.deadline,
                         .unknown = slot.unknown,
                         .plausible = slot.plausible});
    }
    return slot;
  }

  void clear(Slot& slot) {
    slot.value.reset();
    slot.deadline.reset();
    slot.unknown = false;
    slot.plausible.reset();
  }

  // The slot after what the clock alone has done to it.
  Slot& current(KeyId id) {
    Slot& slot = slots[id];
    if (!slot.deadline) {
      return slot;
    }
    const Life state = life(slot);
    if (state == Life::kLives || (state == Life::kDoubtful && !doubtful_are_expired)) {
      return slot;
    }
    clear(touch(id));
    return slot;
  }

  void begin(const TimeWindow& when) {
    ++calls;
    now = when;
    touched.clear();
    changes.clear();
  }

  std::span<const Change> finish() {
    for (const Touched& before : touched) {
      Slot& slot = slots[before.key];
      Digest after = 0;
      if (slot.unknown) {
        after = ~slot.key_hash;
      } else if (slot.value) {
        const bool empty = std::visit([](const auto& value) { return value.empty(); }, *slot.value);
        if (empty) {
          clear(slot);
        } else {
          const Digest value =
              std::visit([](const auto& held) { return held.digest(); }, *slot.value);
          after = digest_key(slot.key_hash, slot.value->index(), value, slot.deadline.has_value());
        }
      }
      digest += after - before.digest;
      slot.digest = after;
      if (after != before.digest || slot.deadline != before.deadline ||
          slot.unknown != before.unknown || slot.plausible != before.plausible) {
        changes.push_back({.key = before.key,
                           .before = before.digest,
                           .after = after,
                           .deadline = slot.deadline,
                           .unknown = slot.unknown,
                           .plausible = slot.plausible});
      }
    }
    return changes;
  }

  void make_unknown(KeyId id, Plausible plausible = {}) {
    Slot& slot = touch(id);
    clear(slot);
    slot.unknown = true;
    slot.plausible = std::move(plausible);
  }
};

}  // namespace crashpoint::oracle
