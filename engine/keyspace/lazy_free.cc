#include "engine/keyspace/lazy_free.h"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/memory.h"
#include "engine/keyspace/database.h"

namespace engine::keyspace::lazy_free {
namespace {

// Freeing fewer elements takes no longer than handing them over (redis-server's threshold).
constexpr std::size_t kSmall = 64;

using Garbage = std::variant<std::unique_ptr<Database>, Object>;

std::size_t objects_in(const Garbage& garbage) {
  const auto* const database = std::get_if<std::unique_ptr<Database>>(&garbage);
  return database != nullptr ? (*database)->size() : 1;
}

class Worker {
 public:
  // False: the thread could not be started.
  bool start();
  void add(Garbage garbage);

  std::atomic<std::size_t> pending{0};
  std::atomic<std::size_t> freed{0};

 private:
  [[noreturn]] void run();

  bool runs_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Garbage> queue_;
};

// Never destroyed, as its thread never ends.
Worker& worker() {
  static Worker& only = *new Worker;
  return only;
}

bool Worker::start() {
  if (runs_) {
    return true;
  }
  // Only the main thread handles signals: the new thread inherits a mask that blocks them all.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ENGINE_CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
  try {
    std::thread([this] { run(); }).detach();
    runs_ = true;
  } catch (const std::system_error&) {
    // The next one will be tried again.
  }
  ENGINE_CHECK(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
  return runs_;
}

void Worker::add(Garbage garbage) {
  pending += objects_in(garbage);
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(garbage));
  }
  changed_.notify_one();
}

void Worker::run() {
  memory::count_releases_apart();
  for (;;) {
    std::vector<Garbage> batch;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !queue_.empty(); });
      batch.swap(queue_);
    }
    for (Garbage& garbage : batch) {
      const std::size_t objects = objects_in(garbage);
      { const Garbage gone = std::move(garbage); }
      pending -= objects;
      freed += objects;
    }
  }
}

void take_if_large(Garbage garbage, bool is_large) {
  if (is_large && worker().start()) {
    worker().add(std::move(garbage));
  }
}

}  // namespace

void take(std::unique_ptr<Database> database) {
  const bool is_large = database->size() > kSmall;
  take_if_large(std::move(database), is_large);
}

void take(Object value) {
  const bool is_large = value.type() != Type::kString && value.size() > kSmall;
  take_if_large(std::move(value), is_large);
}

std::size_t pending_objects() {
  return worker().pending;
}

std::size_t freed_objects() {
  return worker().freed;
}

void reset_freed_objects() {
  worker().freed = 0;
}

}  // namespace engine::keyspace::lazy_free
