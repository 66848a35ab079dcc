// The append only file as a whole: the increment that takes new steps, and the rewrite that makes a
// new base.
//
// A rewrite is begin_rewrite() before the fork, forked() in the parent after it, write_new_base() in
// the child, and finish_rewrite() or abandon_rewrite() once the child has ended. Three kinds:
//
//   kSwitch    the log is on: everything logged is made durable, then new steps go to a new increment
//              which the manifest names at once, since acknowledgements rest on it.
//   kFresh     the log is being enabled, or a sync failed: new steps go to a temporary increment,
//              which becomes part of the log together with the new base.
//   kBaseOnly  the log is off: only a new base.
//
// Threads  The main one; write_new_base() in a child.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/aof/increment_writer.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/keyspace/effect.h"
#include "engine/keyspace/keyspace.h"
#include "engine/persistence/aof_directory.h"
#include "engine/persistence/child_process.h"
#include "engine/persistence/settings.h"

namespace engine::persistence {

// How the last file of a log was read: see aof::ReplayResult.
struct AofEnd {
  std::uint64_t valid_size = 0;
  bool checked = false;
};

class AppendOnlyFile {
 public:
  enum class State {
    kOff,
    kOn,
    kAwaitingRewrite,  // enabled at run time: on once the first rewrite has succeeded
  };

  // Borrows all. `settings` is read whenever something is done.
  AppendOnlyFile(const Settings& settings, const Clock& clock, Log& log, LatencyMonitor& latency,
                 int event_fd);

  AofDirectory& directory() { return directory_; }

  // --- opening: the directory is attached, and what it holds has been loaded ----------------------

  // Without a log so far: makes `keyspace` its first base, and opens the first increment.
  Status create(const keyspace::Keyspace& keyspace);
  // With one, whose last file ends so: cuts what is behind that, and opens the last increment. Opens a
  // new one if there is none, or if the last is redis-server's and steps under checksums would follow
  // bare commands: the first of them, torn, would read as damage.
  Status open(const AofEnd& end);
  // With a single file of redis-server before 7.0, good up to `valid_size`: makes it the base.
  Status adopt_single_file(const std::string& path, std::uint64_t valid_size);

  // --- logging ------------------------------------------------------------------------------------

  State state() const { return state_; }
  void append(std::span<const keyspace::Effect> step);
  // See IncrementWriter. An error only under `always`.
  Status flush();
  // Ten times a second: notes in the log how far it is durable, tries again what failed.
  void cron();
  // errno of what keeps writes from being accepted; 0: nothing.
  int error() const;
  // Steps could not be written so far.
  bool must_hold_replies() const {
    return state_ == State::kOn && (in_no_file_ || (writer_ && writer_->must_hold_replies()));
  }
  // A sync failed: only a rewrite makes the log whole again.
  bool needs_rewrite() const { return needs_rewrite_; }
  Status settings_changed(bool child_running);

  // Enables the log while the server runs: steps are logged from the next rewrite on.
  Status enable();
  // Seals and closes; the files stay, the lock goes.
  void disable();
  // Writes and syncs everything; an error is logged. For the end of the process.
  void seal();
  void close();

  // --- rewriting ----------------------------------------------------------------------------------

  Status begin_rewrite();
  // An error: no new step may rely on the rewrite; end the child and abandon_rewrite().
  Status forked();
  Status write_new_base(const keyspace::Keyspace& keyspace, ProgressReporter& progress) const;
  Status finish_rewrite(pid_t child);
  void abandon_rewrite(std::optional<pid_t> child);  // nothing: the fork failed

  // --- figures ------------------------------------------------------------------------------------

  std::uint64_t size_bytes() const;                                   // base and increments
  std::uint64_t base_size_bytes() const { return base_size_bytes_; }  // after the last rewrite
  std::uint64_t buffered_bytes() const { return writer_ ? writer_->buffered_bytes() : 0; }
  std::uint64_t delayed_syncs() const;
  bool sync_pending() const { return writer_ && writer_->sync_pending(); }
  void reset_stats();
  void set_flush_delay_us(std::int64_t us);

 private:
  enum class RewriteKind { kNone, kSwitch, kFresh, kBaseOnly };

  aof::WriterSettings writer_settings() const;
  aof::WriterContext writer_context() const { return {clock_, log_, latency_, event_fd_}; }
  std::string temp_base_name(pid_t child) const;
  std::string temp_increment_path() const;

  Status create_base_and_increment(const keyspace::Keyspace& keyspace);
  // Creates an increment, and makes `next` with it at its end the manifest.
  Status open_increment(aof::Manifest next, const char* occasion);
  void opened(std::unique_ptr<aof::IncrementWriter> writer);
  Status open_temp_increment();
  Status adopt_temp_increment(const aof::ManifestEntry& entry);
  Status write_base_file(const std::string& path, const keyspace::Keyspace& keyspace,
                         ProgressReporter* progress) const;
  Status install_rewrite(pid_t child);
  void drop_writer();
  void measure();

  const Settings& settings_;
  const Clock& clock_;
  Log& log_;
  LatencyMonitor& latency_;
  const int event_fd_;
  AofDirectory directory_;

  State state_ = State::kOff;
  std::unique_ptr<aof::IncrementWriter> writer_;
  bool writes_to_temp_ = false;  // writer_ has the temporary increment of a kFresh rewrite
  bool in_no_file_ = false;      // steps could not be written anywhere: only the new base has them
  bool child_running_ = false;

  RewriteKind rewrite_ = RewriteKind::kNone;
  bool rewrite_failed_ = false;  // the last one
  bool needs_rewrite_ = false;

  std::uint64_t closed_bytes_ = 0;  // of all files but the increment that is written
  std::uint64_t base_size_bytes_ = 0;
  std::int64_t flush_delay_us_ = 0;
  std::uint64_t delayed_syncs_before_ = 0;  // of writers that are gone
};

}  // namespace engine::persistence
