#include "harness/explore/recovery_pool.h"

#include <fmt/format.h>

#include <utility>

#include "harness/base/check.h"
#include "harness/base/clock.h"
#include "harness/crash/image/lay_out.h"

namespace crashpoint::explore {
namespace {

constexpr std::size_t kQueuedPerWorker = 32;  // images waiting; each holds what it does not share

}  // namespace

RecoveryPool::RecoveryPool(unsigned workers, const std::filesystem::path& folder,
                           bool keep_unchanged, const recovery::RecovererFactory& factory,
                           IsNeeded is_needed, Done done, Recorded recorded)
    : is_needed_(std::move(is_needed)),
      done_(std::move(done)),
      recorded_(std::move(recorded)),
      keep_unchanged_(keep_unchanged),
      queue_max_(kQueuedPerWorker * workers) {
  for (unsigned worker = 0; worker < workers; ++worker) {
    const std::filesystem::path own = folder / fmt::format("worker-{}", worker);
    std::filesystem::create_directories(own);
    threads_.emplace_back([this, worker, own, factory] { work(worker, own, factory); });
  }
}

RecoveryPool::~RecoveryPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    queue_.clear();
  }
  work_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void RecoveryPool::rethrow() const {
  if (failure_ != nullptr) {
    std::rethrow_exception(failure_);
  }
}

void RecoveryPool::submit(Job job) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return queue_.size() < queue_max_ || failure_ != nullptr; });
  rethrow();
  queue_.push_back(std::move(job));
  lock.unlock();
  work_.notify_one();
}

void RecoveryPool::recover(JobId job, crash::CrashImage image) {
  submit({job, std::move(image), Job::Work::kRecover});
}

void RecoveryPool::record(JobId job, crash::CrashImage image) {
  submit({job, std::move(image), Job::Work::kRecord});
}

void RecoveryPool::live_on(JobId job, crash::CrashImage image) {
  submit({job, std::move(image), Job::Work::kLiveOn});
}

void RecoveryPool::keep_queue_short() {
  const std::lock_guard lock(mutex_);
  queue_max_ = 2 * threads_.size();
}

void RecoveryPool::drain() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return (queue_.empty() && busy_ == 0) || failure_ != nullptr; });
  rethrow();
}

void RecoveryPool::cancel() {
  const std::lock_guard lock(mutex_);
  queue_.clear();
  if (busy_ == 0) {
    idle_.notify_all();
  }
}

RecoveryPool::Times RecoveryPool::times() const {
  const std::lock_guard lock(mutex_);
  return times_;
}

void RecoveryPool::work(unsigned worker, const std::filesystem::path& folder,
                        const recovery::RecovererFactory& factory) {
  try {
    const std::unique_ptr<recovery::Recoverer> recoverer = factory(worker, folder);
    crash::Layout layout(folder / "data", keep_unchanged_);
    while (true) {
      Job job;
      {
        std::unique_lock lock(mutex_);
        work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (stopping_) {
          return;
        }
        job = std::move(queue_.front());
        queue_.pop_front();
        ++busy_;
        // Not at every job: the producer would wake up, submit one, and wait again.
        if (queue_.size() == queue_max_ / 2) {
          room_.notify_one();
        }
      }
      Times times;
      const auto lay_out = [&] {
        const auto begin = SteadyClock::now();
        layout.lay_out(job.image);
        times.lay_out_ms = ms_since(begin);
      };
      if (job.work == Job::Work::kRecord) {
        lay_out();
        std::optional<trace::Trace> trace = recoverer->record(layout.directory());
        const std::lock_guard lock(done_mutex_);
        recorded_(job.id, std::move(trace));
      } else if (job.work == Job::Work::kLiveOn) {
        lay_out();
        const auto begin = SteadyClock::now();
        recovery::Recovered recovered;
        recovered.started = true;
        if (std::optional<oracle::Verdict> verdict = recoverer->live_on(layout.directory())) {
          recovered.checks.push_back(*std::move(verdict));
        }
        times.start_ms = ms_since(begin);
        const std::lock_guard lock(done_mutex_);
        done_(job.id, std::move(job.image), std::move(recovered));
      } else if (is_needed_(job.id, job.image)) {
        lay_out();
        recovery::Recovered recovered = recoverer->recover(layout.directory());
        times.start_ms = recovered.start_ms;
        times.load_ms = recovered.load_ms;
        const std::lock_guard lock(done_mutex_);
        done_(job.id, std::move(job.image), std::move(recovered));
      } else {
        const std::lock_guard lock(done_mutex_);
        done_(job.id, std::move(job.image), std::nullopt);
      }
      {
        const std::lock_guard lock(mutex_);
        times_.lay_out_ms += times.lay_out_ms;
        times_.start_ms += times.start_ms;
        times_.load_ms += times.load_ms;
        HARNESS_CHECK(busy_ > 0);
        if (--busy_ == 0 && queue_.empty()) {
          idle_.notify_all();
        }
      }
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = failure_ == nullptr ? std::current_exception() : failure_;
    room_.notify_all();
    idle_.notify_all();
  }
}

}  // namespace crashpoint::explore
