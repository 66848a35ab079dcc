#include "engine/persistence/persistence.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "engine/base/text.h"
#include "engine/io/directory.h"
#include "engine/persistence/snapshot_file.h"
#include "engine/persistence/temp_files.h"

namespace engine::persistence {
namespace {

constexpr std::string_view kSnapshotRefusal =
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to "
    "disk. Commands that may modify the data set are disabled, because this instance is configured "
    "to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error "
    "option). "
    "Please check the Redis logs for details about the RDB error.";

}  // namespace

Persistence::Persistence(Settings settings, keyspace::Keyspace& keyspace, aof::ReplayTarget& target,
                         const Clock& clock, Log& log, LatencyMonitor& latency, Callbacks callbacks)
    : settings_(std::move(settings)),
      keyspace_(keyspace),
      target_(target),
      clock_(clock),
      log_(log),
      callbacks_(std::move(callbacks)),
      aof_(settings_, clock, log, latency, events_.signal_fd()),
      rewrites_(settings_, aof_, keyspace, clock, log),
      snapshots_(settings_, keyspace, clock, log),
      children_(events_, clock, log, latency, callbacks_.in_child) {}

Persistence::~Persistence() {
  if (children_.running()) {
    end_child();
  }
}

// --- loading -------------------------------------------------------------------------------------

template <typename Load>
auto Persistence::load(Load&& work) {
  ENGINE_CHECK(!loading_);
  loading_ = true;
  loading_began_s_ = clock_.wall_ms() / 1000;
  Recovery recovery(
      settings_, keyspace_, target_, clock_, log_, progress_,
      [this] { callbacks_.while_loading(); }, verify_checksums_);
  auto result = work(recovery);
  loading_ = false;
  return result;
}

// Logs why a start is refused: the last line of the log.
Status Persistence::refuse(const Status& status) {
  log_.warning("{}", status.error().message);
  return status;
}

Status Persistence::recover() {
  remember_temp_path();
  if (Status owned = own_snapshot(); !owned) {
    return refuse(owned);
  }
  const Status recovered = load([this](Recovery& recovery) -> Status {
    if (settings_.appendonly) {
      return recovery.recover_append_only_file(aof_);
    }
    const Result<bool> loaded = recovery.recover_snapshot_file();
    return loaded ? Status() : Status(tl::unexpected(loaded.error()));
  });
  if (!recovered) {
    aof_.close();
    return refuse(recovered);
  }
  snapshots_.reset_changes();
  remove_stale_temp_files(settings_.directory, log_);
  if (settings_.appendonly) {
    aof_.directory().remove_stale_temp_files();
    aof_.directory().remove_history();
  }
  return {};
}

// Before it is read, where it is all that the data is kept in. Whoever saves nothing by itself may share
// a directory with another server, and owns the snapshot when it first saves one.
Status Persistence::own_snapshot() {
  if (settings_.save.empty()) {
    return {};
  }
  const Status owned = snapshots_.own();
  // A directory that cannot be written to can be read.
  return owned || owned.error().code != EAGAIN ? Status() : owned;
}

Result<bool> Persistence::debug_load_aof() {
  if (aof_.is_on()) {
    if (Status flushed = aof_.flush(); !flushed) {
      return tl::unexpected(flushed.error());
    }
  }
  // While the log is off: what its directory was left with.
  aof::ManifestStore left(io::join_path(settings_.directory, settings_.appenddirname),
                          settings_.appendfilename);
  const bool is_off = aof_.state() == AppendOnlyFile::State::kOff;
  const Result<bool> has_manifest = is_off ? left.load(settings_.aof_checksum, log_) : true;
  const Result<AofPlan> plan =
      has_manifest ? plan_aof(settings_, is_off ? left : aof_.directory().store(), *has_manifest)
                   : tl::unexpected(has_manifest.error());
  if (!plan) {
    return tl::unexpected(refuse(tl::unexpected(plan.error())).error());
  }
  if (plan->source == AofPlan::Source::kNothing) {
    return false;
  }
  keyspace_.clear();
  const Status loaded = load([&plan](Recovery& recovery) -> Status {
    const Result<AofEnd> end = recovery.load(plan->parts);
    return end ? Status() : Status(tl::unexpected(end.error()));
  });
  if (!loaded) {
    return tl::unexpected(refuse(loaded).error());
  }
  if (aof_.is_on()) {
    aof_.directory().remove_history();
  }
  snapshots_.reset_changes();
  return true;
}

Status Persistence::debug_reload(const ReloadOptions& options) {
  if (options.save && !snapshots_.save()) {
    return fail("ERR");
  }
  if (options.flush) {
    keyspace_.clear();
  }
  const Result<bool> loaded =
      load([&](Recovery& recovery) { return recovery.load_snapshot_file(options.merge); });
  if (!loaded) {
    log_.warning("{}", loaded.error().message);
  }
  return loaded && *loaded ? Status() : fail("ERR Error trying to load the RDB dump");
}

// --- the log -------------------------------------------------------------------------------------

void Persistence::log_step(std::span<const keyspace::Effect> step, std::uint64_t changes) {
  ENGINE_CHECK(!step.empty());
  snapshots_.add_changes(changes);
  aof_.append(step);
}

std::string_view Persistence::write_refusal() const {
  if (snapshots_.refuses_writes()) {
    return kSnapshotRefusal;
  }
  const int error = aof_.error();
  if (error == 0) {
    return {};
  }
  refusal_ = fmt::format("MISCONF Errors writing to the AOF file: {}", error_text(error));
  return refusal_;
}

// --- children ------------------------------------------------------------------------------------

Status Persistence::start_snapshot() {
  ENGINE_CHECK(!children_.running());
  if (Status begun = snapshots_.begin(); !begun) {
    return begun;
  }
  const Status started = children_.start(
      ChildPurpose::kSnapshot, keyspace_.size(),
      [this](ProgressReporter& progress) { return snapshots_.write_in_child(progress); });
  if (!started) {
    snapshots_.fork_failed(started.error());
    return started;
  }
  snapshots_.forked(children_.pid());
  static_cast<void>(aof_.settings_changed(true));  // an error stays with the log: its error()
  return {};
}

void Persistence::check_child() {
  if (const std::optional<EndedChild> ended = children_.poll()) {
    child_ended(*ended);
  }
}

void Persistence::end_child() {
  child_ended(children_.end());
}

void Persistence::end_rewrite() {
  log_.notice("Killing running AOF rewrite child: {}", children_.pid());
  end_child();
}

void Persistence::child_ended(const EndedChild& child) {
  static_cast<void>(aof_.settings_changed(false));
  if (child.purpose == ChildPurpose::kSnapshot) {
    snapshots_.child_ended(child);
  } else {
    rewrites_.child_ended(child);
  }
}

// redis-server's order: a rewrite that is wanted, then the save rules, then a rewrite for growth,
// then a scheduled snapshot. One child at a time.
void Persistence::start_what_is_due() {
  if (!children_.running() && rewrites_.is_due()) {
    static_cast<void>(rewrites_.start(children_));
  }
  if (!children_.running()) {
    if (const std::optional<SaveRule> rule = snapshots_.due_rule()) {
      log_.notice("{} changes in {} seconds. Saving...", rule->changes, rule->seconds);
      static_cast<void>(start_snapshot());
    }
  }
  if (!children_.running() && rewrites_.growth_is_due()) {
    static_cast<void>(rewrites_.start(children_));
  }
  if (!children_.running() && snapshots_.scheduled_is_due()) {
    static_cast<void>(start_snapshot());
  }
}

Status Persistence::cron() {
  check_child();
  aof_.cron();
  start_what_is_due();
  return aof_.flush();
}

Status Persistence::on_event() {
  events_.drain();
  check_child();
  return aof_.flush();
}

// --- commands ------------------------------------------------------------------------------------

Result<std::string> Persistence::save() {
  if (children_.running(ChildPurpose::kSnapshot)) {
    return fail("ERR Background save already in progress");
  }
  if (const Status saved = snapshots_.save(); !saved) {
    return fail("ERR " + saved.error().message, saved.error().code);
  }
  return std::string("OK");
}

Result<std::string> Persistence::bgsave(bool schedule) {
  if (children_.running(ChildPurpose::kSnapshot)) {
    return fail("ERR Background save already in progress");
  }
  if (schedule) {
    snapshots_.schedule();
    return std::string("Background saving scheduled");
  }
  if (children_.running()) {
    return fail(
        "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE "
        "in "
        "order to schedule a BGSAVE whenever possible.");
  }
  if (const Status started = start_snapshot(); !started) {
    return fail("ERR " + started.error().message, started.error().code);
  }
  return std::string("Background saving started");
}

Result<std::string> Persistence::bgrewriteaof(bool schedule) {
  if (children_.running(ChildPurpose::kRewrite)) {
    return fail("ERR Background append only file rewriting already in progress");
  }
  if (schedule || children_.running()) {
    rewrites_.schedule();
    return std::string("Background append only file rewriting scheduled");
  }
  if (!rewrites_.start(children_)) {
    return fail(
        "ERR Can't execute an AOF background rewriting. Please check the server logs for more "
        "information.");
  }
  return std::string("Background append only file rewriting started");
}

void Persistence::after_flushall() {
  if (children_.running(ChildPurpose::kSnapshot)) {
    end_child();
  }
  if (!settings_.save.empty()) {
    static_cast<void>(snapshots_.save());  // it logs its errors
  }
}

// --- the end -------------------------------------------------------------------------------------

Status Persistence::prepare_shutdown(const ShutdownOptions& options) {
  if (children_.running(ChildPurpose::kSnapshot)) {
    log_.warning("There is a child saving an .rdb. Killing it!");
    end_child();
  }
  if (Status sealed = seal_for_shutdown(options.force); !sealed) {
    return sealed;
  }
  if (Status saved = save_for_shutdown(options); !saved) {
    return saved;
  }
  aof_.close();
  return {};
}

Status Persistence::seal_for_shutdown(bool force) {
  if (aof_.state() == AppendOnlyFile::State::kAwaitingRewrite) {
    if (!force) {
      log_.warning("Writing initial AOF, can't exit.");
      return fail("ERR Errors trying to SHUTDOWN. Check logs.");
    }
    log_.warning("Writing initial AOF. Exit anyway.");
  }
  if (children_.running()) {
    log_.warning("There is a child rewriting the AOF. Killing it!");
    end_rewrite();
  }
  if (aof_.state() != AppendOnlyFile::State::kOff) {
    log_.notice("Calling fsync() on the AOF file.");
    // The exit status 0 says that everything is durable.
    if (!aof_.seal() && !force) {
      return fail("ERR Errors trying to SHUTDOWN. Check logs.");
    }
  }
  return {};
}

Status Persistence::save_for_shutdown(const ShutdownOptions& options) {
  using Save = ShutdownOptions::Save;
  if (options.save == Save::kNo || (options.save == Save::kByRules && settings_.save.empty())) {
    return {};
  }
  log_.notice("Saving the final RDB snapshot before exiting.");
  if (snapshots_.save()) {
    return {};
  }
  if (!options.force) {
    log_.warning("Error trying to save the DB, can't exit.");
    return fail("ERR Errors trying to SHUTDOWN. Check logs.");
  }
  log_.warning("Error trying to save the DB, but shutdown is forced.");
  return {};
}

void Persistence::remember_temp_path() {
  const std::string path = io::join_path(settings_.directory, temp_snapshot_name(::getpid()));
  temp_path_[0] = '\0';
  if (path.size() < temp_path_.size()) {
    path.copy(temp_path_.data(), path.size());
    temp_path_[path.size()] = '\0';
  }
}

void Persistence::remove_temp_files_now() noexcept {
  if (temp_path_[0] != '\0') {
    ::unlink(temp_path_.data());
  }
}

// --- settings and figures ------------------------------------------------------------------------

// settings_.appendonly has changed. Enabling needs a rewrite, which is started now or as soon as
// possible; one that is running already serves the log as it was, so it is ended.
Status Persistence::change_appendonly(bool in_transaction) {
  if (!settings_.appendonly) {
    if (children_.running(ChildPurpose::kRewrite)) {
      end_rewrite();
    }
    rewrites_.unschedule();
    aof_.disable();
    return {};
  }
  if (children_.running(ChildPurpose::kRewrite)) {
    log_.notice(
        "AOF was enabled but there is already an AOF rewriting in background. Stopping background "
        "AOF and starting a rewrite now.");
    end_rewrite();
  }
  if (Status enabled = aof_.enable(); !enabled) {
    return enabled;
  }
  if (in_transaction) {
    log_.notice(
        "AOF was enabled during a transaction. An AOF background was scheduled to start when "
        "possible.");
    return {};
  }
  if (children_.running()) {
    log_.notice(
        "AOF was enabled but there is already another background operation. An AOF background was "
        "scheduled to start when possible.");
    return {};
  }
  const Status started = rewrites_.start(children_);
  if (!started) {
    log_.warning(
        "Redis needs to enable the AOF but can't trigger a background AOF rewrite operation. Check "
        "the above logs for more info about the error.");
    aof_.disable();
  }
  return started;
}

Status Persistence::apply(Settings wanted, bool in_transaction) {
  Settings before = std::exchange(settings_, std::move(wanted));
  Status applied;
  if (settings_.appendonly != before.appendonly) {
    applied = change_appendonly(in_transaction);
  }
  if (applied) {
    applied = aof_.settings_changed(children_.running());
  }
  if (!applied) {
    if (settings_.appendonly && !before.appendonly) {
      if (children_.running(ChildPurpose::kRewrite)) {
        end_rewrite();
      }
      aof_.disable();
    }
    settings_ = std::move(before);
    static_cast<void>(aof_.settings_changed(children_.running()));
    return applied;
  }
  remember_temp_path();
  aof_.directory().remove_history();
  return {};
}

Info Persistence::info() const {
  Info info;
  info.loading = loading_;
  info.loading_start_time_s = loading_began_s_;
  info.loading_total_bytes = static_cast<std::int64_t>(progress_.total_bytes);
  info.loading_loaded_bytes = static_cast<std::int64_t>(progress_.loaded_bytes);
  info.loading_rdb_used_memory_bytes = static_cast<std::int64_t>(progress_.rdb_used_memory_bytes);
  info.rdb_last_load_keys_loaded = progress_.keys_loaded;
  info.rdb_last_load_keys_expired = progress_.keys_expired;
  children_.fill(info);
  snapshots_.fill(info, children_.running(ChildPurpose::kSnapshot));
  rewrites_.fill(info);
  info.aof_enabled = aof_.state() != AppendOnlyFile::State::kOff;
  info.aof_last_write_ok = aof_.error() == 0;
  info.aof_current_size_bytes = static_cast<std::int64_t>(aof_.size_bytes());
  info.aof_base_size_bytes = static_cast<std::int64_t>(aof_.base_size_bytes());
  info.aof_buffer_length_bytes = static_cast<std::int64_t>(aof_.buffered_bytes());
  info.aof_pending_bio_fsync = aof_.sync_pending() ? 1 : 0;
  info.aof_delayed_fsync = static_cast<std::int64_t>(aof_.delayed_syncs());
  return info;
}

void Persistence::reset_stats() {
  snapshots_.reset_stats();
  rewrites_.reset_stats();
  children_.reset_stats();
  aof_.reset_stats();
}

}  // namespace engine::persistence
