#include "engine/persistence/append_only_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/aof/base_writer.h"
#include "engine/io/directory.h"
#include "engine/io/failpoint.h"
#include "engine/io/file.h"
#include "engine/persistence/snapshot_file.h"
#include "engine/rdb/snapshot_writer.h"

namespace engine::persistence {
namespace {

Status fail_at(io::FailpointName point) {
  if (const int error = io::failpoint(point)) {
    return fail(fmt::format("{}: {}", point.c_str(), std::strerror(error)), error);
  }
  return {};
}

}  // namespace

AppendOnlyFile::AppendOnlyFile(const Settings& settings, const Clock& clock, Log& log, int event_fd)
    : settings_(settings), clock_(clock), log_(log), event_fd_(event_fd) {}

// --- opening ----------------------------------------------------------------------------------------

Status AppendOnlyFile::attach() {
  if (store_) {
    return {};
  }
  const std::string directory = io::join_path(settings_.directory, settings_.appenddirname);
  const Result<bool> made = io::make_directory(directory);
  if (!made) {
    return fail("Can't open or create append-only dir: " + made.error().message, made.error().code);
  }
  made_directory_ = *made;
  store_.emplace(directory, settings_.appendfilename);
  Result<io::LockFile> lock = io::LockFile::acquire(path(aof::lock_name(settings_.appendfilename)));
  if (!lock) {
    const Error error = lock.error();
    detach();
    return fail(error.code == EAGAIN
                    ? fmt::format("The append only file is in use by another server: {}. Give one "
                                  "of them another dir, appenddirname or appendfilename.",
                                  error.message)
                    : error.message,
                error.code);
  }
  lock_ = std::move(*lock);
  const Result<bool> loaded = store_->load(log_);
  if (!loaded) {
    const Error error = loaded.error();
    detach();
    return tl::unexpected(error);
  }
  has_manifest_ = *loaded;
  return {};
}

void AppendOnlyFile::detach() {
  if (!store_) {
    return;
  }
  lock_ = {};
  if (made_directory_) {
    static_cast<void>(io::remove_directory(store_->directory()));  // fails if it is not empty
  }
  store_.reset();
  has_manifest_ = false;
}

Status AppendOnlyFile::create(const keyspace::Keyspace& keyspace) {
  // First a manifest that names nothing: should this be interrupted, the next start knows that the
  // files it finds are only its leftovers.
  Status status = has_manifest_ ? remove_leftovers() : persist(aof::Manifest());
  has_manifest_ = true;
  const std::string temp = temp_base_name(::getpid());
  aof::Manifest next;
  if (status) {
    log_.notice("Creating AOF base file {} on server start", next_base().name);
    status = write_base_file(path(temp), keyspace, nullptr);
  }
  if (status) {
    const Result<aof::ManifestEntry> base = name_base(temp);
    if (base) {
      next.base = *base;
    } else {
      status = tl::unexpected(base.error());
    }
  }
  if (status) {
    status = open_increment(next, "on server start");
  }
  if (!status) {
    static_cast<void>(remove_leftovers());
    static_cast<void>(io::remove_file(path(aof::manifest_name(settings_.appendfilename))));
  }
  return status;
}

Status AppendOnlyFile::remove_leftovers() {
  const Result<std::vector<std::string>> names = io::list_directory(store_->directory());
  if (!names) {
    return tl::unexpected(names.error());
  }
  for (const std::string& name : *names) {
    if (aof::is_numbered_name(settings_.appendfilename, name)) {
      if (const Status removed = io::remove_file(path(name)); !removed) {
        return removed;
      }
    }
  }
  return {};
}

Status AppendOnlyFile::open(std::uint64_t valid_size) {
  if (manifest().increments.empty()) {
    if (manifest().base) {
      // An old single file may be torn; nothing is ever appended to it again.
      Result<io::File> base = io::File::open(path(manifest().base->name), io::OpenMode::kAppend);
      if (!base) {
        return tl::unexpected(base.error());
      }
      if (const Status cut = base->truncate(valid_size); !cut) {
        return cut;
      }
      if (const Status synced = base->sync(); !synced) {
        return synced;
      }
    }
    return open_increment(manifest(), "on server start");
  }
  const std::string& name = manifest().increments.back().name;
  log_.notice("Opening AOF incr file {} on server start", name);
  Result<std::unique_ptr<aof::IncrementWriter>> writer =
      aof::IncrementWriter::reopen(path(name), valid_size, writer_settings(), writer_context());
  if (!writer) {
    return tl::unexpected(writer.error());
  }
  // The manifest and the names may have been left undurable by a process that died.
  if (const Status synced = io::sync_directory(store_->directory()); !synced) {
    return synced;
  }
  opened(std::move(*writer));
  return {};
}

void AppendOnlyFile::opened(std::unique_ptr<aof::IncrementWriter> writer) {
  writer_ = std::move(writer);
  state_ = State::kOn;
  has_manifest_ = true;
  made_directory_ = false;  // it is in use now, and stays
  measure();
}

Status AppendOnlyFile::adopt_single_file(const std::string& single, std::uint64_t valid_size) {
  {
    Result<io::File> file = io::File::open(single, io::OpenMode::kAppend);
    if (!file) {
      return tl::unexpected(file.error());
    }
    if (const Status cut = file->truncate(valid_size); !cut) {
      return cut;
    }
    if (const Status synced = file->sync(); !synced) {
      return synced;
    }
  }
  // redis-server's order: a crash in between leaves a manifest that names a file which is still in the
  // directory above, and every start looks there.
  aof::Manifest next;
  next.base = aof::ManifestEntry{settings_.appendfilename, 1};
  if (!(has_manifest_ && manifest() == next)) {
    if (const Status persisted = persist(next); !persisted) {
      return persisted;
    }
    has_manifest_ = true;
  }
  if (const Status renamed = io::rename_file(single, path(settings_.appendfilename)); !renamed) {
    return renamed;
  }
  for (const std::string& directory : {store_->directory(), settings_.directory}) {
    if (const Status synced = io::sync_directory(directory); !synced) {
      return synced;
    }
  }
  log_.notice(
      "Successfully migrated an old-style AOF configuration ({}) into the AOF directory ({}).",
      settings_.appendfilename, settings_.appenddirname);
  return open_increment(manifest(), "on server start");
}

Status AppendOnlyFile::open_increment(aof::Manifest next, const char* occasion) {
  const aof::ManifestEntry entry = next_increment();
  log_.notice("Creating AOF incr file {} {}", entry.name, occasion);
  const std::string file = path(entry.name);
  Result<std::unique_ptr<aof::IncrementWriter>> writer =
      aof::IncrementWriter::create(file, writer_settings(), writer_context());
  Status status;
  if (!writer) {
    status = tl::unexpected(writer.error());
  }
  if (status) {
    status = io::sync_directory(store_->directory());
  }
  next.increments.push_back(entry);
  if (status) {
    status = persist(std::move(next));
  }
  if (!status) {
    static_cast<void>(io::remove_file(file));
    return status;
  }
  drop_writer();
  opened(std::move(*writer));
  return {};
}

// Success also when the new manifest is visible but perhaps not durable: then nothing is acknowledged
// that rests on it (flush(), error()) until a later attempt succeeds.
Status AppendOnlyFile::persist(aof::Manifest next) {
  const aof::Manifest before = manifest();
  const Status persisted = store_->persist(std::move(next));
  if (persisted) {
    names_error_ = 0;
    return {};
  }
  if (manifest() == before && names_error_ == 0) {
    return persisted;
  }
  names_error_ = persisted.error().code != 0 ? persisted.error().code : EIO;
  log_.warning("The AOF manifest may not survive a power loss: {}", persisted.error().message);
  return {};
}

void AppendOnlyFile::collect_garbage() {
  if (!store_ || manifest().history.empty() || settings_.aof_disable_auto_gc || names_error_ != 0 ||
      !fail_at("aof/rewrite/before-history-removal")) {
    return;
  }
  aof::Manifest next = manifest();
  std::erase_if(next.history, [this](const aof::ManifestEntry& entry) {
    log_.notice("Removing the history file {} in the background", entry.name);
    const Status removed = io::remove_file(path(entry.name));
    return removed || removed.error().code == ENOENT;
  });
  if (!fail_at("aof/rewrite/after-history-removal")) {
    return;
  }
  if (const Status persisted = persist(std::move(next)); !persisted) {
    log_.warning("Can't remove the history from the AOF manifest: {}", persisted.error().message);
  }
}

aof::ManifestEntry AppendOnlyFile::next_increment() const {
  aof::ManifestEntry entry;
  for (entry.seq = manifest().next_increment_seq();; ++entry.seq) {
    entry.name = aof::increment_name(settings_.appendfilename, entry.seq);
    if (!io::exists(path(entry.name))) {
      return entry;
    }
  }
}

aof::ManifestEntry AppendOnlyFile::next_base() const {
  aof::ManifestEntry entry;
  for (entry.seq = manifest().next_base_seq();; ++entry.seq) {
    entry.name =
        aof::base_name(settings_.appendfilename, entry.seq, settings_.aof_use_rdb_preamble);
    if (!io::exists(path(entry.name))) {
      return entry;
    }
  }
}

void AppendOnlyFile::measure() {
  closed_bytes_ = 0;
  for (const aof::ManifestEntry& entry : manifest().files()) {
    const bool written =
        writer_ && !manifest().increments.empty() && entry == manifest().increments.back();
    if (!written) {
      closed_bytes_ += io::file_size(path(entry.name)).value_or(0);
    }
  }
  base_size_bytes_ = manifest().base ? io::file_size(path(manifest().base->name)).value_or(0) : 0;
}

// --- logging ----------------------------------------------------------------------------------------

aof::WriterSettings AppendOnlyFile::writer_settings() const {
  aof::WriterSettings settings;
  // Nothing is acknowledged on the strength of a temporary increment: it is synced when it gets its
  // name.
  settings.policy = writes_to_temp_ ? aof::FsyncPolicy::kNo : settings_.appendfsync;
  settings.hold_syncs = settings_.no_appendfsync_on_rewrite && child_running_;
  settings.checksum = settings_.aof_checksum;
  settings.timestamps = settings_.aof_timestamp_enabled;
  return settings;
}

void AppendOnlyFile::append(std::span<const keyspace::Effect> step) {
  if (writer_) {
    writer_->append(step);
  }
}

Status AppendOnlyFile::flush() {
  if (names_error_ != 0 && settings_.appendfsync == aof::FsyncPolicy::kAlways) {
    log_.warning(
        "Can't persist the AOF manifest when the AOF fsync policy is 'always': {}. Exiting...",
        std::strerror(names_error_));
    return fail("the AOF manifest may not be durable", names_error_);
  }
  if (!writer_) {
    return {};
  }
  const Status flushed = writer_->flush();
  needs_rewrite_ = needs_rewrite_ || (state_ == State::kOn && writer_->sync_failed());
  return flushed;
}

void AppendOnlyFile::cron() {
  if (writer_) {
    writer_->record_synced();
    needs_rewrite_ = needs_rewrite_ || (state_ == State::kOn && writer_->sync_failed());
  }
  if (names_error_ != 0) {
    static_cast<void>(persist(manifest()));
  }
}

int AppendOnlyFile::error() const {
  if (state_ != State::kOn) {
    return 0;
  }
  if (names_error_ != 0) {
    return names_error_;
  }
  if (writer_ && writer_->error() != 0) {
    return writer_->error();
  }
  return needs_rewrite_ ? EIO : 0;
}

Status AppendOnlyFile::settings_changed(bool child_running) {
  child_running_ = child_running;
  return writer_ ? writer_->apply(writer_settings()) : Status();
}

Status AppendOnlyFile::enable() {
  if (const Status attached = attach(); !attached) {
    return attached;
  }
  state_ = State::kAwaitingRewrite;
  return {};
}

void AppendOnlyFile::disable() {
  static_cast<void>(seal());
  close();
}

Status AppendOnlyFile::seal() {
  if (!writer_ || state_ != State::kOn) {
    return {};
  }
  const Status sealed = writer_->seal();
  if (sealed) {
    writer_->record_synced();
  } else {
    log_.warning("Fail to fsync the AOF file: {}", std::strerror(sealed.error().code));
  }
  return sealed;
}

void AppendOnlyFile::close() {
  drop_writer();
  state_ = State::kOff;
  needs_rewrite_ = false;
  in_no_file_ = false;
  names_error_ = 0;
  detach();
}

void AppendOnlyFile::drop_writer() {
  if (writer_) {
    delayed_syncs_before_ += writer_->delayed_syncs();
    writer_.reset();
  }
  writes_to_temp_ = false;
}

void AppendOnlyFile::reset_stats() {
  delayed_syncs_before_ = 0;
  if (writer_) {
    writer_->reset_stats();
  }
}

void AppendOnlyFile::set_flush_delay_us(std::int64_t us) {
  flush_delay_us_ = us;
  if (writer_) {
    writer_->set_flush_delay_us(us);
  }
}

std::uint64_t AppendOnlyFile::size_bytes() const {
  return closed_bytes_ + (writer_ ? writer_->size() : 0);
}

std::uint64_t AppendOnlyFile::delayed_syncs() const {
  return delayed_syncs_before_ + (writer_ ? writer_->delayed_syncs() : 0);
}

// --- rewriting --------------------------------------------------------------------------------------

std::string AppendOnlyFile::temp_base_name(pid_t child) const {
  return fmt::format("temp-rewriteaof-bg-{}.aof", child);
}

Status AppendOnlyFile::begin_rewrite() {
  if (const Status attached = attach(); !attached) {
    return attached;
  }
  if (state_ == State::kOff) {
    rewrite_ = RewriteKind::kBaseOnly;
  } else if (state_ == State::kAwaitingRewrite || needs_rewrite_) {
    rewrite_ = RewriteKind::kFresh;
  } else if (const Status sealed = writer_->seal(); sealed) {
    rewrite_ = RewriteKind::kSwitch;
  } else if (writer_->sync_failed()) {
    needs_rewrite_ = true;
    rewrite_ = RewriteKind::kFresh;
  } else {
    return sealed;
  }
  return fail_at("aof/rewrite/before-fork");
}

Status AppendOnlyFile::forked() {
  if (const Status ok = fail_at("aof/rewrite/after-fork"); !ok) {
    return ok;
  }
  Status switched;
  if (rewrite_ == RewriteKind::kFresh) {
    switched = open_temp_increment();
  } else if (rewrite_ == RewriteKind::kSwitch && !(rewrite_failed_ && !writer_->has_steps())) {
    // After a failed rewrite the new increment may still be empty: it serves for this one too.
    switched = open_increment(manifest(), "on background rewrite");
  }
  return switched ? fail_at("aof/rewrite/after-switch") : switched;
}

Status AppendOnlyFile::open_temp_increment() {
  const std::string file = path(aof::temp_increment_name(settings_.appendfilename));
  if (io::exists(file)) {
    if (const Status removed = io::remove_file(file); !removed) {
      return removed;
    }
  }
  in_no_file_ = in_no_file_ || (state_ == State::kOn && writer_ && writer_->buffered_bytes() > 0);
  drop_writer();
  writes_to_temp_ = true;
  Result<std::unique_ptr<aof::IncrementWriter>> writer =
      aof::IncrementWriter::create(file, writer_settings(), writer_context());
  if (!writer) {
    return tl::unexpected(writer.error());
  }
  writer_ = std::move(*writer);
  return {};
}

Status AppendOnlyFile::write_base_file(const std::string& file_path,
                                       const keyspace::Keyspace& keyspace,
                                       ProgressReporter* progress) const {
  const std::uint64_t half = keyspace.size() / 2;
  const auto report = [&](std::uint64_t keys_written) {
    if (progress != nullptr) {
      progress->keys_written(keys_written);
      if (keys_written == half) {
        static_cast<void>(io::failpoint("aof/rewrite/child-half"));
      }
    }
  };
  if (settings_.aof_use_rdb_preamble) {
    rdb::SnapshotOptions options;
    options.compress = settings_.rdbcompression;
    options.checksum = settings_.rdbchecksum;
    options.write_back = settings_.aof_rewrite_incremental_fsync;
    options.aof_base = true;
    options.eviction_hint = settings_.eviction_hint;
    options.now_s = clock_.wall_ms() / 1000;
    options.key_delay_us = settings_.rdb_key_save_delay_us;
    options.progress = report;
    return write_snapshot_file(file_path, keyspace, options);
  }
  aof::BaseOptions options;
  options.checksum = settings_.aof_checksum;
  options.write_back = settings_.aof_rewrite_incremental_fsync;
  if (settings_.aof_timestamp_enabled) {
    options.timestamp_s = clock_.wall_ms() / 1000;
  }
  options.key_delay_us = settings_.rdb_key_save_delay_us;
  options.progress = report;
  Result<io::File> file = io::File::open(file_path, io::OpenMode::kCreate);
  Status status;
  if (!file) {
    return tl::unexpected(file.error());
  }
  status = aof::write_base(*file, keyspace, options);
  if (status) {
    status = fail_at("aof/rewrite/child-before-fsync");
  }
  if (status) {
    status = file->sync();
  }
  if (status) {
    status = file->close();
  }
  if (!status) {
    static_cast<void>(io::remove_file(file_path));
  }
  return status;
}

Status AppendOnlyFile::write_new_base(const keyspace::Keyspace& keyspace,
                                      ProgressReporter& progress) const {
  if (const Status ok = fail_at("aof/rewrite/child-start"); !ok) {
    return ok;
  }
  const Status written = write_base_file(path(temp_base_name(::getpid())), keyspace, &progress);
  return written ? fail_at("aof/rewrite/child-before-exit") : written;
}

Result<aof::ManifestEntry> AppendOnlyFile::name_base(const std::string& temp_name) {
  const aof::ManifestEntry base = next_base();
  Status status = fail_at("aof/rewrite/before-base-rename");
  if (status) {
    status = io::rename_file(path(temp_name), path(base.name));
  }
  if (!status) {
    static_cast<void>(io::remove_file(path(temp_name)));
    return tl::unexpected(status.error());
  }
  status = fail_at("aof/rewrite/after-base-rename");
  if (status) {
    status = io::sync_directory(store_->directory());
  }
  if (!status) {
    static_cast<void>(io::remove_file(path(base.name)));
    return tl::unexpected(status.error());
  }
  return base;
}

Status AppendOnlyFile::install_rewrite(pid_t child) {
  aof::Manifest next = manifest();
  if (rewrite_ == RewriteKind::kFresh) {
    if (const Status sealed = writer_->seal(); !sealed) {
      return sealed;
    }
  }
  const Result<aof::ManifestEntry> base = name_base(temp_base_name(child));
  if (!base) {
    return tl::unexpected(base.error());
  }
  log_.notice("Successfully renamed the temporary AOF base file {} into {}", temp_base_name(child),
              base->name);
  if (next.base) {
    next.history.push_back(*next.base);
  }
  next.base = *base;
  aof::ManifestEntry kept;
  Status status;
  if (rewrite_ == RewriteKind::kFresh) {
    kept = next_increment();
    status =
        io::rename_file(path(aof::temp_increment_name(settings_.appendfilename)), path(kept.name));
    if (status) {
      status = io::sync_directory(store_->directory());
    }
  } else if (rewrite_ == RewriteKind::kSwitch) {
    kept = next.increments.back();
    next.increments.pop_back();
  }
  next.history.insert(next.history.end(), next.increments.begin(), next.increments.end());
  next.increments.clear();
  if (rewrite_ != RewriteKind::kBaseOnly) {
    next.increments.push_back(kept);
  }
  if (status) {
    status = persist(std::move(next));
  }
  if (!status) {
    static_cast<void>(io::remove_file(path(base->name)));
    if (rewrite_ == RewriteKind::kFresh) {
      static_cast<void>(io::remove_file(path(kept.name)));
    }
    return status;
  }
  if (rewrite_ == RewriteKind::kFresh) {
    writer_->renamed(path(kept.name));
    writes_to_temp_ = false;
    state_ = State::kOn;
    needs_rewrite_ = false;
    in_no_file_ = false;
    return writer_->apply(writer_settings());
  }
  return {};
}

Status AppendOnlyFile::finish_rewrite(pid_t child) {
  if (const Status installed = install_rewrite(child); !installed) {
    log_.warning("Can't install the rewritten append only file: {}", installed.error().message);
    abandon_rewrite(child);
    return installed;
  }
  rewrite_ = RewriteKind::kNone;
  rewrite_failed_ = false;
  has_manifest_ = true;
  measure();
  base_size_bytes_ = size_bytes();
  collect_garbage();
  if (state_ == State::kOff) {
    detach();
  }
  return {};
}

void AppendOnlyFile::abandon_rewrite(std::optional<pid_t> child) {
  if (child) {
    static_cast<void>(io::remove_file(path(temp_base_name(*child))));
  }
  if (writes_to_temp_) {
    const std::string name = aof::temp_increment_name(settings_.appendfilename);
    log_.notice("Removing the temp incr aof file {} in the background", name);
    drop_writer();
    static_cast<void>(io::remove_file(path(name)));
  }
  rewrite_ = RewriteKind::kNone;
  rewrite_failed_ = true;
  if (state_ == State::kOff) {
    detach();
  }
}

}  // namespace engine::persistence
