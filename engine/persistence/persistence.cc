#include "engine/persistence/persistence.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "engine/aof/manifest.h"
#include "engine/io/directory.h"
#include "engine/io/failpoint.h"
#include "engine/persistence/append_only_file.h"
#include "engine/persistence/child_process.h"
#include "engine/persistence/event_set.h"
#include "engine/persistence/recovery.h"
#include "engine/persistence/rewrite_limit.h"
#include "engine/persistence/snapshot_file.h"
#include "engine/persistence/snapshots.h"
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

class Persistence::Impl {
 public:
  Impl(Settings settings, keyspace::Keyspace& keyspace, aof::ReplayTarget& target,
       const Clock& clock, Log& log, Callbacks callbacks)
      : settings_(std::move(settings)),
        keyspace_(keyspace),
        target_(target),
        clock_(clock),
        log_(log),
        callbacks_(std::move(callbacks)),
        aof_(settings_, clock, log, events_.signal_fd()),
        snapshots_(settings_, keyspace, clock, log) {}

  ~Impl() {
    if (child_) {
      end_child();
    }
  }

  Status recover();
  Status before_sleep();
  Status cron();
  Status on_event();

  Result<std::string> save();
  Result<std::string> bgsave(bool schedule);
  Result<std::string> bgrewriteaof(bool schedule);
  void after_flushall();
  Status prepare_shutdown(const ShutdownOptions& options);
  Status debug_load_aof();
  Status debug_reload(const ReloadOptions& options);
  Status apply(Settings wanted, bool in_transaction);
  std::string_view write_gate() const;
  Info info() const;
  void reset_stats();
  void remember_temp_path();

  enum class ChildKind { kSnapshot, kRewrite };

  bool child_is(ChildKind kind) const { return child_ && child_kind_ == kind; }
  std::int64_t now_us() const { return clock_.monotonic_us(); }
  template <typename Load>
  auto loading(Load&& load);
  Recovery recovery();
  Status refuse(const Status& status);

  Status start_child(ChildKind kind, const std::function<Status(ProgressReporter&)>& work);
  Status start_snapshot();
  Status start_rewrite();
  void check_child();
  void child_ended(const ChildProcess::Exit& exit);
  void end_child();
  void start_what_is_due();
  bool rewrite_has_grown_due();
  Status change_appendonly(bool in_transaction);

  Settings settings_;
  keyspace::Keyspace& keyspace_;
  aof::ReplayTarget& target_;
  const Clock& clock_;
  Log& log_;
  Callbacks callbacks_;
  EventSet events_;
  AppendOnlyFile aof_;
  Snapshots snapshots_;

  std::optional<ChildProcess> child_;
  ChildKind child_kind_ = ChildKind::kSnapshot;
  std::uint64_t child_keys_total_ = 0;
  std::uint64_t copied_peak_bytes_ = 0;
  std::int64_t copied_reported_us_ = 0;
  bool snapshot_scheduled_ = false;
  bool rewrite_scheduled_ = false;
  RewriteLimit rewrite_limit_;
  std::int64_t rewrite_began_us_ = 0;
  std::int64_t last_rewrite_duration_s_ = -1;
  bool last_rewrite_ok_ = true;
  std::int64_t rewrites_ = 0;
  std::uint64_t last_rewrite_copied_bytes_ = 0;
  std::int64_t total_forks_ = 0;
  std::int64_t latest_fork_us_ = 0;

  bool loading_ = false;
  std::int64_t loading_began_s_ = 0;
  LoadingProgress progress_;
  bool verify_checksums_ = true;
  mutable std::string gate_;
  char temp_path_[4096] = "";  // of a snapshot that this process writes itself
};

// --- loading ----------------------------------------------------------------------------------------

Recovery Persistence::Impl::recovery() {
  return Recovery(
      settings_, keyspace_, target_, clock_, log_, progress_,
      [this] { callbacks_.while_loading(); }, verify_checksums_);
}

template <typename Load>
auto Persistence::Impl::loading(Load&& load) {
  loading_ = true;
  loading_began_s_ = clock_.wall_ms() / 1000;
  progress_ = {};
  auto result = load();
  loading_ = false;
  return result;
}

// Logs why a start is refused: the last line of the log.
Status Persistence::Impl::refuse(const Status& status) {
  if (!status) {
    log_.warning("{}", status.error().message);
  }
  return status;
}

