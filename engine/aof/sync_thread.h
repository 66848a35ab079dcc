// The background thread of `appendfsync everysec`: while there is unsynced data, at most one
// second passes from one sync to the next, on the monotonic clock, whatever the main thread does.
//
// After a failed sync the file is not synced again: the kernel has dropped the dirty pages, and a
// retry could succeed without the data.
//
// Threads  One main thread calls the methods; the object starts and joins the thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "engine/base/result.h"
#include "engine/io/file.h"

namespace engine::aof {

class SyncThread {
 public:
  struct State {
    std::uint64_t synced_size = 0;  // the file is durable up to here
    int error = 0;                  // errno of the sync that failed
    bool running = false;           // a sync is in progress
    bool pending = false;           // there is data that a sync is due for
    std::uint64_t started = 0;      // how many syncs have begun
  };

  // Borrows `file`, which is durable up to `synced_size`. Adds to `event_fd` (an eventfd) after
  // each sync. An error: the kernel has no thread to give.
  static Result<std::unique_ptr<SyncThread>> start(io::File& file, std::uint64_t synced_size,
                                                   int event_fd);
  ~SyncThread();  // waits for a running sync
  SyncThread(const SyncThread&) = delete;
  SyncThread& operator=(const SyncThread&) = delete;

  // The file has data up to `size`.
  void written(std::uint64_t size);
  // While held nothing is synced (no-appendfsync-on-rewrite).
  void hold(bool held);
  // Waits until no sync is running.
  void wait();
  State state() const;

 private:
  using SteadyClock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kInterval{1};

  SyncThread(io::File& file, std::uint64_t synced_size, int event_fd);
  void run();
  void sync(std::unique_lock<std::mutex>& lock);
  bool is_due() const;  // the mutex is held
  State locked_state() const;

  io::File& file_;
  const int event_fd_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t written_size_;
  std::uint64_t synced_size_;
  int error_ = 0;
  bool held_ = false;
  bool running_ = false;
  std::uint64_t started_ = 0;
  bool stop_ = false;
  SteadyClock::time_point last_start_ = SteadyClock::now() - kInterval;
  std::thread thread_;
};

}  // namespace engine::aof
