// Rewrites of the append only file: when one is due, starting it, its end, and how the last ones
// went. The one that is running is a Rewrite (rewrite.h).
//
// Threads  The main one.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/keyspace/keyspace.h"
#include "engine/persistence/append_only_file.h"
#include "engine/persistence/child_runner.h"
#include "engine/persistence/info.h"
#include "engine/persistence/rewrite.h"
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

  // Forks the child, while none runs. An error has been logged, and nothing of the rewrite is left.
  Status start(ChildRunner& children);
  // The child of start() has ended: its rewrite is installed or abandoned.
  void child_ended(const EndedChild& child);

  void fill(Info& info) const;
  void reset_stats() { count_ = 0; }

 private:
  bool is_wanted() const;
  Status fork(ChildRunner& children);
  void failed();

  const Settings& settings_;
  AppendOnlyFile& aof_;
  const keyspace::Keyspace& keyspace_;
  const Clock& clock_;
  Log& log_;

  std::unique_ptr<Rewrite> running_;
  bool scheduled_ = false;
  RewriteLimit limit_;
  std::int64_t began_us_ = 0;
  std::int64_t last_duration_s_ = -1;
  bool last_ok_ = true;
  std::int64_t count_ = 0;
  std::uint64_t last_copied_bytes_ = 0;
};

}  // namespace engine::persistence