Status Persistence::Impl::recover() {
  remember_temp_path();
  const Status recovered = loading([this] {
    if (settings_.appendonly) {
      return recovery().recover_append_only_file(aof_);
    }
    const Result<bool> loaded = recovery().load_snapshot_file();
    return loaded ? Status() : Status(tl::unexpected(loaded.error()));
  });
  if (!recovered) {
    aof_.detach();
    return refuse(recovered);
  }
  snapshots_.reset_changes();
  remove_stale_temp_files(settings_.directory, log_);
  if (settings_.appendonly) {
    remove_stale_temp_files(aof_.path(""), log_);
    // These carry no process id, but the lock on the directory is ours: nobody is writing them.
    for (const std::string& name : {aof::temp_manifest_name(settings_.appendfilename),
                                    aof::temp_increment_name(settings_.appendfilename)}) {
      if (io::remove_file(aof_.path(name))) {
        log_.notice("Removed the temporary file {} that an earlier process left", name);
      }
    }
    aof_.collect_garbage();
  }
  return {};
}

Status Persistence::Impl::debug_load_aof() {
  if (aof_.state() != AppendOnlyFile::State::kOn) {
    return fail("ERR the append only file is not enabled");
  }
  if (const Status flushed = aof_.flush(); !flushed) {
    return flushed;
  }
  keyspace_.clear();
  const Result<std::uint64_t> loaded = loading([this]() -> Result<std::uint64_t> {
    const Result<LogPlan> plan = plan_log(settings_, aof_.store(), true);
    if (!plan) {
      return tl::unexpected(plan.error());
    }
    return recovery().load(plan->parts);
  });
  if (!loaded) {
    return refuse(tl::unexpected(loaded.error()));
  }
  aof_.collect_garbage();
  snapshots_.reset_changes();
  return {};
}

Status Persistence::Impl::debug_reload(const ReloadOptions& options) {
  if (options.save) {
    if (const Status saved = snapshots_.save(); !saved) {
      return fail("ERR");
    }
  }
  if (options.flush) {
    keyspace_.clear();
  }
  const Result<bool> loaded = loading([&] { return recovery().load_snapshot_file(options.merge); });
  if (!loaded || !*loaded) {
    if (!loaded) {
      log_.warning("{}", loaded.error().message);
    }
    return fail("ERR Error trying to load the RDB dump");
  }
  return {};
}

// --- the log ----------------------------------------------------------------------------------------

Status Persistence::Impl::before_sleep() {
  return aof_.flush();
}

std::string_view Persistence::Impl::write_gate() const {
  if (snapshots_.refuses_writes()) {
    return kSnapshotRefusal;
  }
  const int error = aof_.error();
  if (error == 0) {
    return {};
  }
  gate_ = fmt::format("MISCONF Errors writing to the AOF file: {}", std::strerror(error));
  return gate_;
}

// --- children ---------------------------------------------------------------------------------------

Status Persistence::Impl::start_child(ChildKind kind,
                                      const std::function<Status(ProgressReporter&)>& work) {
  const char* purpose = kind == ChildKind::kSnapshot ? "redis-rdb-bgsave" : "redis-aof-rewrite";
  Result<ChildProcess> child = ChildProcess::start([&](ProgressReporter& progress) {
    callbacks_.in_child(purpose);
    const Status done = work(progress);
    constexpr double kMiB = 1024.0 * 1024.0;
    if (done) {
      log_.notice("Fork CoW for {}: current {:.0f} MB",
                  kind == ChildKind::kSnapshot ? "RDB" : "AOF rewrite",
                  static_cast<double>(progress.report()) / kMiB);
    }
    return done;
  });
  if (!child) {
    return tl::unexpected(child.error());
  }
  ++total_forks_;
  latest_fork_us_ = child->fork_us();
  child_ = std::move(*child);
  child_kind_ = kind;
  child_keys_total_ = keyspace_.size();
  copied_peak_bytes_ = 0;
  copied_reported_us_ = now_us();
  events_.add(child_->progress_fd());
  events_.add(child_->exit_fd());
  static_cast<void>(aof_.settings_changed(true));  // an error stays with the log: see its error()
  return {};
}

