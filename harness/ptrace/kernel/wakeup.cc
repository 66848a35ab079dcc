#include "harness/ptrace/kernel/wakeup.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <mutex>
#include <optional>

#include "harness/base/error.h"
#include "harness/base/text.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid  // glibc before 2.38 has no name for it
#endif

namespace crashpoint::ptrace {
namespace {

constexpr std::int64_t kRepeatNs = 1'000'000;

int wake_signal() {
  return SIGRTMAX - 3;
}

void set(timer_t timer, std::int64_t first_ns, std::int64_t repeat_ns) {
  const auto split = [](std::int64_t ns) {
    return timespec{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
  };
  const itimerspec spec{split(repeat_ns), split(first_ns)};
  ::timer_settime(timer, 0, &spec, nullptr);
}

}  // namespace

Wakeup::Wakeup() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction nothing {};
    nothing.sa_handler = [](int) {};  // no SA_RESTART: that is the point
    ::sigaction(wake_signal(), &nothing, nullptr);
  });
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, wake_signal());
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);

  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = wake_signal();
  event.sigev_notify_thread_id = static_cast<pid_t>(::syscall(SYS_gettid));
  if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) {
    throw EnvironmentError(fmt::format("cannot make a timer: {}", error_text(errno)));
  }
}

Wakeup::~Wakeup() {
  ::timer_delete(timer_);
}

void Wakeup::wake() {
  set(timer_, 1, kRepeatNs);
}

void Wakeup::quiet(std::optional<std::int64_t> after_ns) {
  if (after_ns.has_value()) {
    set(timer_, std::max<std::int64_t>(*after_ns, 1), kRepeatNs);
  } else {
    set(timer_, 0, 0);
  }
}

}  // namespace crashpoint::ptrace
