#include "engine/aof/sync_thread.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <system_error>

#include "engine/base/result.h"
#include "engine/base/text.h"
#include "engine/io/failpoint.h"

namespace engine::aof {

SyncThread::SyncThread(io::File& file, std::uint64_t synced_size, int event_fd)
    : file_(file), event_fd_(event_fd), written_size_(synced_size), synced_size_(synced_size) {}

Result<std::unique_ptr<SyncThread>> SyncThread::start(io::File& file, std::uint64_t synced_size,
                                                      int event_fd) {
  int error = io::failpoint("aof/increment/before-thread");
  std::unique_ptr<SyncThread> started(new SyncThread(file, synced_size, event_fd));
  // Only the main thread handles signals: the new thread inherits a mask that blocks them all.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ENGINE_CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
  try {
    if (error == 0) {
      started->thread_ = std::thread([thread = started.get()] { thread->run(); });
    }
  } catch (const std::system_error& refused) {
    error = refused.code().value();
  }
  ENGINE_CHECK(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
  if (error != 0) {
    return fail(
        std::string("Can't start the thread that syncs the append only file: ") + error_text(error),
        error);
  }
  return started;
}

SyncThread::~SyncThread() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void SyncThread::written(std::uint64_t size) {
  bool becomes_due = false;
  {
    const std::lock_guard lock(mutex_);
    ENGINE_CHECK(size >= written_size_, size, written_size_);
    const bool was_due = is_due();
    written_size_ = size;
    becomes_due = !was_due && is_due();
  }
  // If a sync was due already, the thread has set its timer: waking it for each write would cost
  // more than the write.
  if (becomes_due) {
    changed_.notify_all();
  }
}

void SyncThread::hold(bool held) {
  {
    const std::lock_guard lock(mutex_);
    held_ = held;
  }
  changed_.notify_all();
}

void SyncThread::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !running_; });
}

SyncThread::State SyncThread::state() const {
  const std::lock_guard lock(mutex_);
  return locked_state();
}

SyncThread::State SyncThread::locked_state() const {
  State state;
  state.synced_size = synced_size_;
  state.error = error_;
  state.running = running_;
  state.pending = is_due();
  state.started = started_;
  return state;
}

bool SyncThread::is_due() const {
  return !held_ && error_ == 0 && synced_size_ < written_size_;
}

void SyncThread::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (!is_due()) {
      changed_.wait(lock);
    } else if (SteadyClock::now() < last_start_ + kInterval) {
      changed_.wait_until(lock, last_start_ + kInterval);
    } else {
      sync(lock);
    }
  }
}

void SyncThread::sync(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t size = written_size_;
  ENGINE_CHECK(!running_ && error_ == 0 && synced_size_ < size, error_, synced_size_, size);
  running_ = true;
  ++started_;
  last_start_ = SteadyClock::now();
  lock.unlock();
  int error = io::failpoint("aof/append/before-fsync");
  if (error == 0) {
    const Status synced = file_.sync_data();
    error = synced ? io::failpoint("aof/append/after-fsync") : synced.error().code;
  }
  lock.lock();
  running_ = false;
  error_ = error;
  if (error == 0) {
    synced_size_ = size;
  }
  changed_.notify_all();
  const std::uint64_t one = 1;
  static_cast<void>(::write(event_fd_, &one, sizeof(one)) != 0);  // full means signalled already
}

}  // namespace engine::aof
