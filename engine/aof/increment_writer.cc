#include "engine/aof/increment_writer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/base/random.h"
#include "engine/base/text.h"
#include "engine/io/failpoint.h"

namespace engine::aof {
namespace {

constexpr std::int64_t kSlowSyncUs = 2'000'000;
constexpr std::int64_t kErrorLogIntervalUs = 30'000'000;

}  // namespace

IncrementWriter::IncrementWriter(io::File file, std::uint64_t size, const WriterContext& context)
    : file_(std::move(file)),
      context_(context),
      begin_size_(size),
      size_(size),
      data_size_(size),
      synced_size_(size),
      recorded_size_(size) {}

Result<std::unique_ptr<IncrementWriter>> IncrementWriter::begin(io::File file, std::uint64_t size,
                                                                const WriterSettings& settings,
                                                                const WriterContext& context) {
  std::unique_ptr<IncrementWriter> writer(new IncrementWriter(std::move(file), size, context));
  if (const Status applied = writer->apply(settings); !applied) {
    // The first #SYNCED line may be there already; where a start is refused the file stays as it
    // was.
    static_cast<void>(writer->file_.truncate(size));
    return tl::unexpected(applied.error());
  }
  writer->begin_size_ = writer->size_;
  writer->check_sizes();
  return writer;
}

Result<std::unique_ptr<IncrementWriter>> IncrementWriter::create(const std::string& path,
                                                                 const WriterSettings& settings,
                                                                 const WriterContext& context) {
  if (const Status ok = io::fail_at("aof/increment/before-create", path); !ok) {
    return tl::unexpected(ok.error());
  }
  Result<io::File> file = io::File::open(path, io::OpenMode::kCreateNew);
  if (!file) {
    return tl::unexpected(file.error());
  }
  return begin(std::move(*file), 0, settings, context);
}

Result<std::unique_ptr<IncrementWriter>> IncrementWriter::reopen(const std::string& path,
                                                                 std::uint64_t valid_size,
                                                                 const WriterSettings& settings,
                                                                 const WriterContext& context) {
  Result<io::File> file = io::File::open(path, io::OpenMode::kAppend);
  if (!file) {
    return tl::unexpected(file.error());
  }
  Result<std::uint64_t> size = file->size();
  if (!size) {
    return tl::unexpected(size.error());
  }
  const bool torn = *size > valid_size;
  if (*size < valid_size) {
    return fail(path + ": it became shorter while it was loaded", EIO);
  }
  if (torn && io::failpoint("planted/skip-tail-truncation") == 0) {
    if (const Status ok = io::fail_at("aof/load/before-truncate", path); !ok) {
      return tl::unexpected(ok.error());
    }
    if (const Status cut = file->truncate(valid_size); !cut) {
      return tl::unexpected(cut.error());
    }
    if (const Status ok = io::fail_at("aof/load/after-truncate", path); !ok) {
      return tl::unexpected(ok.error());
    }
    size = valid_size;
  }
  // Also without a cut: what was recovered may still be only in the page cache of a dead process,
  // and what is acknowledged from now on rests on it.
  if (const Status synced = file->sync(); !synced) {
    return tl::unexpected(synced.error());
  }
  Result<std::unique_ptr<IncrementWriter>> writer =
      begin(std::move(*file), *size, settings, context);
  if (writer && torn) {
    (*writer)->planted_hold_ = io::failpoint("planted/hold-log-after-truncation") != 0;
    (*writer)->planted_skip_ = io::failpoint("planted/skip-fsync-after-truncation") != 0;
  }
  return writer;
}

Status IncrementWriter::apply(const WriterSettings& settings) {
  take_sync_state();
  const WriterSettings before = std::exchange(settings_, settings);
  if (settings_.checksum && !nonce_) {
    if (const Status begun = begin_checksums(); !begun) {
      settings_ = before;
      return begun;
    }
  }
  if (settings_.policy != FsyncPolicy::kEverysec) {
    sync_thread_.reset();  // waits for a running sync, so its result can be read before
  } else {
    if (!sync_thread_ && sync_error_ == 0) {
      Result<std::unique_ptr<SyncThread>> started =
          SyncThread::start(file_, synced_size_, context_.event_fd);
      if (!started) {
        settings_ = before;
        return tl::unexpected(started.error());
      }
      sync_thread_ = std::move(*started);
      sync_thread_->written(data_size_);
    }
    if (sync_thread_) {
      sync_thread_->hold(settings_.hold_syncs);
    }
  }
  return {};
}

// Synced at once, so that a file either has its first #SYNCED line or nothing of ours: a loader
// that finds damage always knows whether it may look for such lines.
Status IncrementWriter::begin_checksums() {
  if (Status sealed = seal(); !sealed) {
    return sealed;
  }
  nonce_ = make_nonce(Random::from_entropy().next());
  std::string line;
  append_synced_line(line, {0, {*nonce_, 0}});
  if (const io::WriteOutcome outcome = file_.write(line); outcome.error != 0) {
    nonce_.reset();
    static_cast<void>(file_.truncate(size_));
    return tl::unexpected(io::errno_error("write", file_.path(), outcome.error));
  }
  if (Status synced = sync_data(); !synced) {
    return synced;
  }
  session_begin_ = size_;
  size_ += line.size();
  data_size_ = synced_size_ = recorded_size_ = size_;
  check_sizes();
  return {};
}

void IncrementWriter::check_sizes() const {
  ENGINE_CHECK(recorded_size_ <= synced_size_ && synced_size_ <= data_size_ && data_size_ <= size_,
               recorded_size_, synced_size_, data_size_, size_, file_.path());
  ENGINE_CHECK(begin_size_ <= data_size_, begin_size_, data_size_, file_.path());
  ENGINE_CHECK(!nonce_ || sync_error_ != 0 || session_begin_ < size_, session_begin_, size_,
               file_.path());
}

void IncrementWriter::append(std::span<const keyspace::Effect> step) {
  ENGINE_CHECK(!step.empty());
  if (buffer_.empty() && settings_.checksum && synced_size_ > recorded_size_) {
    add_synced_line();
  }
  encoder_.append(
      buffer_, step, settings_.checksum && nonce_ ? std::optional(end_of_buffer()) : std::nullopt,
      settings_.timestamps ? std::optional(context_.clock.wall_ms() / 1000) : std::nullopt);
}

Place IncrementWriter::end_of_buffer() const {
  return {*nonce_, size_ + buffer_.size() - session_begin_};
}

void IncrementWriter::add_synced_line() {
  ENGINE_CHECK(nonce_ && synced_size_ <= size_, synced_size_, size_);
  append_synced_line(buffer_, {size_ + buffer_.size() - synced_size_, end_of_buffer()});
  recorded_size_ = synced_size_;
}

Status IncrementWriter::flush() {
  take_sync_state();
  const bool always = settings_.policy == FsyncPolicy::kAlways;
  if (always && sync_error_ != 0) {
    return fail("an earlier sync failed", sync_error_);
  }
  if (end_unknown_ || planted_hold_) {
    return {};
  }
  if (!buffer_.empty()) {
    wait_for_slow_sync();
    if (Status written = write_buffer(); !written || write_error_ != 0) {
      return written;
    }
  }
  if (always && !settings_.hold_syncs && synced_size_ < data_size_) {
    return sync_now();
  }
  if (sync_thread_) {
    sync_thread_->written(data_size_);
  }
  check_sizes();
  return {};
}

// Success also when the write failed under another policy than `always`: write_error_ is set then.
Status IncrementWriter::write_buffer() {
  ENGINE_CHECK(!end_unknown_ && !buffer_.empty());
  if (flush_delay_us_ > 0) {
    ::usleep(static_cast<useconds_t>(flush_delay_us_));
  }
  const std::int64_t begin_us = context_.clock.monotonic_us();
  io::WriteOutcome outcome;
  outcome.error = io::failpoint("aof/append/before-write");
  if (outcome.error == 0) {
    outcome = file_.write(buffer_);
  }
  const std::int64_t duration_us = context_.clock.monotonic_us() - begin_us;
  context_.latency.took("aof-write", duration_us);
  context_.latency.took(sync_pending()            ? "aof-write-pending-fsync"
                        : settings_.child_running ? "aof-write-active-child"
                                                  : "aof-write-alone",
                        duration_us);
  if (outcome.error != 0) {
    return on_failed_write(outcome);
  }
  size_ += buffer_.size();
  data_size_ = size_;
  buffer_.clear();
  if (write_error_ != 0) {
    context_.log.warning("AOF write error looks solved, Redis can write again.");
    write_error_ = 0;
  }
  static_cast<void>(io::failpoint("aof/append/after-write"));
  return {};
}

Status IncrementWriter::on_failed_write(const io::WriteOutcome& outcome) {
  ENGINE_CHECK(outcome.written < buffer_.size(), outcome.written, buffer_.size());
  const std::int64_t now_us = context_.clock.monotonic_us();
  if (write_error_ == 0 || now_us - error_logged_us_ >= kErrorLogIntervalUs) {
    error_logged_us_ = now_us;
    if (outcome.written == 0) {
      context_.log.warning("Error writing to the AOF file: {}", error_text(outcome.error));
    } else {
      context_.log.warning("Short write while writing to the AOF file: (nwritten={}, expected={})",
                           outcome.written, buffer_.size());
    }
  }
  write_error_ = outcome.error;
  planted_error_ = io::failpoint("planted/keep-refusing") != 0 ? outcome.error : 0;
  roll_back(outcome.written);
  if (settings_.policy == FsyncPolicy::kAlways) {
    context_.log.warning(
        "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...");
    return fail("write error under appendfsync always", outcome.error);
  }
  return {};
}

// Makes the file end with its last whole batch again after `written` bytes of the next one.
void IncrementWriter::roll_back(std::size_t written) {
  if (written == 0) {
    return;
  }
  const Status cut = file_.truncate(size_);
  if (cut) {
    return;
  }
  context_.log.warning(
      "Could not remove short write from the append-only file.  Redis may refuse to load the AOF "
      "the next time it starts.  ftruncate: {}",
      error_text(cut.error().code));
  const Result<std::uint64_t> on_disk = file_.size();
  if (on_disk && *on_disk == size_ + written) {
    // The file ends with what was written of the batch, and the next write goes on from there.
    size_ = *on_disk;
    buffer_.erase(0, written);
  } else {
    end_unknown_ = true;
    sync_error_ = cut.error().code;
  }
}

Status IncrementWriter::sync_now() {
  const std::int64_t begin_us = context_.clock.monotonic_us();
  int error = io::failpoint("aof/append/before-fsync");
  if (error == 0 && !planted_skip_ && io::failpoint("planted/skip-fsync") == 0) {
    const Status synced = file_.sync_data();
    error = synced ? io::failpoint("aof/append/after-fsync") : synced.error().code;
  }
  if (error != 0) {
    sync_error_ = error;
    context_.log.warning(
        "Can't persist AOF for fsync error when the AOF fsync policy is 'always': {}. Exiting...",
        error_text(error));
    return fail("fsync error under appendfsync always", error);
  }
  context_.latency.took("aof-fsync-always", context_.clock.monotonic_us() - begin_us);
  synced_size_ = data_size_;
  return {};
}

void IncrementWriter::wait_for_slow_sync() {
  if (!sync_thread_) {
    return;
  }
  const SyncThread::State state = sync_thread_->state();
  const std::int64_t now_us = context_.clock.monotonic_us();
  if (state.running && slow_sync_ != state.started) {
    slow_sync_ = state.started;
    slow_since_us_ = now_us;
  }
  if (!state.running || now_us - slow_since_us_ < kSlowSyncUs) {
    return;
  }
  ++delayed_syncs_;
  context_.log.notice(
      "Asynchronous AOF fsync is taking too long (disk is busy?). Waiting for it before anything "
      "more is acknowledged, this may slow down Redis.");
  sync_thread_->wait();
  take_sync_state();
}

void IncrementWriter::take_sync_state() {
  if (!sync_thread_) {
    return;
  }
  const SyncThread::State state = sync_thread_->state();
  if (state.error != 0 && sync_error_ == 0) {
    sync_error_ = state.error;
    context_.log.warning("Fail to fsync the AOF file: {}", error_text(state.error));
  }
  ENGINE_CHECK(state.synced_size <= data_size_, state.synced_size, data_size_, file_.path());
  synced_size_ = std::max(synced_size_, state.synced_size);
}

void IncrementWriter::record_synced() {
  take_sync_state();
  if (!nonce_ || !settings_.checksum || !buffer_.empty() || error() != 0 ||
      synced_size_ < data_size_ || recorded_size_ >= data_size_) {
    return;
  }
  add_synced_line();
  const io::WriteOutcome outcome = file_.write(buffer_);
  if (outcome.error == 0) {
    size_ += buffer_.size();
    buffer_.clear();
    check_sizes();
    return;
  }
  // Only a note is lost, as long as the file ends with whole lines: no error of the log.
  roll_back(outcome.written);
  if (size_ == data_size_) {
    buffer_.clear();
  }
}

Status IncrementWriter::seal() {
  take_sync_state();
  if (!buffer_.empty() && !end_unknown_) {
    if (Status written = write_buffer(); !written) {
      return written;
    }
    if (write_error_ != 0) {
      return fail(error_text(write_error_), write_error_);
    }
  }
  // The #SYNCED lines after the data as well: of a file that is not the last, every byte must be
  // durable.
  return synced_size_ < size_ || sync_error_ != 0 ? sync_data() : Status();
}

Status IncrementWriter::sync_data() {
  if (sync_thread_) {
    sync_thread_->hold(true);
    sync_thread_->wait();
    take_sync_state();
  }
  if (sync_error_ != 0) {
    return fail("an earlier sync failed", sync_error_);
  }
  if (const Status synced = file_.sync_data(); !synced) {
    sync_error_ = synced.error().code;
    return synced;
  }
  synced_size_ = data_size_;
  if (sync_thread_) {
    sync_thread_->hold(settings_.hold_syncs);
  }
  return {};
}

bool IncrementWriter::sync_pending() const {
  return sync_thread_ && sync_thread_->state().running;
}

}  // namespace engine::aof
