// Gets a thread out of a blocking system call, from any thread and without losing a wake-up: a
// signal that repeats until the thread has seen it.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <optional>

namespace crashpoint::ptrace {

class Wakeup {
 public:
  // Made by the thread to be woken. The first one takes a real-time signal for the whole process.
  Wakeup();
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  // From any thread: the blocking call returns EINTR soon, again and again until quiet().
  void wake();
  // By the woken thread, before it looks at what there is to do: no more signals, except one in
  // `after_ns` if given.
  void quiet(std::optional<std::int64_t> after_ns);

 private:
  timer_t timer_{};
};

}  // namespace crashpoint::ptrace
