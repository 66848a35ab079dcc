#include "engine/commands/dispatch/eviction.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/commands/dispatch/executor_state.h"
#include "engine/keyspace/lazy_free.h"

namespace engine::commands {
namespace {

using keyspace::Database;
using keyspace::KeyEntry;
using By = EvictionPolicy::By;

constexpr std::size_t kCandidatesMax = 16;
constexpr int kKeysPerLookAtTheClock = 16;

// Up to 500 us, then 15 % more for each step, to 2 minutes; at 100 there is no limit.
std::int64_t time_limit_us(int tenacity) {
  if (tenacity <= 10) {
    return std::int64_t{50} * tenacity;
  }
  return tenacity < 100 ? static_cast<std::int64_t>(500.0 * std::pow(1.15, tenacity - 10.0))
                        : std::numeric_limits<std::int64_t>::max();
}

}  // namespace

Eviction::Room Eviction::make_room() {
  if (!state_.server.may_evict()) {
    return Room::kEnough;
  }
  const Room room = state_.is_over_maxmemory() ? evict() : Room::kEnough;
  is_behind_ = room == Room::kFreeing;
  note_how_long(room);
  return room;
}

Eviction::Room Eviction::evict() {
  if (state_.settings.eviction.by == By::kNothing) {
    return Room::kNone;
  }
  const std::int64_t begin_us = state_.clock.monotonic_us();
  const auto elapsed_us = [&] { return state_.clock.monotonic_us() - begin_us; };
  const std::int64_t limit_us = time_limit_us(state_.settings.maxmemory_eviction_tenacity);
  Room room = Room::kEnough;
  for (int erased = 1; state_.is_over_maxmemory(); ++erased) {
    const std::optional<Victim> victim = choose();
    if (!victim) {
      room = keyspace::lazy_free::pending_objects() > 0 ? Room::kFreeing : Room::kNone;
      break;
    }
    erase(*victim);
    if (erased % kKeysPerLookAtTheClock == 0 && elapsed_us() > limit_us) {
      room = Room::kFreeing;
      break;
    }
  }
  state_.latency.took("eviction-cycle", elapsed_us());
  return room;
}

std::optional<Eviction::Victim> Eviction::choose() {
  switch (state_.settings.eviction.by) {
    case By::kNothing:
      return std::nullopt;
    case By::kLastUse:
    case By::kFrequency:
      return choose_by_use();
    case By::kChance:
      return choose_by_chance();
    case By::kTimeToLive:
      return choose_by_time();
  }
  return std::nullopt;
}

std::optional<Eviction::Victim> Eviction::choose_by_use() {
  while (take_samples()) {
    while (!candidates_.empty()) {
      const Candidate best = std::move(candidates_.back());
      candidates_.pop_back();
      KeyEntry* entry = state_.keyspace.database(best.database).find(best.key);
      // It may have been erased since, or no longer expire.
      if (entry != nullptr && (!state_.settings.eviction.only_volatile || entry->has_expiry())) {
        return Victim{best.database, entry};
      }
    }
  }
  return std::nullopt;
}

std::optional<Eviction::Victim> Eviction::choose_by_chance() {
  for (int i = 0; i < state_.keyspace.count(); ++i) {
    next_database_ = (next_database_ + 1) % state_.keyspace.count();
    Database& database = state_.keyspace.database(next_database_);
    if (eligible(database) > 0) {
      return Victim{next_database_, &sample(database)};
    }
  }
  return std::nullopt;
}

std::optional<Eviction::Victim> Eviction::choose_by_time() {
  std::optional<Victim> soonest;
  std::int64_t soonest_ms = 0;
  for (int i = 0; i < state_.keyspace.count(); ++i) {
    Database& database = state_.keyspace.database(i);
    KeyEntry* entry = database.soonest_to_expire();
    if (entry != nullptr && (!soonest || database.expire_ms(*entry) < soonest_ms)) {
      soonest = Victim{i, entry};
      soonest_ms = database.expire_ms(*entry);
    }
  }
  return soonest;
}

bool Eviction::take_samples() {
  bool any = false;
  for (int i = 0; i < state_.keyspace.count(); ++i) {
    Database& database = state_.keyspace.database(i);
    if (eligible(database) == 0) {
      continue;
    }
    any = true;
    for (std::size_t left = state_.settings.maxmemory_samples; left > 0; --left) {
      const KeyEntry& entry = sample(database);
      remember({rank_of(entry.object), i, std::string(entry.key())});
    }
  }
  return any;
}

void Eviction::remember(Candidate candidate) {
  const auto place =
      std::lower_bound(candidates_.begin(), candidates_.end(), candidate,
                       [](const Candidate& a, const Candidate& b) { return a.rank < b.rank; });
  const bool is_full = candidates_.size() == kCandidatesMax;
  if (is_full && place == candidates_.begin()) {
    return;
  }
  candidates_.insert(place, std::move(candidate));
  if (is_full) {
    candidates_.erase(candidates_.begin());
  }
}

std::size_t Eviction::eligible(const Database& database) const {
  return state_.settings.eviction.only_volatile ? database.expires_size() : database.size();
}

KeyEntry& Eviction::sample(Database& database) {
  return state_.settings.eviction.only_volatile ? database.random_expiring(state_.random)
                                                : database.random(state_.random);
}

std::uint64_t Eviction::rank_of(const keyspace::Object& value) const {
  return state_.settings.eviction.by == By::kFrequency ? 255 - state_.decayed_frequency(value)
                                                       : state_.idle_seconds(value);
}

void Eviction::erase(const Victim& victim) {
  const std::int64_t begin_us = state_.clock.monotonic_us();
  const std::string key(victim.entry->key());
  state_.propagation.erased(victim.database, key, state_.settings.lazyfree_lazy_eviction);
  state_.propagation.flush();
  state_.watched_keys.changed(victim.database, key);
  state_.notify({kEvictedEvent, "evicted"}, victim.database, key);
  Database& database = state_.keyspace.database(victim.database);
  if (state_.settings.lazyfree_lazy_eviction) {
    database.erase_lazily(key);
  } else {
    database.erase(key);
  }
  ++state_.statistics.evicted_keys;
  state_.latency.took("eviction-del", state_.clock.monotonic_us() - begin_us);
}

void Eviction::note_how_long(Room room) {
  Statistics& statistics = state_.statistics;
  std::optional<std::int64_t>& since_us = statistics.over_maxmemory_since_us;
  if (room != Room::kEnough) {
    since_us = since_us.value_or(state_.clock.monotonic_us());
  } else if (since_us) {
    statistics.over_maxmemory_us += state_.clock.monotonic_us() - *since_us;
    since_us.reset();
  }
}

}  // namespace engine::commands
