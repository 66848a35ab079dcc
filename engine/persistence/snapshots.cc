#include "engine/persistence/snapshots.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "engine/io/directory.h"
#include "engine/io/failpoint.h"
#include "engine/persistence/snapshot_file.h"

namespace engine::persistence {
namespace {

constexpr std::int64_t kRetryDelayS = 5;

}  // namespace

Snapshots::Snapshots(const Settings& settings, const keyspace::Keyspace& keyspace,
                     const Clock& clock, Log& log)
    : settings_(settings), keyspace_(keyspace), clock_(clock), log_(log), last_save_s_(now_s()) {}

bool Snapshots::refuses_writes() const {
  return settings_.stop_writes_on_bgsave_error && !settings_.save.empty() && !last_child_ok_;
}

rdb::SnapshotOptions Snapshots::options() const {
  rdb::SnapshotOptions options;
  options.compress = settings_.rdbcompression;
  options.checksum = settings_.rdbchecksum;
  options.write_back = settings_.rdb_save_incremental_fsync;
  options.eviction_hint = settings_.eviction_hint;
  options.now_s = now_s();
  options.key_delay_us = settings_.rdb_key_save_delay_us;
  return options;
}

void Snapshots::saved(std::uint64_t changes_covered) {
  ENGINE_CHECK(changes_covered <= changes_, changes_covered, changes_);
  changes_ -= changes_covered;
  changes_at_fork_ = 0;
  last_save_s_ = now_s();
  last_child_ok_ = true;
  ++saves_;
}

Status Snapshots::own() {
  if (settings_.appendonly) {
    return {};
  }
  std::string path = io::join_path(settings_.directory, snapshot_lock_name(settings_.dbfilename));
  if (lock_.held() && path == lock_path_) {
    return {};
  }
  Result<io::LockFile> lock = io::LockFile::acquire(path);
  if (lock) {
    lock_ = std::move(*lock);
    lock_path_ = std::move(path);
    return {};
  }
  const Error& error = lock.error();
  if (error.code != EAGAIN) {
    return tl::unexpected(error);
  }
  if (io::failpoint("planted/no-directory-lock") != 0) {
    return {};
  }
  return fail(
      fmt::format("The snapshot {} is in use by another server: {}. Give one of them another "
                  "dir or dbfilename.",
                  settings_.dbfilename, error.message),
      EAGAIN);
}

Status Snapshots::save() {
  const std::string temp = temp_snapshot_name(::getpid());
  Status status = own();
  if (status) {
    status = write_snapshot_file(io::join_path(settings_.directory, temp), keyspace_, options());
  }
  if (status) {
    status = install_snapshot_file(settings_.directory, temp, settings_.dbfilename);
  }
  if (!status) {
    log_.warning("Write error saving DB on disk: {}", status.error().message);
    return status;
  }
  log_.notice("DB saved on disk");
  saved(changes_);
  return {};
}

bool Snapshots::may_retry() const {
  return last_child_ok_ || now_s() - last_try_s_ > kRetryDelayS ||
         io::failpoint("planted/retry-at-once") != 0;
}

std::optional<SaveRule> Snapshots::due_rule() const {
  for (const SaveRule& rule : settings_.save) {
    if (changes_ >= static_cast<std::uint64_t>(rule.changes) &&
        now_s() - last_save_s_ > rule.seconds && may_retry()) {
      return rule;
    }
  }
  return std::nullopt;
}

Status Snapshots::begin() {
  forker_ = ::getpid();
  Status ok = own();
  if (ok) {
    ok = io::fail_at("rdb/bgsave/before-fork");
  }
  if (!ok) {
    fork_failed(ok.error());
  }
  return ok;
}

void Snapshots::fork_failed(const Error& error) {
  log_.warning("Can't save in background: {}", error.message);
  last_try_s_ = now_s();
  last_child_ok_ = false;
}

void Snapshots::forked(pid_t child) {
  scheduled_ = false;
  changes_at_fork_ = changes_;
  last_try_s_ = now_s();
  child_began_us_ = clock_.monotonic_us();
  log_.notice("Background saving started by pid {}", child);
  static_cast<void>(io::failpoint("rdb/bgsave/after-fork"));
}

Status Snapshots::write_in_child(ProgressReporter& progress) const {
  if (Status ok = io::fail_at("rdb/bgsave/child-start"); !ok) {
    return ok;
  }
  rdb::SnapshotOptions child_options = options();
  const std::uint64_t half = keyspace_.size() / 2;
  child_options.progress = [&](std::uint64_t keys_written) {
    progress.keys_written(keys_written);
    if (keys_written == half) {
      static_cast<void>(io::failpoint("rdb/save/half"));
    }
  };
  const std::string path = io::join_path(settings_.directory, temp_snapshot_name(::getpid()));
  const Status written = write_snapshot_file(path, keyspace_, child_options);
  if (!written) {
    log_.warning("Write error saving DB on disk: {}", written.error().message);
    return written;
  }
  log_.notice("DB saved on disk");
  if (Status ok = io::fail_at("rdb/bgsave/child-before-exit"); !ok) {
    return ok;
  }
  if (::getppid() != forker_ && io::failpoint("planted/child-outlives-its-parent") != 0) {
    return install_snapshot_file(settings_.directory, temp_snapshot_name(::getpid()),
                                 settings_.dbfilename);
  }
  return {};
}

void Snapshots::child_ended(const EndedChild& child) {
  last_child_duration_s_ = (clock_.monotonic_us() - child_began_us_) / 1'000'000;
  last_copied_bytes_ = child.copied_bytes;
  const std::string temp = temp_snapshot_name(child.pid);
  if (child.exit.outcome == ChildProcess::Outcome::kSuccess) {
    const Status installed = install_snapshot_file(settings_.directory, temp, settings_.dbfilename);
    if (installed) {
      log_.notice("Background saving terminated with success");
      saved(changes_at_fork_);
    } else {
      log_.warning("Background saving error: {}", installed.error().message);
      last_child_ok_ = false;
    }
    return;
  }
  static_cast<void>(io::remove_file(io::join_path(settings_.directory, temp)));
  if (child.exit.outcome == ChildProcess::Outcome::kSignal) {
    log_.warning("Background saving terminated by signal {}", child.exit.signal);
    last_child_ok_ = last_child_ok_ && child.exit.wanted;
  } else {
    log_.warning("Background saving error");
    last_child_ok_ = false;
  }
}

void Snapshots::fill(Info& info, bool child_running) const {
  info.rdb_changes_since_last_save = static_cast<std::int64_t>(changes_);
  info.rdb_bgsave_in_progress = child_running;
  info.rdb_last_save_time_s = last_save_s_;
  info.rdb_last_bgsave_ok = last_child_ok_;
  info.rdb_last_bgsave_time_s = last_child_duration_s_;
  info.rdb_current_bgsave_time_s =
      child_running ? (clock_.monotonic_us() - child_began_us_) / 1'000'000 : -1;
  info.rdb_saves = saves_;
  info.rdb_last_cow_size_bytes = static_cast<std::int64_t>(last_copied_bytes_);
}

}  // namespace engine::persistence