Status Persistence::Impl::start_snapshot() {
  if (const int error = io::failpoint("rdb/bgsave/before-fork")) {
    snapshots_.fork_failed();
    return fail(std::strerror(error), error);
  }
  const Status started = start_child(ChildKind::kSnapshot, [this](ProgressReporter& progress) {
    return snapshots_.write_in_child(progress);
  });
  if (!started) {
    log_.warning("Can't save in background: {}", started.error().message);
    snapshots_.fork_failed();
    return started;
  }
  snapshots_.child_started();
  log_.notice("Background saving started by pid {}", child_->pid());
  static_cast<void>(io::failpoint("rdb/bgsave/after-fork"));
  return {};
}

Status Persistence::Impl::start_rewrite() {
  rewrite_scheduled_ = false;
  Status started = aof_.begin_rewrite();
  if (started) {
    started = start_child(ChildKind::kRewrite, [this](ProgressReporter& progress) {
      const Status written = aof_.write_new_base(keyspace_, progress);
      if (!written) {
        log_.warning("Write error writing append only file on disk: {}", written.error().message);
      }
      return written;
    });
    if (!started) {
      log_.warning("Can't rewrite append only file in background: {}", started.error().message);
    }
  } else {
    log_.warning("Can't rewrite append only file: {}", started.error().message);
  }
  if (!started) {
    rewrite_limit_.failed();
    last_rewrite_ok_ = false;
    aof_.abandon_rewrite(std::nullopt);
    return started;
  }
  rewrite_began_us_ = now_us();
  log_.notice("Background append only file rewriting started by pid {}", child_->pid());
  if (const Status switched = aof_.forked(); !switched) {
    log_.warning("Can't rewrite append only file in background: {}", switched.error().message);
    end_child();
    rewrite_limit_.failed();
    last_rewrite_ok_ = false;
    return switched;
  }
  return {};
}

void Persistence::Impl::check_child() {
  if (!child_) {
    return;
  }
  if (child_->read_progress()) {
    copied_peak_bytes_ = std::max(copied_peak_bytes_, child_->progress().copied_bytes);
    copied_reported_us_ = now_us();
  }
  if (const std::optional<ChildProcess::Exit> exit = child_->reap()) {
    copied_peak_bytes_ = std::max(copied_peak_bytes_, child_->progress().copied_bytes);
    child_ended(*exit);
  }
}

void Persistence::Impl::end_child() {
  const ChildProcess::Exit exit = child_->end();
  child_ended(exit);
}

void Persistence::Impl::child_ended(const ChildProcess::Exit& exit) {
  const pid_t pid = child_->pid();
  child_.reset();
  static_cast<void>(aof_.settings_changed(false));
  if (child_kind_ == ChildKind::kSnapshot) {
    snapshots_.child_ended(pid, exit, copied_peak_bytes_);
    return;
  }
  last_rewrite_duration_s_ = (now_us() - rewrite_began_us_) / 1'000'000;
  last_rewrite_copied_bytes_ = copied_peak_bytes_;
  if (exit.outcome == ChildProcess::Outcome::kSuccess) {
    log_.notice("Background AOF rewrite terminated with success");
    if (aof_.finish_rewrite(pid)) {
      log_.notice("Background AOF rewrite finished successfully");
      last_rewrite_ok_ = true;
      ++rewrites_;
      rewrite_limit_.succeeded();
      return;
    }
  } else {
    if (exit.outcome == ChildProcess::Outcome::kSignal) {
      log_.warning("Background AOF rewrite terminated by signal {}", exit.signal);
    } else {
      log_.warning("Background AOF rewrite terminated with error");
    }
    aof_.abandon_rewrite(pid);
  }
  if (!exit.wanted) {
    last_rewrite_ok_ = false;
    rewrite_limit_.failed();
  }
}

bool Persistence::Impl::rewrite_has_grown_due() {
  if (aof_.state() != AppendOnlyFile::State::kOn || settings_.auto_aof_rewrite_percentage == 0) {
    return false;
  }
  const auto size = static_cast<std::int64_t>(aof_.size_bytes());
  if (size <= settings_.auto_aof_rewrite_min_size_bytes) {
    return false;
  }
  const auto base = std::max<std::int64_t>(static_cast<std::int64_t>(aof_.base_size_bytes()), 1);
  const std::int64_t growth_percent = size * 100 / base - 100;
  if (growth_percent < settings_.auto_aof_rewrite_percentage ||
      rewrite_limit_.must_wait(now_us(), log_)) {
    return false;
  }
  log_.notice("Starting automatic rewriting of AOF on {}% growth", growth_percent);
  return true;
}

