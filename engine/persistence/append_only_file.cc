#include "engine/persistence/append_only_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "engine/base/text.h"
#include "engine/io/directory.h"
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
  if (Status cut = file->truncate(size); !cut) {
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

// --- opening -------------------------------------------------------------------------------------

Status AppendOnlyFile::create(const keyspace::Keyspace& keyspace) {
  Status status = directory_.has_manifest() ? directory_.remove_numbered_files() : Status();
  if (status) {
    status = create_base_and_increment(keyspace);
  }
  // While a file may be left, also after a power loss, so is the manifest that names nothing.
  if (!status && directory_.remove_numbered_files() && directory_.sync_names()) {
    static_cast<void>(
        io::remove_file(directory_.path(aof::manifest_name(settings_.appendfilename))));
  }
  return status;
}

Status AppendOnlyFile::create_base_and_increment(const keyspace::Keyspace& keyspace) {
  log_.notice("Creating AOF base file {} on server start", directory_.next_base().name);
  const std::string temp = temp_base_name(::getpid());
  if (Status written = write_base_file(directory_.path(temp), keyspace, settings_,
                                       clock_.wall_ms() / 1000, [](std::uint64_t) {});
      !written) {
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
    // The last file may be torn (a base, if it is an old single file); nothing is ever appended to
    // it again.
    const aof::ManifestEntry* const last = manifest.increments.empty()
                                               ? (manifest.base ? &*manifest.base : nullptr)
                                               : &manifest.increments.back();
    if (last != nullptr) {
      if (Status cut = cut_file(directory_.path(last->name), end.valid_size); !cut) {
        return cut;
      }
    }
    return open_increment(manifest, "on server start");
  }
  const std::string& name = manifest.increments.back().name;
  log_.notice("Opening AOF incr file {} on server start", name);
  Result<std::unique_ptr<aof::IncrementWriter>> writer = aof::IncrementWriter::reopen(
      directory_.path(name), end.valid_size, writer_settings(Target::kManifest), writer_context());
  if (!writer) {
    return tl::unexpected(writer.error());
  }
  // A process that died may have left the names undurable.
  if (Status synced = directory_.sync_names(); !synced) {
    return synced;
  }
  opened(std::move(*writer));
  return {};
}

Status AppendOnlyFile::adopt_single_file(const std::string& single, std::uint64_t valid_size) {
  if (Status cut = cut_file(single, valid_size); !cut) {
    return cut;
  }
  // redis-server's order: a crash in between leaves a manifest that names a file which is still in
  // the directory above, and every start looks there.
  aof::Manifest next;
  next.base = aof::ManifestEntry{settings_.appendfilename, 1};
  if (!directory_.has_manifest() || directory_.manifest() != next) {
    if (Status persisted = directory_.persist(next); !persisted) {
      return persisted;
    }
  }
  if (Status renamed = io::rename_file(single, directory_.path(settings_.appendfilename));
      !renamed) {
    return renamed;
  }
  if (Status synced = directory_.sync_names(); !synced) {
    return synced;
  }
  if (Status synced = io::sync_directory(settings_.directory); !synced) {
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
      aof::IncrementWriter::create(file, writer_settings(Target::kManifest), writer_context());
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
  use(std::move(writer), Target::kManifest);
  state_ = State::kOn;
  measure();
  check_state();
}

void AppendOnlyFile::use(std::unique_ptr<aof::IncrementWriter> writer, Target target) {
  writer_ = std::move(writer);
  target_ = target;
  writer_->set_flush_delay_us(flush_delay_us_);
}

void AppendOnlyFile::drop_writer() {
  if (writer_) {
    delayed_syncs_before_ += writer_->delayed_syncs();
    writer_.reset();
  }
  target_ = Target::kNone;
  increment_is_spare_ = false;
}

// The table in the header.
void AppendOnlyFile::check_state() const {
  ENGINE_CHECK((writer_ != nullptr) == (target_ != Target::kNone), target_);
  switch (state_) {
    case State::kOff:
      ENGINE_CHECK(target_ == Target::kNone, target_);
      break;
    case State::kAwaitingRewrite:
      ENGINE_CHECK(target_ != Target::kManifest, target_);
      break;
    case State::kOn:
      ENGINE_CHECK(target_ == Target::kManifest, target_);
      break;
    case State::kSyncFailed:
      break;
  }
  ENGINE_CHECK(state_ == State::kOff || directory_.attached(), state_);
  ENGINE_CHECK(!steps_in_no_file_ || state_ == State::kSyncFailed, state_);
  ENGINE_CHECK(!increment_is_spare_ || target_ == Target::kManifest, target_);
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

// --- logging -------------------------------------------------------------------------------------

aof::WriterSettings AppendOnlyFile::writer_settings(Target target) const {
  aof::WriterSettings settings;
  // No acknowledgement rests on a temporary increment: it is synced when it gets its name.
  settings.policy = target == Target::kTemporary ? aof::FsyncPolicy::kNo : settings_.appendfsync;
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
        error_text(error));
    return fail("the AOF manifest may not be durable", error);
  }
  if (!writer_) {
    return {};
  }
  const Status flushed = writer_->flush();
  note_failed_sync();
  return flushed;
}

void AppendOnlyFile::note_failed_sync() {
  if (state_ == State::kOn && writer_->sync_failed()) {
    state_ = State::kSyncFailed;
  }
  check_state();
}

void AppendOnlyFile::cron() {
  if (writer_) {
    writer_->record_synced();
    note_failed_sync();
  }
  if (directory_.uncertainty() != 0) {
    static_cast<void>(directory_.persist(directory_.manifest()));
  }
}

int AppendOnlyFile::error() const {
  if (!is_on()) {
    return 0;
  }
  if (directory_.uncertainty() != 0) {
    return directory_.uncertainty();
  }
  if (writer_ && writer_->error() != 0) {
    return writer_->error();
  }
  return state_ == State::kSyncFailed ? EIO : 0;
}

Status AppendOnlyFile::settings_changed(bool child_running) {
  child_running_ = child_running;
  return writer_ ? writer_->apply(writer_settings(target_)) : Status();
}

Status AppendOnlyFile::enable() {
  if (Status attached = directory_.attach(); !attached) {
    return attached;
  }
  ENGINE_CHECK(state_ == State::kOff, state_);
  state_ = State::kAwaitingRewrite;
  check_state();
  return {};
}

void AppendOnlyFile::disable() {
  static_cast<void>(seal());  // logged
  close();
}

Status AppendOnlyFile::seal() {
  if (!writer_ || !is_on() || io::failpoint("planted/skip-fsync-at-the-end") != 0) {
    return {};
  }
  Status sealed = writer_->seal();
  if (sealed) {
    writer_->record_synced();
  } else {
    log_.warning("Fail to fsync the AOF file: {}", error_text(sealed.error().code));
  }
  return sealed;
}

void AppendOnlyFile::close() {
  drop_writer();
  state_ = State::kOff;
  steps_in_no_file_ = false;
  directory_.detach();
  check_state();
}

// --- the steps of a rewrite ----------------------------------------------------------------------

Result<RewriteKind> AppendOnlyFile::prepare_rewrite() {
  if (const Status attached = directory_.attach(); !attached) {
    return tl::unexpected(attached.error());
  }
  if (state_ == State::kOff) {
    return RewriteKind::kBaseOnly;
  }
  if (needs_rewrite()) {
    return RewriteKind::kFresh;
  }
  const Status sealed = io::failpoint("planted/skip-sync-of-the-replaced-log") == 0
                            ? writer_->seal()
                            : writer_->flush();
  note_failed_sync();
  if (sealed) {
    return RewriteKind::kSwitch;
  }
  if (state_ == State::kSyncFailed) {
    return RewriteKind::kFresh;
  }
  return tl::unexpected(sealed.error());
}

Status AppendOnlyFile::switch_increment(RewriteKind kind) {
  switch (kind) {
    case RewriteKind::kBaseOnly:
      return {};
    case RewriteKind::kFresh:
      return open_temp_increment();
    case RewriteKind::kSwitch:
      break;
  }
  ENGINE_CHECK(state_ == State::kOn, state_);
  // Steps that the base will contain must not be in its increment as well: they would be replayed
  // twice.
  if (increment_is_spare_ && !writer_->has_steps()) {
    return {};
  }
  return open_increment(directory_.manifest(), "on background rewrite");
}

Status AppendOnlyFile::open_temp_increment() {
  ENGINE_CHECK(needs_rewrite() && target_ != Target::kTemporary, state_, target_);
  const std::string name = aof::temp_increment_name(settings_.appendfilename);
  const std::string file = directory_.path(name);
  if (io::exists(file)) {
    if (Status removed = io::remove_file(file); !removed) {
      return removed;
    }
  }
  steps_in_no_file_ = steps_in_no_file_ || (is_on() && writer_ && writer_->buffered_bytes() > 0);
  log_.notice("Creating AOF incr file {} on background rewrite", name);
  drop_writer();
  Result<std::unique_ptr<aof::IncrementWriter>> writer =
      aof::IncrementWriter::create(file, writer_settings(Target::kTemporary), writer_context());
  if (!writer) {
    static_cast<void>(io::remove_file(file));
    return tl::unexpected(writer.error());
  }
  use(std::move(*writer), Target::kTemporary);
  check_state();
  return {};
}

Status AppendOnlyFile::seal_temp_increment() {
  ENGINE_CHECK(target_ == Target::kTemporary, target_);
  return writer_->seal();
}

Status AppendOnlyFile::adopt_temp_increment(const aof::ManifestEntry& entry) {
  ENGINE_CHECK(target_ == Target::kTemporary, target_);
  const std::string path = directory_.path(entry.name);
  if (Status renamed = io::rename_file(writer_->path(), path); !renamed) {
    return renamed;
  }
  log_.notice("Successfully renamed the temporary AOF incr file {} into {}",
              aof::temp_increment_name(settings_.appendfilename), entry.name);
  writer_->renamed(path);
  const Status applied = writer_->apply(writer_settings(Target::kManifest));
  return applied ? directory_.sync_names() : applied;
}

void AppendOnlyFile::rewrite_installed(RewriteKind kind) {
  if (kind == RewriteKind::kFresh) {
    state_ = State::kOn;
    target_ = Target::kManifest;
    steps_in_no_file_ = false;
  }
  increment_is_spare_ = false;
  ENGINE_CHECK(state_ == State::kOff ||
               writer_->path() == directory_.path(directory_.manifest().increments.back().name));
  measure();
  base_size_bytes_ = size_bytes();
  directory_.remove_history();
  if (state_ == State::kOff) {
    directory_.detach();
  }
  check_state();
}

void AppendOnlyFile::abandon_rewrite(RewriteKind kind, bool switched) {
  if (target_ == Target::kTemporary) {
    log_.notice("Removing the temp incr aof file {} in the background",
                aof::temp_increment_name(settings_.appendfilename));
    const std::string path = writer_->path();
    drop_writer();
    static_cast<void>(io::remove_file(path));
  }
  if (kind == RewriteKind::kSwitch && switched) {
    increment_is_spare_ = true;
  }
  if (state_ == State::kOff) {
    directory_.detach();
  }
  check_state();
}

// --- figures -------------------------------------------------------------------------------------

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
