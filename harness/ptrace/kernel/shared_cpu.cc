#include "harness/ptrace/kernel/shared_cpu.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "harness/base/clock.h"

namespace crashpoint::ptrace {
namespace {

// Slower than this a hand-over does not matter.
constexpr std::int64_t kGapMaxNs = 2'000'000;

bool get_cpus(pid_t tid, cpu_set_t& cpus) {
  CPU_ZERO(&cpus);
  return ::sched_getaffinity(tid, sizeof cpus, &cpus) == 0;
}

// An abstract address, which goes with its socket: no file is left behind, whatever ends us.
int claim(int cpu) {
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = fmt::format("crashpoint-cpu-{}", cpu);
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (socket >= 0 && ::bind(socket, reinterpret_cast<sockaddr*>(&address), size) != 0) {
    ::close(socket);
    return -1;
  }
  return socket;
}

}  // namespace

void SharedCpu::look(pid_t last) {
  const std::int64_t now = now_ns();
  const bool busy = now - std::exchange(window_began_ns_, now) < window_ * kGapMaxNs;
  const bool pays = busy && 2 * hits_ > window_;
  if (confined_ != 0 && !pays) {
    release();
  } else if (confined_ == 0 && pays) {
    confine(candidate_);
  }
  stops_ = 0;
  hits_ = 0;
  candidate_ = confined_ != 0 ? confined_ : last;
}

void SharedCpu::confine(pid_t tid) {
  if (!get_cpus(0, own_before_) || !get_cpus(tid, thread_before_)) {
    return;
  }
  cpu_set_t common;
  CPU_AND(&common, &own_before_, &thread_before_);
  if (CPU_COUNT(&common) < 2) {
    return;  // they share it already, or never can
  }
  const int current = ::sched_getcpu();
  for (int offset = 0; offset < CPU_SETSIZE && claim_ < 0; ++offset) {
    const int cpu = (current + offset) % CPU_SETSIZE;
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &common)) {
      claim_ = claim(cpu);
      CPU_ZERO(&one_);
      CPU_SET(static_cast<std::size_t>(cpu), &one_);
    }
  }
  if (claim_ < 0) {
    return;
  }
  confined_ = tid;
  if (::sched_setaffinity(tid, sizeof one_, &one_) != 0 ||
      ::sched_setaffinity(0, sizeof one_, &one_) != 0) {
    release();
  }
}

bool SharedCpu::is_confined(pid_t tid) const {
  cpu_set_t cpus;
  return get_cpus(tid, cpus) && CPU_EQUAL(&cpus, &one_);
}

void SharedCpu::born(pid_t tid) const {
  if (confined_ != 0 && is_confined(tid)) {
    ::sched_setaffinity(tid, sizeof thread_before_, &thread_before_);
  }
}

void SharedCpu::release() {
  if (confined_ == 0) {
    return;
  }
  if (is_confined(confined_)) {  // and nobody else has changed it
    ::sched_setaffinity(confined_, sizeof thread_before_, &thread_before_);
  }
  ::sched_setaffinity(0, sizeof own_before_, &own_before_);
  ::close(claim_);
  claim_ = -1;
  confined_ = 0;
}

}  // namespace crashpoint::ptrace
