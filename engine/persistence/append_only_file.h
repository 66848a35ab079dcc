// The append only file as a whole: its directory, and the increment that takes new steps. A rewrite
// (rewrite.h) replaces its files by a new base and increment.
//
//   state             steps go to                                   left by
//   kOff              nothing                                       create(), open(), adopt_single_file()
//                                                                   -> kOn; enable()
//   kAwaitingRewrite  nothing; during a kFresh rewrite its          the rewrite -> kOn; close()
//                     temporary increment
//   kOn               the last increment of the manifest            a failed sync -> kSyncFailed; close()
//   kSyncFailed       that increment; during a kFresh rewrite its   the rewrite -> kOn; close()
//                     temporary increment; if it failed, nothing
//
// In all but kOff the directory is attached and its lock held.
//
// Threads  The main one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/aof/increment_writer.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/keyspace/effect.h"
#include "engine/keyspace/keyspace.h"
#include "engine/persistence/aof_directory.h"
#include "engine/persistence/settings.h"

namespace engine::persistence {

// How the last file of a log was read: see aof::ReplayResult.
struct AofEnd {
  std::uint64_t valid_size = 0;
  bool checked = false;
};

// See rewrite.h.
enum class RewriteKind : std::uint8_t { kSwitch, kFresh, kBaseOnly };

class AppendOnlyFile {
 public:
  enum class State : std::uint8_t {
    kOff,
    kAwaitingRewrite,  // enabled at run time: on once the first rewrite has succeeded
    kOn,
    kSyncFailed,  // on, but only a rewrite makes the log whole again
  };

  // Borrows all. `settings` is read whenever something is done.
  AppendOnlyFile(const Settings& settings, const Clock& clock, Log& log, LatencyMonitor& latency,
                 int event_fd);

  AofDirectory& directory() { return directory_; }

  // --- opening: the directory is attached, and what it holds has been loaded ---------------------

  // Without a log so far: makes `keyspace` its first base, and opens the first increment.
  Status create(const keyspace::Keyspace& keyspace);
  // With one whose last file ends as `end` says: cuts what follows, and opens the last increment.
  // Opens a new one if there is none, or if the last was written by redis-server: steps with
  // checksums would follow bare commands, and the first of them, torn, would read as damage.
  Status open(const AofEnd& end);
  // With a single file of redis-server before 7.0, good up to `valid_size`: makes it the base.
  Status adopt_single_file(const std::string& single, std::uint64_t valid_size);

  // --- logging -----------------------------------------------------------------------------------

  State state() const { return state_; }
  bool is_on() const { return state_ == State::kOn || state_ == State::kSyncFailed; }
  // A rewrite should start as soon as possible.
  bool needs_rewrite() const {
    return state_ == State::kAwaitingRewrite || state_ == State::kSyncFailed;
  }
  void append(std::span<const keyspace::Effect> step);
  // See IncrementWriter. An error only under `always`.
  Status flush();
  // Ten times a second: records in the file how far it is durable, retries what failed.
  void cron();
  // errno of what keeps writes from being accepted; 0: nothing.
  int error() const;
  // Steps were executed and could not be written so far: their replies, and all that follow, must
  // wait.
  bool must_hold_replies() const {
    return is_on() && (steps_in_no_file_ || (writer_ && writer_->must_hold_replies()));
  }
  Status settings_changed(bool child_running);

  // Enables the log while the server runs: steps are logged from the next rewrite on.
  Status enable();
  // Seals and closes; the files stay, the lock is released.
  void disable();
  // Writes and syncs everything; an error is logged, too. For the end of the process.
  [[nodiscard]] Status seal();
  void close();

  // --- figures -----------------------------------------------------------------------------------

  std::uint64_t size_bytes() const;                                   // base and increments
  std::uint64_t base_size_bytes() const { return base_size_bytes_; }  // after the last rewrite
  std::uint64_t buffered_bytes() const { return writer_ ? writer_->buffered_bytes() : 0; }
  std::uint64_t delayed_syncs() const;
  bool sync_pending() const { return writer_ && writer_->sync_pending(); }
  void reset_stats();
  void set_flush_delay_us(std::int64_t us);

 private:
  friend class Rewrite;

  // Where writer_ writes.
  enum class Target : std::uint8_t { kNone, kManifest, kTemporary };

  aof::WriterSettings writer_settings(Target target) const;
  aof::WriterContext writer_context() const { return {clock_, log_, latency_, event_fd_}; }
  void use(std::unique_ptr<aof::IncrementWriter> writer, Target target);
  void drop_writer();
  void note_failed_sync();
  void check_state() const;

  Status create_base_and_increment(const keyspace::Keyspace& keyspace);
  // Creates an increment, and makes `next` with it at its end the manifest.
  Status open_increment(aof::Manifest next, const char* occasion);
  void opened(std::unique_ptr<aof::IncrementWriter> writer);
  void measure();

  // --- the steps of a Rewrite --------------------------------------------------------------------

  // Attaches the directory, seals what is logged, and decides what kind it must be.
  Result<RewriteKind> prepare_rewrite();
  // From now on steps go where the kind says.
  Status switch_increment(RewriteKind kind);
  Status open_temp_increment();
  Status seal_temp_increment();
  // Gives it its final name, durably, and the fsync policy. It is not in the manifest yet.
  Status adopt_temp_increment(const aof::ManifestEntry& entry);
  void rewrite_installed(RewriteKind kind);  // the manifest has its files
  // `switched`: switch_increment() had succeeded.
  void abandon_rewrite(RewriteKind kind, bool switched);

  const Settings& settings_;
  const Clock& clock_;
  Log& log_;
  LatencyMonitor& latency_;
  const int event_fd_;
  AofDirectory directory_;

  State state_ = State::kOff;
  Target target_ = Target::kNone;
  std::unique_ptr<aof::IncrementWriter> writer_;  // null exactly if target_ is kNone
  // Steps are in no file, since the sync of their increment had failed: only a new base will have
  // them.
  bool steps_in_no_file_ = false;
  // A rewrite that failed opened the increment: while it is empty, the next rewrite uses it.
  bool increment_is_spare_ = false;
  bool child_running_ = false;  // of any purpose

  std::uint64_t closed_bytes_ = 0;  // of all files but the increment that is written
  std::uint64_t base_size_bytes_ = 0;
  std::int64_t flush_delay_us_ = 0;
  std::uint64_t delayed_syncs_before_ = 0;  // of earlier writers
};

}  // namespace engine::persistence