// redis-server's order: a scheduled rewrite, then the save rules, then a rewrite for growth, then a
// scheduled snapshot. One child at a time.
void Persistence::Impl::start_what_is_due() {
  const bool rewrite_wanted = rewrite_scheduled_ || aof_.needs_rewrite() ||
                              aof_.state() == AppendOnlyFile::State::kAwaitingRewrite;
  if (!child_ && rewrite_wanted && !rewrite_limit_.must_wait(now_us(), log_)) {
    static_cast<void>(start_rewrite());
  }
  if (!child_) {
    if (const std::optional<SaveRule> rule = snapshots_.due_rule()) {
      log_.notice("{} changes in {} seconds. Saving...", rule->changes, rule->seconds);
      static_cast<void>(start_snapshot());
    }
  }
  if (!child_ && rewrite_has_grown_due()) {
    static_cast<void>(start_rewrite());
  }
  if (!child_ && snapshot_scheduled_ && snapshots_.may_retry()) {
    if (start_snapshot()) {
      snapshot_scheduled_ = false;
    }
  }
}

Status Persistence::Impl::cron() {
  check_child();
  aof_.cron();
  start_what_is_due();
  return aof_.flush();
}

Status Persistence::Impl::on_event() {
  events_.drain();
  check_child();
  return aof_.flush();
}

// --- commands ---------------------------------------------------------------------------------------

Result<std::string> Persistence::Impl::save() {
  if (child_is(ChildKind::kSnapshot)) {
    return fail("ERR Background save already in progress");
  }
  if (const Status saved = snapshots_.save(); !saved) {
    return fail("ERR " + saved.error().message, saved.error().code);
  }
  return std::string("OK");
}

Result<std::string> Persistence::Impl::bgsave(bool schedule) {
  if (child_is(ChildKind::kSnapshot)) {
    return fail("ERR Background save already in progress");
  }
  if (child_ || schedule) {
    if (!schedule) {
      return fail(
          "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE "
          "in order to schedule a BGSAVE whenever possible.");
    }
    snapshot_scheduled_ = true;
    return std::string("Background saving scheduled");
  }
  if (const Status started = start_snapshot(); !started) {
    return fail("ERR " + started.error().message, started.error().code);
  }
  return std::string("Background saving started");
}

Result<std::string> Persistence::Impl::bgrewriteaof(bool schedule) {
  if (child_is(ChildKind::kRewrite)) {
    return fail("ERR Background append only file rewriting already in progress");
  }
  if (child_ || schedule) {
    rewrite_scheduled_ = true;
    return std::string("Background append only file rewriting scheduled");
  }
  if (const Status started = start_rewrite(); !started) {
    return fail(
        "ERR Can't execute an AOF background rewriting. Please check the server logs for more "
        "information.");
  }
  return std::string("Background append only file rewriting started");
}

void Persistence::Impl::after_flushall() {
  if (child_is(ChildKind::kSnapshot)) {
    end_child();
  }
  if (!settings_.save.empty()) {
    static_cast<void>(snapshots_.save());
  }
}

Status Persistence::Impl::prepare_shutdown(const ShutdownOptions& options) {
  if (child_is(ChildKind::kSnapshot)) {
    log_.warning("There is a child saving an .rdb. Killing it!");
    end_child();
  }
  if (aof_.state() != AppendOnlyFile::State::kOff) {
    if (aof_.state() == AppendOnlyFile::State::kAwaitingRewrite) {
      if (!options.force) {
        log_.warning("Writing initial AOF, can't exit.");
        return fail("ERR Errors trying to SHUTDOWN. Check logs.");
      }
      log_.warning("Writing initial AOF. Exit anyway.");
    }
    if (child_is(ChildKind::kRewrite)) {
      log_.warning("There is a child rewriting the AOF. Killing it!");
      end_child();
    }
    log_.notice("Calling fsync() on the AOF file.");
    static_cast<void>(aof_.seal());
  } else if (child_) {
    end_child();
  }
  const bool wanted = options.save == ShutdownOptions::Save::kYes ||
                      (options.save == ShutdownOptions::Save::kByRules && !settings_.save.empty());
  if (wanted) {
    log_.notice("Saving the final RDB snapshot before exiting.");
    if (!snapshots_.save()) {
      if (!options.force) {
        log_.warning("Error trying to save the DB, can't exit.");
        return fail("ERR Errors trying to SHUTDOWN. Check logs.");
      }
      log_.warning("Error trying to save the DB, but shutdown is forced.");
    }
  }
  aof_.close();
  return {};
}

