// All clients: accepts them, reads and executes what they send, sends their replies, and closes
// them.
//
// In a turn of the loop: on_ready() of the sockets reads and executes; run_changed() executes what
// became possible by other clients' commands; send_replies() sends. No reply is sent at any other
// time, so that none can overtake the fsync between the two.
//
// Threads  One.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/commands/dispatch/executor.h"
#include "engine/server/network/connection.h"
#include "engine/server/network/listener.h"
#include "engine/server/network/poller.h"

namespace engine::server {

// client-output-buffer-limit of one class.
struct OutputLimit {
  std::uint64_t hard_bytes = 0;  // 0: none
  std::uint64_t soft_bytes = 0;
  std::int64_t soft_seconds = 0;
};

struct ConnectionSettings {
  std::size_t clients_max = 10000;
  std::int64_t idle_timeout_s = 0;     // 0: never
  std::int64_t tcp_keepalive_s = 300;  // 0: off
  std::size_t query_buffer_bytes_max = std::size_t{1} << 30;
  std::size_t bulk_bytes_max = std::size_t{512} << 20;
  OutputLimit normal;
  OutputLimit pubsub;
  bool protected_mode = true;
  bool password_set = false;
};

struct ConnectionStatistics {
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;
  std::uint64_t input_bytes = 0;
  std::uint64_t output_bytes = 0;
  std::uint64_t reads = 0;
  std::uint64_t writes = 0;
};

class Connections {
 public:
  // Borrows all of them.
  Connections(commands::Executor& executor, Poller& poller, const Clock& clock, Log& log);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  ConnectionSettings settings;
  ConnectionStatistics statistics;

  // Beginning of a turn: reads the clock that the turn uses.
  void begin_turn();
  void accept(Accepted accepted);
  // Executes what clients sent while they were blocked or paused, once they no longer are.
  void run_changed();
  // Sends every reply there is; closes the clients that must be closed.
  void send_replies();
  // The output that clients have now, and what follows it, is not sent until release_replies().
  void hold_unlogged_replies();
  void release_replies();
  // Once per cron tick: idle clients, soft limits, buffers too large.
  void cron();

  // A client's output has grown, it is no longer blocked, or it is to be closed.
  void changed(commands::Session& session);
  void for_each_session(const std::function<void(commands::Session&)>& fn);

  // Until then no command (or, unless `all`, no write) is executed.
  void pause(std::int64_t until_monotonic_ms, bool all);
  void unpause();
  bool is_paused() const { return paused_until_ms_ > now_ms_; }
  // Milliseconds until a pause ends; -1: none.
  std::int64_t pause_left_ms() const;

  // From now on nothing more is executed: the server is about to exit.
  void halt() { halted_ = true; }
  // The client whose command is being executed; null: none.
  const Connection* current() const { return current_; }

  std::size_t size() const { return count_; }
  struct BufferFigures {
    std::size_t total_bytes = 0;  // held by all buffers
    std::size_t input_bytes_max = 0;
    std::size_t output_bytes_max = 0;
  };
  BufferFigures buffer_figures() const;

  // For Connection.
  void on_readable(Connection& connection);
  void on_writable(Connection& connection);

 private:
  static constexpr std::size_t kReadBytes = 64 << 10;

  void execute_input(Connection& connection);
  // Returns how many of the bytes it has used up.
  std::size_t execute(Connection& connection, std::string_view bytes);
  void refuse_http(Connection& connection);
  bool is_paused_for(const Connection& connection, std::string_view command_name) const;
  void send(Connection& connection);
  void close(Connection& connection);
  void mark_changed(Connection& connection);
  void enforce_output_limit(Connection& connection);
  const OutputLimit& output_limit(const Connection& connection) const;

  commands::Executor& executor_;
  Poller& poller_;
  const Clock& clock_;
  Log& log_;

  std::vector<std::unique_ptr<Connection>> by_fd_;  // index: file descriptor
  std::size_t count_ = 0;
  std::uint64_t next_id_ = 1;
  // The clients that the send phase of this turn must look at: with output, to be closed, or with
  // input to execute.
  std::vector<Connection*> changed_;
  std::int64_t now_ms_ = 0;
  std::int64_t next_http_warning_ms_ = 0;
  std::int64_t paused_until_ms_ = -1;
  bool pause_all_ = false;
  bool halted_ = false;
  const Connection* current_ = nullptr;
  std::unique_ptr<char[]> read_buffer_;
};

}  // namespace engine::server
