// The server: owns all parts of the engine, runs the event loop, and is what commands see of it
// (ServerControl).
//
// One turn of the loop is the durability promise and the group commit at once:
//   read all sockets and execute -> Persistence::before_sleep() (write, and by policy fsync, once
//   for the whole batch) -> send the replies.
//
// The implementation is split by subject: server.cc (loop, cron, shutdown), server_start.cc,
// server_control.cc (ServerControl), server_config.cc, server_debug.cc.
//
// Threads  One.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/aof/replay_target.h"
#include "engine/base/clock.h"
#include "engine/commands/dispatch/executor.h"
#include "engine/commands/services/server_control.h"
#include "engine/keyspace/keyspace.h"
#include "engine/persistence/persistence.h"
#include "engine/server/config/config.h"
#include "engine/server/info.h"
#include "engine/server/log_file.h"
#include "engine/server/network/connections.h"
#include "engine/server/network/listener.h"
#include "engine/server/network/poller.h"
#include "engine/server/signals.h"
#include "engine/server/supervision.h"
#include "engine/server/value_codec.h"

namespace engine::server {

struct ServerOptions {
  Config config;
  std::string config_file;  // absolute path, empty: none
  std::string program;      // argv[0]
  commands::CommandNames command_names;
  Supervisor supervisor = Supervisor::kNone;
};

class Server final : private commands::ServerControl,
                     private aof::ReplayTarget,
                     private EventHandler {
 public:
  // Borrows `log`. One at a time in a process (signals, current directory).
  Server(ServerOptions options, LogFile& log);
  ~Server() override;

  // Opens the sockets, loads the data set, serves until a shutdown. Returns the exit status; why it
  // is not 0 has been logged.
  int run();

 private:
  // --- start ---
  Status fit_descriptor_limit();
  Status open_sockets();
  void prepare_process();
  void log_start();
  void log_ready() const;
  void tell_supervisor(std::string_view state) const;
  std::string title(std::string_view program) const;

  // --- the loop ---
  void turn();
  void hold_unlogged_replies();
  void serve_while_loading();
  int milliseconds_to_wait() const;
  void cron_if_due();
  void sample_figures();
  void on_ready(std::uint32_t events) override;  // of Persistence::event_fd()

  // --- the end ---
  void obey_signal();
  Status try_shutdown(const commands::ShutdownOptions& options);
  void remove_own_files() const;
  // Without unwinding: nothing of this turn may be sent or freed.
  [[noreturn]] void exit_now(int status) const;
  void must_be_durable(const Status& done) const;
  void become_child(std::string_view purpose);

  // --- configuration ---
  // Makes `wanted` the configuration with all its effects, or changes nothing. The message of an
  // error is the whole reply.
  Status apply(Config wanted, bool in_transaction);
  void take_effect();
  void fit_into_memory();  // after maxmemory has changed
  Status check_settable(std::string_view name) const;
  Status open_tcp(const Config& config);  // closes the TCP listeners there are
  bool is_allowed(std::string_view access) const;

  // --- ReplayTarget ---
  keyspace::Replayed replay(int db, std::span<const std::string_view> argv) override;

  // --- ServerControl ---
  std::string_view loading_refusal() override;
  std::string_view write_refusal() override;
  std::size_t used_memory_bytes() override;
  bool may_evict() override;
  std::string_view debug_refusal(const commands::Session& session) override;
  LatencyMonitor& latency() override { return latency_; }
  std::string_view password() override;
  std::vector<std::pair<std::string, std::string>> config_get(
      std::span<const std::string_view> patterns) override;
  Status config_set(std::span<const std::pair<std::string_view, std::string_view>> settings,
                    bool in_transaction) override;
  Status config_rewrite() override;
  void reset_statistics() override;
  std::string info(std::span<const std::string_view> sections) override;
  Status save() override;
  Result<std::string> background_save(bool schedule) override;
  Result<std::string> rewrite_append_only_file(bool in_transaction) override;
  std::int64_t last_save_time_s() override;
  void flushed_all() override;
  Status shutdown(const commands::ShutdownOptions& options) override;
  Result<std::string> debug(std::span<const std::string_view> argv) override;
  void for_each_session(const std::function<void(commands::Session&)>& fn) override;
  void session_changed(commands::Session& session) override;
  void pause_clients(std::int64_t until_monotonic_ms, bool all) override;
  void unpause_clients() override;

  LogFile& log_;
  const SystemClock clock_;
  LatencyMonitor latency_{clock_};
  Config config_;
  const std::string program_;
  const Supervisor supervisor_;
  ServerFigures figures_;

  // Each borrows the ones above it.
  RdbValueCodec codec_;
  keyspace::Keyspace keyspace_;
  persistence::Persistence persistence_;
  commands::Executor executor_;
  Poller poller_;
  ShutdownEvent shutdown_event_;
  Connections connections_;
  std::vector<std::unique_ptr<Listener>> tcp_listeners_;
  std::unique_ptr<Listener> unix_listener_;

  std::int64_t next_cron_ms_ = 0;  // monotonic
  std::int64_t next_sample_ms_ = 0;
  std::int64_t cron_period_ms_ = 100;
  bool stopping_ = false;
  bool replies_held_ = false;
  bool cron_paused_ = false;             // DEBUG PAUSE-CRON
  bool rewrite_all_directives_ = false;  // DEBUG CONFIG-REWRITE-FORCE-ALL
};

}  // namespace engine::server