void Persistence::Impl::remember_temp_path() {
  const std::string path = io::join_path(settings_.directory, temp_snapshot_name(::getpid()));
  temp_path_[0] = '\0';
  if (path.size() < sizeof(temp_path_)) {
    path.copy(temp_path_, path.size());
    temp_path_[path.size()] = '\0';
  }
}

// --- settings and figures ---------------------------------------------------------------------------

Status Persistence::Impl::change_appendonly(bool in_transaction) {
  if (!settings_.appendonly) {
    if (child_is(ChildKind::kRewrite)) {
      log_.notice("Killing running AOF rewrite child: {}", child_->pid());
      end_child();
    }
    rewrite_scheduled_ = false;
    aof_.disable();
    return {};
  }
  if (child_is(ChildKind::kRewrite)) {
    log_.notice(
        "AOF was enabled but there is already an AOF rewriting in background. Stopping background "
        "AOF and starting a rewrite now.");
    end_child();
  }
  if (const Status enabled = aof_.enable(); !enabled) {
    return enabled;
  }
  if (in_transaction) {
    log_.notice(
        "AOF was enabled during a transaction. An AOF background was scheduled to start when "
        "possible.");
    rewrite_scheduled_ = true;
  } else if (child_) {
    log_.notice(
        "AOF was enabled but there is already another background operation. An AOF background was "
        "scheduled to start when possible.");
    rewrite_scheduled_ = true;
  } else if (const Status started = start_rewrite(); !started) {
    log_.warning(
        "Redis needs to enable the AOF but can't trigger a background AOF rewrite operation. Check "
        "the above logs for more info about the error.");
    aof_.disable();
    return started;
  }
  return {};
}

Status Persistence::Impl::apply(Settings wanted, bool in_transaction) {
  Settings before = std::exchange(settings_, std::move(wanted));
  remember_temp_path();
  Status applied;
  if (settings_.appendonly != before.appendonly) {
    applied = change_appendonly(in_transaction);
  }
  if (applied) {
    applied = aof_.settings_changed(child_.has_value());
  }
  if (!applied) {
    settings_ = std::move(before);
    remember_temp_path();
    static_cast<void>(aof_.settings_changed(child_.has_value()));
    return applied;
  }
  aof_.collect_garbage();
  return {};
}

Info Persistence::Impl::info() const {
  Info info;
  info.loading = loading_;
  info.loading_start_time_s = loading_began_s_;
  info.loading_total_bytes = static_cast<std::int64_t>(progress_.total_bytes);
  info.loading_loaded_bytes = static_cast<std::int64_t>(progress_.loaded_bytes);
  info.loading_rdb_used_memory_bytes = static_cast<std::int64_t>(progress_.rdb_used_memory_bytes);
  info.rdb_last_load_keys_loaded = progress_.keys_loaded;
  info.rdb_last_load_keys_expired = progress_.keys_expired;
  snapshots_.fill(info, child_is(ChildKind::kSnapshot));
  if (child_) {
    const ChildProgress& progress = child_->progress();
    info.current_cow_peak_bytes = static_cast<std::int64_t>(copied_peak_bytes_);
    info.current_cow_size_bytes = static_cast<std::int64_t>(progress.copied_bytes);
    info.current_cow_size_age_s = (now_us() - copied_reported_us_) / 1'000'000;
    info.current_save_keys_processed = static_cast<std::int64_t>(progress.keys_written);
    info.current_save_keys_total = static_cast<std::int64_t>(child_keys_total_);
    if (child_keys_total_ > 0) {
      info.current_fork_percent = 100.0 * static_cast<double>(progress.keys_written) /
                                  static_cast<double>(child_keys_total_);
    }
  }
  info.aof_enabled = aof_.state() != AppendOnlyFile::State::kOff;
  info.aof_rewrite_in_progress = child_is(ChildKind::kRewrite);
  info.aof_rewrite_scheduled = rewrite_scheduled_;
  info.aof_last_rewrite_time_s = last_rewrite_duration_s_;
  info.aof_current_rewrite_time_s =
      child_is(ChildKind::kRewrite) ? (now_us() - rewrite_began_us_) / 1'000'000 : -1;
  info.aof_last_bgrewrite_ok = last_rewrite_ok_;
  info.aof_rewrites = rewrites_;
  info.aof_rewrites_consecutive_failures = rewrite_limit_.failures();
  info.aof_last_write_ok = aof_.error() == 0;
  info.aof_last_cow_size_bytes = static_cast<std::int64_t>(last_rewrite_copied_bytes_);
  info.aof_current_size_bytes = static_cast<std::int64_t>(aof_.size_bytes());
  info.aof_base_size_bytes = static_cast<std::int64_t>(aof_.base_size_bytes());
  info.aof_buffer_length_bytes = static_cast<std::int64_t>(aof_.buffered_bytes());
  info.aof_pending_bio_fsync = aof_.sync_pending() ? 1 : 0;
  info.aof_delayed_fsync = static_cast<std::int64_t>(aof_.delayed_syncs());
  info.total_forks = total_forks_;
  info.latest_fork_us = latest_fork_us_;
  return info;
}

