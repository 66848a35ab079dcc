// Rewrites of the append only file: when one is due, how the last ones went, and the steps of one.
//
// Threads  The main one; write_in_child() in a child.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/keyspace/keyspace.h"
#include "engine/persistence/append_only_file.h"
#include "engine/persistence/child_runner.h"
#include "engine/persistence/info.h"
#include "engine/persistence/rewrite_limit.h"
#include "engine/persistence/settings.h"

namespace engine::persistence {

class Rewrites {
 public:
  // Borrows all. `settings` is read whenever something is done.
  Rewrites(const Settings& settings, AppendOnlyFile& aof, const keyspace::Keyspace& keyspace,
           const Clock& clock, Log& log);

  // To be started as soon as no child runs.
  void schedule() { scheduled_ = true; }
  void unschedule() { scheduled_ = false; }
  // Whether one should start now that no child runs: scheduled, or the log needs it. Not while
  // repeated failures make it wait.
  bool is_due();
  // Whether the log has grown so much that one should start (auto-aof-rewrite-*).
  bool growth_is_due();

  // Before the fork.
  Status begin();
  void fork_failed(const Error& error);
  // In the parent after it. An error: end the child, and hand its end to abandon().
  Status forked(pid_t child);
  // Removes what the child has made, however it ended.
  void abandon(const EndedChild& child) { aof_.abandon_rewrite(child.pid); }
  Status write_in_child(ProgressReporter& progress) const;
  void child_ended(const EndedChild& child);

  void fill(Info& info, bool running) const;
  void reset_stats() { count_ = 0; }

 private:
  bool is_wanted() const;
  void failed();

  const Settings& settings_;
  AppendOnlyFile& aof_;
  const keyspace::Keyspace& keyspace_;
  const Clock& clock_;
  Log& log_;

  bool scheduled_ = false;
  RewriteLimit limit_;
  std::int64_t began_us_ = 0;
  std::int64_t last_duration_s_ = -1;
  bool last_ok_ = true;
  std::int64_t count_ = 0;
  std::uint64_t last_copied_bytes_ = 0;
};

}  // namespace engine::persistence
