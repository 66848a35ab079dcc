// The one facade through which the server makes the keyspace durable and gets it back.
//
// Order of a turn of the event loop, which is the durability promise and the group commit at once:
// execute what the sockets brought (log_step() for each atomic step), then before_sleep(), and only
// if that succeeded send the replies of this turn.
//
//   always    before_sleep() has written and synced the whole batch when it returns.
//   everysec  it has written the batch; a background thread syncs at most one second later, on the
//             monotonic clock. When the running sync takes more than two seconds, before_sleep()
//             waits for it (aof_delayed_fsync).
//   no        it has written the batch.
//
// Errors. Under `always` nothing may be acknowledged that is not durable: before_sleep() fails and
// the caller exits. Under the other policies a failed write or sync makes write_refusal() refuse
// writes until the log is whole again, and must_hold_replies() says that replies to steps which
// could not be written must not leave yet. Every refusal is logged once, here.
//
// Threads. All methods are called from the main thread; the syncing thread is private.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "engine/aof/replay_target.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/keyspace/effect.h"
#include "engine/keyspace/keyspace.h"
#include "engine/persistence/append_only_file.h"
#include "engine/persistence/child_runner.h"
#include "engine/persistence/event_set.h"
#include "engine/persistence/info.h"
#include "engine/persistence/recovery.h"
#include "engine/persistence/rewrites.h"
#include "engine/persistence/settings.h"
#include "engine/persistence/snapshots.h"

namespace engine::persistence {

struct ShutdownOptions {
  enum class Save { kByRules, kYes, kNo };
  Save save = Save::kByRules;
  bool force = false;
};

struct Callbacks {
  // While recover() or debug_load_aof() runs: every 1024 commands of an AOF and every
  // loading-process-events-interval-bytes of an RDB. The server answers -LOADING from here.
  std::function<void()> while_loading = [] {};
  // First thing in a forked child: the server closes its sockets and renames the process.
  // `purpose` is redis-server's process title: "redis-rdb-bgsave" or "redis-aof-rewrite".
  std::function<void(std::string_view purpose)> in_child = [](std::string_view) {};
};

class Persistence final : public keyspace::EffectLog {
 public:
  // Borrows all but the settings and callbacks. No I/O.
  Persistence(Settings settings, keyspace::Keyspace& keyspace, aof::ReplayTarget& target,
              const Clock& clock, Log& log, LatencyMonitor& latency, Callbacks callbacks);
  ~Persistence() override;  // ends a child that still runs; closes files without syncing them
  Persistence(const Persistence&) = delete;
  Persistence& operator=(const Persistence&) = delete;

  // Brings the keyspace back (AOF if enabled, else RDB), cleans up what a crash left and opens the
  // log for appending. On an error nothing was changed on disk; the reason has been logged as the
  // last line, and the caller exits with 1.
  Status recover();

  // --- logging -----------------------------------------------------------------------------------

  void log_step(std::span<const keyspace::Effect> step, std::uint64_t changes) override;

  // See the top. An error: the reason has been logged; no reply of this turn may be sent, exit
  // with 1.
  Status before_sleep() { return aof_.flush(); }

  // After before_sleep(): the log could not take this turn's steps (a full disk under everysec or
  // no), they wait in its buffer, and every turn tries again. A session with output of such a turn
  // is to keep it, and all that follows it, until this is false again: a reply that left would
  // acknowledge what a kill would lose. Sessions without go on; their writes are refused by
  // write_refusal().
  bool must_hold_replies() const { return aof_.must_hold_replies(); }

  // Why a write command is refused now: the whole error reply without '-' ("MISCONF ..."); empty:
  // it is not. Valid until the next call of a method that is not const.
  std::string_view write_refusal() const;

  // --- time and events ---------------------------------------------------------------------------

  // Ten times a second: children, save rules, automatic rewrites, back-off, retries.
  // An error as for before_sleep().
  Status cron();
  // Readable when a child reported or ended, or a sync finished: call on_event(). Constant.
  int event_fd() const { return events_.fd(); }
  Status on_event();

  // --- commands: texts are whole replies without '+' or '-' --------------------------------------

  Result<std::string> save();
  // `schedule`: BGSAVE SCHEDULE, or BGSAVE inside a transaction.
  Result<std::string> bgsave(bool schedule);
  // `schedule`: inside a transaction.
  Result<std::string> bgrewriteaof(bool schedule);
  std::int64_t last_save_time_s() const { return snapshots_.last_save_time_s(); }
  // After FLUSHALL has emptied the keyspace: ends a running snapshot, saves if there are save
  // rules.
  void after_flushall();

  // Ends children, syncs the log, saves. An error is the reply to SHUTDOWN, and the server lives
  // on.
  Status prepare_shutdown(const ShutdownOptions& options);
  // For a second SIGINT: removes the temp file of a running snapshot; async-signal-safe.
  void remove_temp_files_now() noexcept;

  // Replaces the keyspace by what the log holds, also while it is off. False: there is none, and nothing was changed.
  // An error as for recover().
  Result<bool> debug_load_aof();
  struct ReloadOptions {
    bool merge = false;
    bool flush = true;
    bool save = true;
  };
  Status debug_reload(const ReloadOptions& options);
  // DEBUG AOF-FLUSH-SLEEP
  void debug_set_flush_sleep_us(std::int64_t us) { aof_.set_flush_delay_us(us); }
  void debug_set_skip_checksum_validation(bool skip) { verify_checksums_ = !skip; }

  // --- settings and figures ----------------------------------------------------------------------

  const Settings& settings() const { return settings_; }
  // Makes `wanted` the settings, with the effects of each change (appendonly, aof-disable-auto-gc,
  // ...). On an error nothing has changed. `in_transaction`: inside MULTI a rewrite is only
  // scheduled.
  Status apply(Settings wanted, bool in_transaction = false);

  Info info() const;
  void reset_stats();  // CONFIG RESETSTAT
  bool has_child() const { return children_.running(); }
  pid_t child_pid() const { return children_.pid(); }  // of the running child; 0: none
  bool loading() const { return loading_; }

 private:
  template <typename Load>
  auto load(Load&& work);  // work(Recovery&), while loading() is true
  Status refuse(const Status& status);
  Status own_snapshot();

  Status start_snapshot();
  void start_what_is_due();
  void check_child();
  void end_child();
  void end_rewrite();  // as redis-server logs it
  void child_ended(const EndedChild& child);

  Status seal_for_shutdown(bool force);
  Status save_for_shutdown(const ShutdownOptions& options);
  Status change_appendonly(bool in_transaction);
  void remember_temp_path();

  Settings settings_;
  keyspace::Keyspace& keyspace_;
  aof::ReplayTarget& target_;
  const Clock& clock_;
  Log& log_;
  Callbacks callbacks_;

  EventSet events_;
  AppendOnlyFile aof_;
  Rewrites rewrites_;
  Snapshots snapshots_;
  ChildRunner children_;

  bool loading_ = false;
  std::int64_t loading_began_s_ = 0;
  LoadingProgress progress_;
  bool verify_checksums_ = true;
  mutable std::string refusal_;  // the last text of write_refusal()
  // Of a snapshot that this process writes itself; no std::string, since a signal handler reads it.
  std::array<char, 4096> temp_path_ = {};
};

}  // namespace engine::persistence