void Persistence::Impl::reset_stats() {
  snapshots_.reset_stats();
  aof_.reset_stats();
  rewrites_ = 0;
  total_forks_ = 0;
  latest_fork_us_ = 0;
}

// --- the facade -------------------------------------------------------------------------------------

Persistence::Persistence(Settings settings, keyspace::Keyspace& keyspace, aof::ReplayTarget& target,
                         const Clock& clock, Log& log, Callbacks callbacks)
    : impl_(std::make_unique<Impl>(std::move(settings), keyspace, target, clock, log,
                                   std::move(callbacks))) {}
Persistence::~Persistence() = default;

Status Persistence::recover() {
  return impl_->recover();
}
void Persistence::append(std::span<const keyspace::Effect> step, std::uint64_t changes) {
  impl_->snapshots_.add_changes(changes);
  impl_->aof_.append(step);
}
Status Persistence::before_sleep() {
  return impl_->before_sleep();
}
bool Persistence::replies_must_wait() const {
  return impl_->aof_.holds_back();
}
std::string_view Persistence::write_gate() const {
  return impl_->write_gate();
}
Status Persistence::cron() {
  return impl_->cron();
}
int Persistence::event_fd() const {
  return impl_->events_.fd();
}
Status Persistence::on_event() {
  return impl_->on_event();
}
Result<std::string> Persistence::save() {
  return impl_->save();
}
Result<std::string> Persistence::bgsave(bool schedule) {
  return impl_->bgsave(schedule);
}
Result<std::string> Persistence::bgrewriteaof(bool schedule) {
  return impl_->bgrewriteaof(schedule);
}
std::int64_t Persistence::last_save_time_s() const {
  return impl_->snapshots_.last_save_time_s();
}
void Persistence::after_flushall() {
  impl_->after_flushall();
}
Status Persistence::prepare_shutdown(const ShutdownOptions& options) {
  return impl_->prepare_shutdown(options);
}
void Persistence::remove_temp_files_now() noexcept {
  if (impl_->temp_path_[0] != '\0') {
    ::unlink(impl_->temp_path_);
  }
}
Status Persistence::debug_load_aof() {
  return impl_->debug_load_aof();
}
Status Persistence::debug_reload(const ReloadOptions& options) {
  return impl_->debug_reload(options);
}
void Persistence::debug_set_flush_sleep_us(std::int64_t us) {
  impl_->aof_.set_flush_delay_us(us);
}
void Persistence::debug_set_skip_checksum_validation(bool skip) {
  impl_->verify_checksums_ = !skip;
}
const Settings& Persistence::settings() const {
  return impl_->settings_;
}
Status Persistence::apply(Settings wanted, bool in_transaction) {
  return impl_->apply(std::move(wanted), in_transaction);
}
Info Persistence::info() const {
  return impl_->info();
}
void Persistence::reset_stats() {
  impl_->reset_stats();
}
bool Persistence::has_child() const {
  return impl_->child_.has_value();
}
pid_t Persistence::child_pid() const {
  return impl_->child_ ? impl_->child_->pid() : 0;
}
bool Persistence::loading() const {
  return impl_->loading_;
}

}  // namespace engine::persistence
