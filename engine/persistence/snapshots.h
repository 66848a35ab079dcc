// RDB snapshots: when one is due, how the last ones went, and the steps of writing one.
//
// Threads  The main one; write_in_child() in a child.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/io/lock_file.h"
#include "engine/keyspace/keyspace.h"
#include "engine/persistence/child_runner.h"
#include "engine/persistence/info.h"
#include "engine/persistence/settings.h"
#include "engine/rdb/snapshot_writer.h"

namespace engine::persistence {

class Snapshots {
 public:
  // Borrows all. `settings` is read whenever something is done.
  Snapshots(const Settings& settings, const keyspace::Keyspace& keyspace, const Clock& clock,
            Log& log);

  void add_changes(std::uint64_t count) { changes_ += count; }
  // The data set is what the snapshot says (after a load).
  void reset_changes() { changes_ = changes_at_fork_ = 0; }
  std::int64_t last_save_time_s() const { return last_save_s_; }
  // Writes must be refused: the last background save failed, and there are save rules.
  bool refuses_writes() const;

  // Makes this process the one that replaces <dir>/<dbfilename>; nothing if it is already, or if a log has
  // the data, of which the snapshot is then a copy. Fails with EAGAIN while another server is: either would
  // replace what the other one acknowledged.
  Status own();

  // Writes one in this process.
  Status save();

  // The rule that is due; nothing if none is, or after a failure until five seconds have passed.
  std::optional<SaveRule> due_rule() const;
  // BGSAVE SCHEDULE: to be started as soon as no child runs.
  void schedule() { scheduled_ = true; }
  // Whether the scheduled one may start now that no child runs: not within five seconds of a
  // failure.
  bool scheduled_is_due() const { return scheduled_ && may_retry(); }

  // Before the fork; in the parent after it.
  Status begin();
  void fork_failed(const Error& error);
  void forked(pid_t child);
  Status write_in_child(ProgressReporter& progress) const;
  // The child's end: gives a finished snapshot its name, or removes what is left of it.
  void child_ended(const EndedChild& child);

  void fill(Info& info, bool child_running) const;
  void reset_stats() { saves_ = 0; }

 private:
  rdb::SnapshotOptions options() const;
  bool may_retry() const;
  std::int64_t now_s() const { return clock_.wall_ms() / 1000; }
  void saved(std::uint64_t changes_covered);

  const Settings& settings_;
  const keyspace::Keyspace& keyspace_;
  const Clock& clock_;
  Log& log_;

  io::LockFile lock_;  // of the file at lock_path_
  std::string lock_path_;
  std::uint64_t changes_ = 0;          // since the last snapshot that succeeded
  std::uint64_t changes_at_fork_ = 0;  // of those, what the running child saves
  std::int64_t last_save_s_;           // Unix time
  std::int64_t last_try_s_ = 0;
  pid_t forker_ = 0;  // who forked the child
  bool scheduled_ = false;
  std::int64_t child_began_us_ = 0;
  std::int64_t last_child_duration_s_ = -1;
  bool last_child_ok_ = true;
  std::int64_t saves_ = 0;
  std::uint64_t last_copied_bytes_ = 0;
};

}  // namespace engine::persistence
