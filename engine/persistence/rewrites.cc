#include "engine/persistence/rewrites.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "engine/io/failpoint.h"

namespace engine::persistence {

Rewrites::Rewrites(const Settings& settings, AppendOnlyFile& aof,
                   const keyspace::Keyspace& keyspace, const Clock& clock, Log& log)
    : settings_(settings), aof_(aof), keyspace_(keyspace), clock_(clock), log_(log) {}

bool Rewrites::is_wanted() const {
  return scheduled_ || aof_.needs_rewrite();
}

bool Rewrites::is_due() {
  return is_wanted() && !limit_.must_wait(clock_.monotonic_us(), log_);
}

bool Rewrites::growth_is_due() {
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
      limit_.must_wait(clock_.monotonic_us(), log_)) {
    return false;
  }
  log_.notice("Starting automatic rewriting of AOF on {}% growth", growth_percent);
  return true;
}

Status Rewrites::start(ChildRunner& children) {
  ENGINE_CHECK(!running_ && !children.running());
  scheduled_ = false;
  const Status forked = fork(children);
  if (!forked) {
    log_.warning("Can't rewrite append only file in background: {}", forked.error().message);
    failed();
  }
  return forked;
}

Status Rewrites::fork(ChildRunner& children) {
  Result<std::unique_ptr<Rewrite>> rewrite = Rewrite::begin(aof_, settings_, clock_, log_);
  if (!rewrite) {
    return tl::unexpected(rewrite.error());
  }
  const auto write = [this, &rewrite = **rewrite](ProgressReporter& progress) {
    const Status written = rewrite.write_base(keyspace_, progress);
    if (!written) {
      log_.warning("Write error writing append only file on disk: {}", written.error().message);
    }
    return written;
  };
  if (Status started = children.start(ChildPurpose::kRewrite, keyspace_.size(), write); !started) {
    return started;
  }
  static_cast<void>(aof_.settings_changed(true));  // an error stays with the log: its error()
  began_us_ = clock_.monotonic_us();
  log_.notice("Background append only file rewriting started by pid {}", children.pid());
  if (const Status switched = (*rewrite)->forked(children.pid()); !switched) {
    // Also if the child had finished before the signal: steps go on to the old increment, so what
    // its base contains would be replayed again.
    static_cast<void>(children.end());
    rewrite->reset();
    static_cast<void>(aof_.settings_changed(false));
    return switched;
  }
  running_ = std::move(*rewrite);
  return {};
}

void Rewrites::child_ended(const EndedChild& child) {
  ENGINE_CHECK(running_);
  const std::unique_ptr<Rewrite> ended = std::move(running_);  // abandoned unless installed
  last_duration_s_ = (clock_.monotonic_us() - began_us_) / 1'000'000;
  last_copied_bytes_ = child.copied_bytes;
  switch (child.exit.outcome) {
    case ChildProcess::Outcome::kSuccess:
      log_.notice("Background AOF rewrite terminated with success");
      if (const Status installed = ended->install(); !installed) {
        log_.warning("Can't install the rewritten append only file: {}", installed.error().message);
        failed();
        return;
      }
      log_.notice("Background AOF rewrite finished successfully");
      last_ok_ = true;
      ++count_;
      limit_.succeeded();
      return;
    case ChildProcess::Outcome::kSignal:
      if (!child.ended_here) {
        log_.warning("Background AOF rewrite terminated by signal {}", child.exit.signal);
      }
      break;
    case ChildProcess::Outcome::kError:
      log_.warning("Background AOF rewrite terminated with error");
      if (io::failpoint("planted/leak-descriptor") != 0) {
        static_cast<void>(::dup(STDIN_FILENO));
      }
      break;
  }
  if (!child.exit.wanted) {
    failed();
  }
}

void Rewrites::failed() {
  last_ok_ = false;
  limit_.failed();
}

void Rewrites::fill(Info& info) const {
  const bool running = running_ != nullptr;
  info.aof_rewrite_in_progress = running;
  info.aof_rewrite_scheduled = running ? scheduled_ : is_wanted();
  info.aof_last_rewrite_time_s = last_duration_s_;
  info.aof_current_rewrite_time_s = running ? (clock_.monotonic_us() - began_us_) / 1'000'000 : -1;
  info.aof_last_bgrewrite_ok = last_ok_;
  info.aof_rewrites = count_;
  info.aof_rewrites_consecutive_failures = limit_.failures();
  info.aof_last_cow_size_bytes = static_cast<std::int64_t>(last_copied_bytes_);
}

}  // namespace engine::persistence
