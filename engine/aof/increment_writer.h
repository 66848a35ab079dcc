// Appends atomic steps to one increment of the append only file.
//
// Group commit  append() only buffers; flush() writes everything buffered with one write(2) and, under
//               `always`, syncs it. Under `everysec` the SyncThread syncs.
// Durability    A step is durable once synced_size() is past it. Until then a crash may keep it, drop
//               it, or tear it at any byte.
// Errors        Under `always` the first error is final: flush() fails, nothing of this batch may be
//               acknowledged, the process must end. Otherwise a failed write leaves the file cut back
//               to its last whole batch, the batch buffered for the next flush(), and error() set
//               until one succeeds. A failed sync is final for this file (error() stays): what was
//               written since the last good sync may be gone whatever a later sync says, so all data
//               must go to new files.
// Threads       One.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/aof/annotation.h"
#include "engine/aof/fsync_policy.h"
#include "engine/aof/step_encoder.h"
#include "engine/aof/sync_thread.h"
#include "engine/base/clock.h"
#include "engine/base/latency_monitor.h"
#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/io/file.h"
#include "engine/keyspace/effect.h"

namespace engine::aof {

struct WriterSettings {
  FsyncPolicy policy = FsyncPolicy::kEverysec;
  bool child_running = false;
  bool hold_syncs = false;  // no-appendfsync-on-rewrite while a child runs
  bool checksum = true;     // aof-checksum
  bool timestamps = false;  // aof-timestamp-enabled
};

// What a writer borrows.
struct WriterContext {
  const Clock& clock;
  Log& log;
  LatencyMonitor& latency;
  int event_fd;  // an eventfd: signalled when a background sync has ended
};

class IncrementWriter {
 public:
  // A new file, which must not exist. Its name is not durable yet.
  static Result<std::unique_ptr<IncrementWriter>> create(const std::string& path,
                                                         const WriterSettings& settings,
                                                         const WriterContext& context);
  // An existing file of which `valid_size` bytes are good: the rest is cut off, and what stays is
  // durable before it returns.
  static Result<std::unique_ptr<IncrementWriter>> reopen(const std::string& path,
                                                         std::uint64_t valid_size,
                                                         const WriterSettings& settings,
                                                         const WriterContext& context);
  IncrementWriter(const IncrementWriter&) = delete;
  IncrementWriter& operator=(const IncrementWriter&) = delete;

  void append(std::span<const keyspace::Effect> step);
  // An error only under `always`; it has been logged. Success does not mean that all is written:
  // see error().
  Status flush();
  // Between batches: records in the file how far it is durable, if that is not yet there.
  void record_synced();
  // Writes and syncs everything, whatever the policy. After success all of the file is durable.
  Status seal();

  // Enables or disables what `settings` says, from the next step on. After an error the policy is
  // the one it was.
  Status apply(const WriterSettings& settings);
  const std::string& path() const { return file_.path(); }
  void renamed(std::string path) { file_.renamed(std::move(path)); }

  // errno of what keeps writes from being accepted; 0: nothing does.
  int error() const {
    return sync_error_ != 0 ? sync_error_ : write_error_ != 0 ? write_error_ : planted_error_;
  }
  // After flush(): steps are still buffered because they could not be written.
  bool must_hold_replies() const { return write_error_ != 0 && !buffer_.empty(); }
  bool sync_failed() const { return sync_error_ != 0; }
  std::uint64_t size() const { return size_; }  // of the file, without what is buffered
  bool has_steps() const { return data_size_ > begin_size_ || !buffer_.empty(); }  // written by us
  std::uint64_t buffered_bytes() const { return buffer_.size(); }
  std::uint64_t synced_size() const { return synced_size_; }
  std::uint64_t delayed_syncs() const { return delayed_syncs_; }  // aof_delayed_fsync
  void reset_stats() { delayed_syncs_ = 0; }
  bool sync_pending() const;
  void set_flush_delay_us(std::int64_t us) { flush_delay_us_ = us; }  // DEBUG AOF-FLUSH-SLEEP

 private:
  IncrementWriter(io::File file, std::uint64_t size, const WriterContext& context);
  static Result<std::unique_ptr<IncrementWriter>> begin(io::File file, std::uint64_t size,
                                                        const WriterSettings& settings,
                                                        const WriterContext& context);

  // Writes and syncs the #SYNCED line from which checksums can be verified.
  Status begin_checksums();
  void add_synced_line();
  Place end_of_buffer() const;
  void check_sizes() const;
  Status write_buffer();
  Status on_failed_write(const io::WriteOutcome& outcome);
  void roll_back(std::size_t written);
  Status sync_now();
  // A sync from this thread while the background one keeps out: the kernel reports a failed sync to
  // one caller only.
  Status sync_data();
  void wait_for_slow_sync();
  void take_sync_state();

  io::File file_;
  WriterSettings settings_;
  WriterContext context_;
  StepEncoder encoder_;
  std::optional<Nonce> nonce_;       // once the file has a #SYNCED line of this opening
  std::uint64_t session_begin_ = 0;  // of that line
  std::string buffer_;  // steps not yet written, with their annotations; they go to size_

  // recorded_size_ <= synced_size_ <= data_size_ <= size_, and begin_size_ <= data_size_:
  // check_sizes(). The size on disk is not checked: another program may have cut the file.
  std::uint64_t begin_size_;     // when it was opened, the first #SYNCED line included
  std::uint64_t size_;           // whole batches and #SYNCED lines
  std::uint64_t data_size_;      // size_ at the end of the last batch
  std::uint64_t synced_size_;    // durable for certain
  std::uint64_t recorded_size_;  // what the last #SYNCED line says is durable

  int write_error_ = 0;
  int sync_error_ = 0;
  bool end_unknown_ = false;  // a failed write could not be undone: the file takes nothing more
  std::int64_t error_logged_us_ = 0;
  std::uint64_t delayed_syncs_ = 0;
  std::int64_t flush_delay_us_ = 0;
  int planted_error_ = 0;      // planted/keep-refusing
  bool planted_hold_ = false;  // planted/hold-log-after-truncation
  bool planted_skip_ = false;  // planted/skip-fsync-after-truncation
  // The sync that a flush() first found running, and when.
  std::uint64_t slow_sync_ = 0;
  std::int64_t slow_since_us_ = 0;
  std::unique_ptr<SyncThread> sync_thread_;  // under `everysec`; uses file_, so it goes first
};

}  // namespace engine::aof
