#include "engine/persistence/child_runner.h"

#include <algorithm>
#include <utility>

namespace engine::persistence {
namespace {

constexpr std::uint64_t kMiB = 1024UL * 1024;

}  // namespace

ChildRunner::ChildRunner(const EventSet& events, const Clock& clock, Log& log,
                         LatencyMonitor& latency, std::function<void(std::string_view)> in_child)
    : events_(events),
      clock_(clock),
      log_(log),
      latency_(latency),
      in_child_(std::move(in_child)) {}

Status ChildRunner::start(ChildPurpose purpose, std::uint64_t keys_total,
                          const std::function<Status(ProgressReporter&)>& work) {
  ENGINE_CHECK(!child_);
  const bool snapshot = purpose == ChildPurpose::kSnapshot;
  Result<ChildProcess> child = ChildProcess::start([&](ProgressReporter& progress) {
    in_child_(snapshot ? "redis-rdb-bgsave" : "redis-aof-rewrite");
    const Status done = work(progress);
    if (done) {
      progress.report();
      const CopiedBytes& copied = progress.copied();
      log_.notice("Fork CoW for {}: current {} MB, peak {} MB, average {} MB",
                  snapshot ? "RDB" : "AOF rewrite", copied.current / kMiB, copied.peak / kMiB,
                  copied.average() / kMiB);
    }
    return done;
  });
  if (!child) {
    return tl::unexpected(child.error());
  }
  ++forks_;
  latest_fork_us_ = child->fork_us();
  latency_.took("fork", latest_fork_us_);
  child_ = std::move(*child);
  purpose_ = purpose;
  keys_total_ = keys_total;
  copied_bytes_max_ = 0;
  reported_us_ = clock_.monotonic_us();
  events_.add(child_->progress_fd());
  events_.add(child_->exit_fd());
  return {};
}

std::optional<EndedChild> ChildRunner::poll() {
  if (!child_) {
    return std::nullopt;
  }
  if (child_->read_progress()) {
    copied_bytes_max_ = std::max(copied_bytes_max_, child_->progress().copied_bytes);
    reported_us_ = clock_.monotonic_us();
  }
  const std::optional<ChildProcess::Exit> exit = child_->reap();
  return exit ? std::optional(take(*exit, false)) : std::nullopt;
}

EndedChild ChildRunner::end() {
  ENGINE_CHECK(child_);
  return take(child_->end(), true);
}

EndedChild ChildRunner::take(const ChildProcess::Exit& exit, bool ended_here) {
  const EndedChild ended{child_->pid(), purpose_, exit,
                         std::max(copied_bytes_max_, child_->progress().copied_bytes), ended_here};
  child_.reset();
  return ended;
}

void ChildRunner::fill(Info& info) const {
  info.total_forks = forks_;
  info.latest_fork_us = latest_fork_us_;
  if (!child_) {
    return;
  }
  const ChildProgress& progress = child_->progress();
  info.current_cow_peak_bytes = static_cast<std::int64_t>(copied_bytes_max_);
  info.current_cow_size_bytes = static_cast<std::int64_t>(progress.copied_bytes);
  info.current_cow_size_age_s = (clock_.monotonic_us() - reported_us_) / 1'000'000;
  info.current_save_keys_processed = static_cast<std::int64_t>(progress.keys_written);
  info.current_save_keys_total = static_cast<std::int64_t>(keys_total_);
  if (keys_total_ > 0) {
    info.current_fork_percent =
        100.0 * static_cast<double>(progress.keys_written) / static_cast<double>(keys_total_);
  }
}

void ChildRunner::reset_stats() {
  forks_ = 0;
  latest_fork_us_ = 0;
}

}  // namespace engine::persistence
