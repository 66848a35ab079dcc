// Executes commands on a keyspace.
//
// The server calls, per turn of its event loop: begin_turn(); execute() for every command read;
// before_sleep() once; then makes the effects durable (EffectLog) and only then sends the sessions'
// output.
//
// Threads  One.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/commands/dispatch/command_names.h"
#include "engine/commands/dispatch/statistics.h"
#include "engine/commands/services/server_control.h"
#include "engine/commands/services/session.h"
#include "engine/commands/services/settings.h"
#include "engine/commands/services/value_codec.h"
#include "engine/keyspace/effect.h"
#include "engine/keyspace/keyspace.h"

namespace engine::commands {

class ExecutorState;  // what handlers see (executor_state.h)

class Executor {
 public:
  // Borrows all of them.
  Executor(keyspace::Keyspace& keyspace, keyspace::EffectLog& effects, ServerControl& server,
           const ValueCodec& codec, const Clock& clock);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Reads the clocks: expiry and durations use these values during the turn.
  void begin_turn();

  // Executes one command (argv not empty) and appends its reply to session.output. `argv` need live
  // only during the call. Afterwards session.blocked() says whether the client waits.
  void execute(Session& session, std::span<const std::string_view> argv);

  // Ends waits that have timed out, then expires keys for a short while.
  void before_sleep();
  // Ten times a second: expires keys for longer, when there are many.
  void cron();
  // Makes room at maxmemory in the following turns; whether that is still in progress.
  void evict_soon();
  bool is_evicting() const;
  // Monotonic milliseconds at which the first blocked client's wait ends; -1: none waits for a
  // time.
  std::int64_t next_timeout_ms() const;

  // The client has disconnected: forgets its waits, watches and subscriptions. Before the Session
  // is destroyed.
  void forget(Session& session);

  // For the AOF loader: executes one command on `db` without checks, logging or expiry; its reply
  // is dropped.
  keyspace::Replayed replay(int db, std::span<const std::string_view> argv);

  CommandNames& names();
  Settings& settings();
  Statistics& statistics();
  // Clients now waiting in a blocking command; clients subscribed; channels, patterns (for INFO).
  std::size_t blocked_clients() const;
  std::size_t pubsub_channels() const;
  std::size_t pubsub_patterns() const;
  // Whether CLIENT PAUSE WRITE pauses a command of this name.
  bool may_write(std::string_view command_name) const;

 private:
  std::unique_ptr<ExecutorState> state_;
  std::unique_ptr<Session>
      replay_session_;  // takes the place of the clients whose steps are replayed
};

}  // namespace engine::commands
