// Everything handlers share: the implementation of Executor.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/commands/dispatch/blocking.h"
#include "engine/commands/dispatch/command.h"
#include "engine/commands/dispatch/command_names.h"
#include "engine/commands/dispatch/eviction.h"
#include "engine/commands/dispatch/monitor.h"
#include "engine/commands/dispatch/propagation.h"
#include "engine/commands/dispatch/statistics.h"
#include "engine/commands/services/events.h"
#include "engine/commands/services/pubsub.h"
#include "engine/commands/services/server_control.h"
#include "engine/commands/services/session.h"
#include "engine/commands/services/settings.h"
#include "engine/commands/services/slowlog.h"
#include "engine/commands/services/value_codec.h"
#include "engine/commands/services/watch.h"
#include "engine/keyspace/effect.h"
#include "engine/keyspace/keyspace.h"

namespace engine::commands {

class Context;

class ExecutorState {
 public:
  ExecutorState(keyspace::Keyspace& data, keyspace::EffectLog& effects, ServerControl& control,
                const ValueCodec& value_codec, const Clock& time);

  keyspace::Keyspace& keyspace;
  ServerControl& server;
  LatencyMonitor& latency;
  const ValueCodec& codec;
  const Clock& clock;

  CommandNames names;
  Settings settings;
  Statistics statistics;
  Random random;
  Propagation propagation;
  WatchedKeys watched_keys;
  Blocking blocking;
  PubSub pubsub;
  Monitors monitors;
  SlowLog slowlog;
  Eviction eviction;

  // Read once per turn: a transaction, and in practice a pipeline, sees a single time.
  std::int64_t now_ms = 0;
  std::int64_t monotonic_us = 0;
  bool replaying = false;

  std::int64_t monotonic_ms() const { return monotonic_us / 1000; }

  // Erases the key if it has expired (not while replaying), and logs that. True when erased.
  bool expire_if_due(int database, keyspace::KeyEntry& entry);
  void erase_expired(int database, keyspace::KeyEntry& entry);
  // Marks the value as used now, for OBJECT IDLETIME and FREQ.
  void touch(keyspace::Object& object);
  std::uint32_t access_for_new_key() const;
  std::uint32_t idle_seconds(const keyspace::Object& object) const;
  bool is_over_maxmemory() const {
    return settings.maxmemory_bytes != 0 && server.used_memory_bytes() > settings.maxmemory_bytes;
  }
  // Frequency now, after what it has lost since the last use (LFU).
  std::uint32_t decayed_frequency(const keyspace::Object& object) const;

  // Publishes what happened to a key, once the command is done: its reply comes first.
  void notify(Event event, int database, std::string_view key) {
    if ((settings.notified_events & event.kind) != 0) {
      events_.push_back({event, database, std::string(key)});
    }
  }
  void publish_events();

  // Runs the handler and logs what it did. For commands, those inside EXEC, and blocked ones.
  void call(Context& context);
  // Runs the commands of clients that wait for keys which have just got a value.
  void serve_ready_keys();
  // Ends a client's wait.
  void unblock(Session& session);
  void count_error(std::string_view text);

  // The client has not authenticated, and a password is set.
  bool must_authenticate(const Session& session) const {
    return !session.authenticated && !server.password().empty();
  }

 private:
  struct PendingEvent {
    Event event;
    int database;
    std::string key;
  };

  std::vector<PendingEvent> events_;
};

}  // namespace engine::commands
