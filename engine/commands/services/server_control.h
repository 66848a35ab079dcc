// Everything that commands ask of the server; implemented in server/.
//
// An error's message is the whole error reply with its code, "ERR Background save already in
// progress". Threads  All calls come from the thread that executes commands.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/latency_monitor.h"
#include "engine/base/result.h"
#include "engine/commands/services/session.h"

namespace engine::commands {

struct ShutdownOptions {
  enum class Save { kByConfig, kYes, kNo };
  Save save = Save::kByConfig;
  bool now = false;
  bool force = false;
  bool abort = false;
};

class ServerControl {
 public:
  virtual ~ServerControl() = default;

  // --- may a command run now? Empty: yes; otherwise the whole error reply. ---
  // Asked before every command but those flagged `loading`: "LOADING Redis is loading the dataset
  // in memory".
  virtual std::string_view loading_refusal() = 0;
  // Asked before a command that writes: "MISCONF Errors writing to the AOF file: ...".
  virtual std::string_view write_refusal() = 0;
  // The memory that maxmemory limits.
  virtual std::size_t used_memory_bytes() = 0;
  // Not while the data set is loaded, nor while clients are paused: it must not change then.
  virtual bool may_evict() = 0;
  // Asked before a command that DEBUG's and CONFIG's protection concerns (enable-debug-command,
  // ...).
  virtual std::string_view debug_refusal(const Session& session) = 0;

  // Lives as long as the server; may be called in the server's constructor.
  virtual LatencyMonitor& latency() = 0;

  // --- configuration ---
  virtual std::string_view password() = 0;  // requirepass; empty: none
  // Directives whose name matches any of the glob patterns, with their values.
  virtual std::vector<std::pair<std::string, std::string>> config_get(
      std::span<const std::string_view> patterns) = 0;
  // All or nothing. `in_transaction`: EXEC has executed commands that are not yet logged.
  virtual Status config_set(std::span<const std::pair<std::string_view, std::string_view>> settings,
                            bool in_transaction) = 0;
  virtual Status config_rewrite() = 0;
  virtual void reset_statistics() = 0;  // those of the Executor too
  // The text of INFO with these sections (none: the default ones).
  virtual std::string info(std::span<const std::string_view> sections) = 0;

  // --- persistence ---
  virtual Status save() = 0;
  // The status to reply: "Background saving started" or "... scheduled".
  virtual Result<std::string> background_save(bool schedule) = 0;
  virtual Result<std::string> rewrite_append_only_file(bool in_transaction) = 0;
  virtual std::int64_t last_save_time_s() = 0;
  // FLUSHALL has emptied the keyspace (Redis ends a running snapshot and writes an empty one).
  virtual void flushed_all() = 0;
  // Does not return an error when the server is about to exit: no reply is then sent.
  virtual Status shutdown(const ShutdownOptions& options) = 0;
  // DEBUG subcommands that commands/ does not know itself (RELOAD, LOADAOF, PAUSE-CRON, ...),
  // without the word DEBUG; the status to reply. "ERR unknown subcommand ..." when the server does
  // not know it.
  virtual Result<std::string> debug(std::span<const std::string_view> argv) = 0;

  // --- clients ---
  virtual void for_each_session(const std::function<void(Session&)>& fn) = 0;
  // Another client's command has changed the state of this one: its output has grown, it is no
  // longer blocked, or it is `closing`.
  virtual void session_changed(Session& session) = 0;
  // Until `until_monotonic_ms` no command (or, unless `all`, no write) of a client is executed.
  virtual void pause_clients(std::int64_t until_monotonic_ms, bool all) = 0;
  virtual void unpause_clients() = 0;
};

}  // namespace engine::commands
