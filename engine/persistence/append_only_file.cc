#include "engine/persistence/append_only_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/io/directory.h"
#include "engine/io/failpoint.h"
#include "engine/io/file.h"
#include "engine/persistence/base_file.h"

namespace engine::persistence {
namespace {

// Cuts a file to `size`, durably.
Status cut_file(const std::string& path, std::uint64_t size) {
  Result<io::File> file = io::File::open(path, io::OpenMode::kAppend);
  if (!file) {
    return tl::unexpected(file.error());
  }
  if (const Status cut = file->truncate(size); !cut) {
    return cut;
  }
  return file->sync();
}

}  // namespace

AppendOnlyFile::AppendOnlyFile(const Settings& settings, const Clock& clock, Log& log,
                               LatencyMonitor& latency, int event_fd)
    : settings_(settings),
      clock_(clock),
      log_(log),
      latency_(latency),
      event_fd_(event_fd),
      directory_(settings, log) {}

// --- opening ----------------------------------------------------------------------------------------

Status AppendOnlyFile::create(const keyspace::Keyspace& keyspace) {
  // First a manifest that names nothing: should this be interrupted, the next start knows that the
  // files it finds are only its leftovers.
  Status status = directory_.has_manifest() ? directory_.remove_numbered_files()
                                            : directory_.persist(aof::Manifest());
  if (status) {
    status = create_base_and_increment(keyspace);
  }
  if (!status) {
    static_cast<void>(directory_.remove_numbered_files());
    static_cast<void>(
        io::remove_file(directory_.path(aof::manifest_name(settings_.appendfilename))));
  }
  return status;
}

Status AppendOnlyFile::create_base_and_increment(const keyspace::Keyspace& keyspace) {
  log_.notice("Creating AOF base file {} on server start", directory_.next_base().name);
  const std::string temp = temp_base_name(::getpid());
  if (const Status written = write_base_file(directory_.path(temp), keyspace, nullptr); !written) {
    return written;
  }
  const Result<aof::ManifestEntry> base = directory_.name_base(temp);
  if (!base) {
    return tl::unexpected(base.error());
  }
  aof::Manifest next;
  next.base = *base;
  return open_increment(std::move(next), "on server start");
}

Status AppendOnlyFile::open(const AofEnd& end) {
  const aof::Manifest& manifest = directory_.manifest();
  const bool appends = !manifest.increments.empty() && (end.checked || !settings_.aof_checksum);
  if (!appends) {
    // The last file may be torn (a base, if it is an old single file); nothing is ever appended to it
    // again.
    const aof::ManifestEntry* const last = manifest.increments.empty()
                                               ? (manifest.base ? &*manifest.base : nullptr)
                                               : &manifest.increments.back();
    if (last != nullptr) {
      if (const Status cut = cut_file(directory_.path(last->name), end.valid_size); !cut) {
        return cut;
      }
    }
    return open_increment(manifest, "on server start");
  }
  const std::string& name = manifest.increments.back().name;
  log_.notice("Opening AOF incr file {} on server start", name);
  Result<std::unique_ptr<aof::IncrementWriter>> writer = aof::IncrementWriter::reopen(
      directory_.path(name), end.valid_size, writer_settings(), writer_context());
  if (!writer) {
    return tl::unexpected(writer.error());
  }
  // A process that died may have left the names undurable.
  if (const Status synced = directory_.sync_names(); !synced) {
    return synced;
  }
  opened(std::move(*writer));
  return {};
}

Status AppendOnlyFile::adopt_single_file(const std::string& single, std::uint64_t valid_size) {
  if (const Status cut = cut_file(single, valid_size); !cut) {
    return cut;
  }
  // redis-server's order: a crash in between leaves a manifest that names a file which is still in
  // the directory above, and every start looks there.
  aof::Manifest next;
  next.base = aof::ManifestEntry{settings_.appendfilename, 1};
  if (!directory_.has_manifest() || directory_.manifest() != next) {
    if (const Status persisted = directory_.persist(next); !persisted) {
      return persisted;
    }
  }
  if (const Status renamed = io::rename_file(single, directory_.path(settings_.appendfilename));
      !renamed) {
    return renamed;
  }
  if (const Status synced = directory_.sync_names(); !synced) {
    return synced;
  }
  if (const Status synced = io::sync_directory(settings_.directory); !synced) {
    return synced;
  }
  log_.notice(
      "Successfully migrated an old-style AOF configuration ({}) into the AOF directory ({}).",
      settings_.appendfilename, settings_.appenddirname);
  return open_increment(directory_.manifest(), "on server start");
}

Status AppendOnlyFile::open_increment(aof::Manifest next, const char* occasion) {
  const aof::ManifestEntry entry = directory_.next_increment();
  log_.notice("Creating AOF incr file {} {}", entry.name, occasion);
  const std::string file = directory_.path(entry.name);
  Result<std::unique_ptr<aof::IncrementWriter>> writer =
      aof::IncrementWriter::create(file, writer_settings(), writer_context());
  Status status = writer ? directory_.sync_names() : Status(tl::unexpected(writer.error()));
  if (status) {
    next.increments.push_back(entry);
    status = directory_.persist(std::move(next));
  }
  if (!status) {
    static_cast<void>(io::remove_file(file));
    return status;
  }
  drop_writer();
  opened(std::move(*writer));
  return {};
}

void AppendOnlyFile::opened(std::unique_ptr<aof::IncrementWriter> writer) {
  writer_ = std::move(writer);
  writer_->set_flush_delay_us(flush_delay_us_);
  state_ = State::kOn;
  measure();
}

void AppendOnlyFile::measure() {
  const aof::Manifest& manifest = directory_.manifest();
  closed_bytes_ = 0;
  for (const aof::ManifestEntry& entry : manifest.files()) {
    const bool written =
        writer_ && !manifest.increments.empty() && entry == manifest.increments.back();
    if (!written) {
      closed_bytes_ += io::file_size(directory_.path(entry.name)).value_or(0);
    }
  }
  base_size_bytes_ =
      manifest.base ? io::file_size(directory_.path(manifest.base->name)).value_or(0) : 0;
}

// --- logging ----------------------------------------------------------------------------------------

aof::WriterSettings AppendOnlyFile::writer_settings() const {
  aof::WriterSettings settings;
  // Nothing is acknowledged on the strength of a temporary increment: it is synced when it gets its
  // name.
  settings.policy = writes_to_temp_ ? aof::FsyncPolicy::kNo : settings_.appendfsync;
  settings.child_running = child_running_;
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
  if (directory_.uncertainty() != 0 && settings_.appendfsync == aof::FsyncPolicy::kAlways) {
    const int error = directory_.uncertainty();
    log_.warning(
        "Can't persist the AOF manifest when the AOF fsync policy is 'always': {}. Exiting...",
        std::strerror(error));
    return fail("the AOF manifest may not be durable", error);
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
  if (directory_.uncertainty() != 0) {
    static_cast<void>(directory_.persist(directory_.manifest()));
  }
}

int AppendOnlyFile::error() const {
  if (state_ != State::kOn) {
    return 0;
  }
  if (directory_.uncertainty() != 0) {
    return directory_.uncertainty();
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
  if (const Status attached = directory_.attach(); !attached) {
    return attached;
  }
  state_ = State::kAwaitingRewrite;
  return {};
}

void AppendOnlyFile::disable() {
  seal();
  close();
}

void AppendOnlyFile::seal() {
  if (!writer_ || state_ != State::kOn) {
    return;
  }
  if (const Status sealed = writer_->seal(); sealed) {
    writer_->record_synced();
  } else {
    log_.warning("Fail to fsync the AOF file: {}", std::strerror(sealed.error().code));
  }
}

void AppendOnlyFile::close() {
  drop_writer();
  state_ = State::kOff;
  needs_rewrite_ = false;
  in_no_file_ = false;
  directory_.detach();
}

void AppendOnlyFile::drop_writer() {
  if (writer_) {
    delayed_syncs_before_ += writer_->delayed_syncs();
    writer_.reset();
  }
  writes_to_temp_ = false;
}

// --- rewriting --------------------------------------------------------------------------------------

std::string AppendOnlyFile::temp_base_name(pid_t child) const {
  return fmt::format("temp-rewriteaof-bg-{}.aof", child);
}

std::string AppendOnlyFile::temp_increment_path() const {
  return directory_.path(aof::temp_increment_name(settings_.appendfilename));
}

Status AppendOnlyFile::begin_rewrite() {
  if (const Status attached = directory_.attach(); !attached) {
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
  return io::fail_at("aof/rewrite/before-fork");
}

Status AppendOnlyFile::forked() {
  if (const Status ok = io::fail_at("aof/rewrite/after-fork"); !ok) {
    return ok;
  }
  Status switched;
  if (rewrite_ == RewriteKind::kFresh) {
    switched = open_temp_increment();
  } else if (rewrite_ == RewriteKind::kSwitch && (!rewrite_failed_ || writer_->has_steps())) {
    // (After a failed rewrite the new increment may still be empty: it serves for this one too.)
    switched = open_increment(directory_.manifest(), "on background rewrite");
  }
  return switched ? io::fail_at("aof/rewrite/after-switch") : switched;
}

Status AppendOnlyFile::open_temp_increment() {
  const std::string file = temp_increment_path();
  if (io::exists(file)) {
    if (const Status removed = io::remove_file(file); !removed) {
      return removed;
    }
  }
  in_no_file_ = in_no_file_ || (state_ == State::kOn && writer_ && writer_->buffered_bytes() > 0);
  log_.notice("Creating AOF incr file {} on background rewrite",
              aof::temp_increment_name(settings_.appendfilename));
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
  return persistence::write_base_file(file_path, keyspace, settings_, clock_.wall_ms() / 1000,
                                      report);
}

Status AppendOnlyFile::write_new_base(const keyspace::Keyspace& keyspace,
                                      ProgressReporter& progress) const {
  if (const Status ok = io::fail_at("aof/rewrite/child-start"); !ok) {
    return ok;
  }
  const std::string temp = temp_base_name(::getpid());
  if (const Status written = write_base_file(directory_.path(temp), keyspace, &progress);
      !written) {
    return written;
  }
  log_.notice("Successfully created the temporary AOF base file {}", temp);
  return io::fail_at("aof/rewrite/child-before-exit");
}

// The temporary increment becomes one that a manifest may list, written as the policy says.
Status AppendOnlyFile::adopt_temp_increment(const aof::ManifestEntry& entry) {
  if (const Status renamed = io::rename_file(temp_increment_path(), directory_.path(entry.name));
      !renamed) {
    return renamed;
  }
  log_.notice("Successfully renamed the temporary AOF incr file {} into {}",
              aof::temp_increment_name(settings_.appendfilename), entry.name);
  writer_->renamed(directory_.path(entry.name));
  writes_to_temp_ = false;
  const Status applied = writer_->apply(writer_settings());
  return applied ? directory_.sync_names() : applied;
}

Status AppendOnlyFile::install_rewrite(pid_t child) {
  const bool fresh = rewrite_ == RewriteKind::kFresh;
  if (fresh) {
    if (const Status sealed = writer_->seal(); !sealed) {
      return sealed;
    }
  }
  const Result<aof::ManifestEntry> base = directory_.name_base(temp_base_name(child));
  if (!base) {
    return tl::unexpected(base.error());
  }
  log_.notice("Successfully renamed the temporary AOF base file {} into {}", temp_base_name(child),
              base->name);

  // The new base and what has been logged since the fork; everything else becomes history, in
  // redis-server's order: what was logged, its base, what had been history before.
  const aof::Manifest& now = directory_.manifest();
  aof::Manifest next;
  next.base = *base;
  next.history = now.increments;
  Status status;
  if (fresh) {
    next.increments.push_back(directory_.next_increment());
    status = adopt_temp_increment(next.increments.back());
  } else if (rewrite_ == RewriteKind::kSwitch) {
    next.increments.push_back(next.history.back());
    next.history.pop_back();
  }
  if (now.base) {
    next.history.push_back(*now.base);
  }
  next.history.insert(next.history.end(), now.history.begin(), now.history.end());
  const aof::ManifestEntry kept =
      next.increments.empty() ? aof::ManifestEntry() : next.increments.back();
  if (status) {
    status = directory_.persist(std::move(next));
  }
  if (!status) {
    static_cast<void>(io::remove_file(directory_.path(base->name)));
    if (fresh) {
      static_cast<void>(io::remove_file(directory_.path(kept.name)));
      writes_to_temp_ = true;  // for abandon_rewrite()
    }
    return status;
  }
  if (fresh) {
    state_ = State::kOn;
    needs_rewrite_ = false;
    in_no_file_ = false;
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
  measure();
  base_size_bytes_ = size_bytes();
  directory_.remove_history();
  if (state_ == State::kOff) {
    directory_.detach();
  }
  return {};
}

void AppendOnlyFile::abandon_rewrite(std::optional<pid_t> child) {
  if (child) {
    static_cast<void>(io::remove_file(directory_.path(temp_base_name(*child))));
  }
  if (writes_to_temp_) {
    log_.notice("Removing the temp incr aof file {} in the background",
                aof::temp_increment_name(settings_.appendfilename));
    drop_writer();
    static_cast<void>(io::remove_file(temp_increment_path()));
  }
  rewrite_ = RewriteKind::kNone;
  rewrite_failed_ = true;
  if (state_ == State::kOff) {
    directory_.detach();
  }
}

// --- figures ----------------------------------------------------------------------------------------

std::uint64_t AppendOnlyFile::size_bytes() const {
  return closed_bytes_ + (writer_ ? writer_->size() : 0);
}

std::uint64_t AppendOnlyFile::delayed_syncs() const {
  return delayed_syncs_before_ + (writer_ ? writer_->delayed_syncs() : 0);
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

}  // namespace engine::persistence
