// Worker threads that lay images out and have them recovered.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "harness/crash/image/image.h"
#include "harness/explore/job_id.h"
#include "harness/recovery/recoverer.h"

namespace crashpoint::explore {

class RecoveryPool {
 public:
  // Whether a job must be recovered; called from a worker right before.
  using IsNeeded = std::function<bool(JobId job, const crash::CrashImage& image)>;
  // A job has ended; nothing: it was not needed. Called from a worker, one call at a time.
  using Done = std::function<void(JobId job, crash::CrashImage image,
                                  std::optional<recovery::Recovered> recovered)>;
  using Recorded = std::function<void(JobId job, std::optional<trace::Trace> trace)>;

  struct Times {  // summed over workers
    double lay_out_ms = 0;
    double start_ms = 0;
    double load_ms = 0;
  };

  // `folder` exists; each worker lays out below it, `keep_unchanged` as crash::Layout has it.
  RecoveryPool(unsigned workers, const std::filesystem::path& folder, bool keep_unchanged,
               const recovery::RecovererFactory& factory, IsNeeded is_needed, Done done,
               Recorded recorded);
  // Jobs not yet begun are dropped.
  ~RecoveryPool();
  RecoveryPool(const RecoveryPool&) = delete;
  RecoveryPool& operator=(const RecoveryPool&) = delete;

  // Waits while the queue is full. Throws what a worker threw.
  void recover(JobId job, crash::CrashImage image);
  void record(JobId job, crash::CrashImage image);
  // As recover(), but of what is recovered only the verdict on what follows is wanted (live_on).
  void live_on(JobId job, crash::CrashImage image);
  // From now on few jobs wait, so that little is still to be done when the time is over.
  void keep_queue_short();
  // Waits until all jobs are done. Throws what a worker threw.
  void drain();
  // Drops the jobs not yet begun: the newest.
  void cancel();

  [[nodiscard]] Times times() const;

 private:
  struct Job {
    JobId id;
    crash::CrashImage image;
    enum class Work : std::uint8_t { kRecover, kRecord, kLiveOn } work = Work::kRecover;
  };
  void submit(Job job);
  void work(unsigned worker, const std::filesystem::path& folder,
            const recovery::RecovererFactory& factory);
  void rethrow() const;

  IsNeeded is_needed_;
  Done done_;
  Recorded recorded_;
  bool keep_unchanged_;
  std::size_t queue_max_;
  mutable std::mutex mutex_;
  std::condition_variable work_;  // there is a job, or the end has come
  std::condition_variable room_;  // half of a full queue is free again
  std::condition_variable idle_;  // no job is left
  std::deque<Job> queue_;
  std::size_t busy_ = 0;
  bool stopping_ = false;
  std::exception_ptr failure_;
  Times times_;
  std::mutex done_mutex_;
  std::vector<std::thread> threads_;
};

}  // namespace crashpoint::explore
