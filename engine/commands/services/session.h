// The state of one client connection that commands use. The server owns a Session per connection.
//
// Threads  One: the event loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "engine/resp/reply_buffer.h"
#include "engine/resp/reply_writer.h"

namespace engine::commands {

struct CommandSpec;
struct BlockedState;  // blocked_state.h

// A command held back between MULTI and EXEC.
struct QueuedCommand {
  const CommandSpec* spec;
  std::vector<std::string> argv;
};

// A key under WATCH.
struct WatchedKey {
  int database;
  std::string key;
  bool expired_already;  // when WATCH was called
};

class Session {
 public:
  explicit Session(std::uint64_t session_id);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const std::uint64_t id;

  // Replies, and messages pushed to the client. The server sends from here, once the effects of the
  // commands so far are as durable as the fsync policy requires.
  resp::ReplyBuffer output;

  // --- set by the server, read by CLIENT LIST, CLIENT INFO, ... ---
  std::string address;        // "127.0.0.1:50001", or "/path:0" for a Unix socket
  std::string local_address;  // the server's end
  int fd = -1;
  std::int64_t created_ms = 0;           // monotonic
  std::int64_t last_interaction_ms = 0;  // monotonic
  std::size_t query_buffer_bytes = 0;
  std::size_t query_buffer_free = 0;
  bool authenticated = false;  // true from the start when no password is set

  // --- set by commands, obeyed by the server ---
  bool close_after_reply = false;  // QUIT, CLIENT KILL of oneself, a protocol error
  bool closing = false;            // killed: close without reading on
  // While blocked the server reads no further command of this client.
  bool blocked() const { return blocked_state != nullptr; }

  // --- state of commands ---
  int database = 0;
  resp::Protocol protocol = resp::Protocol::kResp2;
  std::string name;
  const CommandSpec* last_command = nullptr;

  bool in_transaction = false;
  bool transaction_refused = false;  // a command could not be queued: EXEC answers EXECABORT
  bool watch_broken = false;         // a watched key was changed: EXEC answers null
  std::vector<QueuedCommand> queue;
  std::vector<WatchedKey> watched;

  std::unordered_set<std::string> channels;  // SUBSCRIBE
  std::unordered_set<std::string> patterns;  // PSUBSCRIBE
  std::unordered_set<std::string> shard_channels;
  bool subscribed() const {
    return !channels.empty() || !patterns.empty() || !shard_channels.empty();
  }

  enum class ReplyMode : std::uint8_t { kOn, kOff, kSkipNext, kSkipThis };
  ReplyMode reply_mode = ReplyMode::kOn;
  bool no_evict = false;
  bool monitoring = false;

  std::unique_ptr<BlockedState> blocked_state;
};

}  // namespace engine::commands
