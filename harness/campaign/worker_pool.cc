#include "harness/campaign/worker_pool.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "harness/base/clock.h"
#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/campaign/orphans.h"

namespace crashpoint::campaign {
namespace {

constexpr int kTickMs = 200;
// How long a stopped run waits for a job that does not ask whether to go on, and for one that does.
constexpr std::chrono::milliseconds kForDeaf{500};
constexpr std::chrono::milliseconds kForListening{6000};
// Sent by a worker in place of a size: its job asks.
constexpr std::uint64_t kListens = ~std::uint64_t{0};

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool read_all(int fd, char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::read(fd, to, size);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return false;
    }
    to += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

// Messages both ways: a 64-bit size, then that many bytes. To a worker: the job's index as bytes.
bool send_message(int fd, std::string_view bytes) {
  const std::uint64_t size = bytes.size();
  char head[sizeof size];
  std::memcpy(head, &size, sizeof size);
  return write_all(fd, std::string_view(head, sizeof head)) && write_all(fd, bytes);
}

std::optional<std::uint64_t> receive_size(int fd) {
  std::uint64_t size = 0;
  char head[sizeof size];
  if (!read_all(fd, head, sizeof head)) {
    return std::nullopt;
  }
  std::memcpy(&size, head, sizeof size);
  return size;
}

std::optional<std::string> receive_bytes(int fd, std::uint64_t size) {
  std::string bytes(size, '\0');
  return read_all(fd, bytes.data(), bytes.size()) ? std::optional(std::move(bytes)) : std::nullopt;
}

std::optional<std::string> receive_message(int fd) {
  const auto size = receive_size(fd);
  return size ? receive_bytes(fd, *size) : std::nullopt;
}

struct Worker {
  pid_t pid = -1;
  int fd = -1;
  std::optional<std::size_t> job;  // what it is doing
  bool listens = false;            // and whether that asks if it is to go on
};

// Whether a job is to go on: until the parent closes this connection. The first question tells the parent
// that the job listens.
class Orders {
 public:
  explicit Orders(int fd) : fd_(fd) {}

  bool go_on() {
    const std::lock_guard lock(mutex_);
    if (!told_) {
      told_ = true;
      char listens[sizeof kListens];
      std::memcpy(listens, &kListens, sizeof listens);
      static_cast<void>(write_all(fd_, std::string_view(listens, sizeof listens)));
    }
    char byte = 0;
    return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
  }

 private:
  int fd_;
  bool told_ = false;
  std::mutex mutex_;
};

[[noreturn]] void work(int fd, const Job& job) {
  // The parent decides what Ctrl-C means, and its handlers are not ours.
  ::setsid();
  for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGPIPE}) {
    ::signal(signal, SIG_DFL);
  }
  while (const auto message = receive_message(fd)) {
    std::size_t index = 0;
    std::memcpy(&index, message->data(), sizeof index);
    Orders orders(fd);
    if (!send_message(fd, job(index, [&] { return orders.go_on(); }))) {
      break;
    }
  }
  ::_exit(0);
}

class Pool {
 public:
  Pool(const Job& job, unsigned workers) : job_(job), workers_(workers) {}

  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  ~Pool() {
    for (Worker& worker : workers_) {
      if (worker.pid > 0) {
        ::kill(worker.pid, SIGKILL);
        static_cast<void>(reap(worker));
      }
    }
    orphans_.end();
  }

  bool run(std::size_t count, const Done& done, const Tick& tick) {
    std::size_t next = 0;
    std::size_t finished = 0;
    while (finished < count) {
      for (Worker& worker : workers_) {
        if (!worker.job && next < count) {
          give(worker, next++);
        }
      }
      finished += collect(done, kTickMs);
      if (!tick()) {
        stop(done);
        return false;
      }
    }
    return true;
  }

 private:
  void give(Worker& worker, std::size_t index) {
    if (worker.pid <= 0) {
      start(worker);
    }
    char bytes[sizeof index];
    std::memcpy(bytes, &index, sizeof index);
    worker.job = index;
    worker.listens = false;
    // A worker that is already gone is noticed when its result is awaited.
    static_cast<void>(send_message(worker.fd, std::string_view(bytes, sizeof bytes)));
  }

  void start(Worker& worker) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      throw EnvironmentError(fmt::format("cannot make a worker's socket: {}", error_text(errno)));
    }
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
      throw EnvironmentError(fmt::format("cannot fork a worker: {}", error_text(errno)));
    }
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) {
        ::_exit(1);
      }
      ::close(ends[0]);
      for (const Worker& sibling : workers_) {
        if (sibling.fd >= 0) {
          ::close(sibling.fd);
        }
      }
      work(ends[1], job_);
    }
    ::close(ends[1]);
    worker.pid = pid;
    worker.fd = ends[0];
  }

  // Waits for results; returns how many there were.
  std::size_t collect(const Done& done, int timeout_ms) {
    std::vector<pollfd> waits;
    for (const Worker& worker : workers_) {
      waits.push_back({worker.job ? worker.fd : -1, POLLIN, 0});
    }
    std::size_t count = 0;
    if (::poll(waits.data(), waits.size(), timeout_ms) > 0) {
      for (std::size_t i = 0; i < waits.size(); ++i) {
        if (waits[i].revents != 0) {
          count += take_result(workers_[i], done) ? 1U : 0U;
        }
      }
    }
    return count;
  }

  // What workers have when they end their jobs early is a result, too.
  void stop(const Done& done) {
    for (const Worker& worker : workers_) {
      if (worker.job) {
        ::shutdown(worker.fd, SHUT_WR);
      }
    }
    const Done results = [&](std::size_t index, std::string result, const std::string& died) {
      if (died.empty()) {
        done(index, std::move(result), died);
      }
    };
    const auto began = SteadyClock::now();
    const auto is_awaited = [&](const Worker& worker) {
      return worker.job && SteadyClock::now() - began < (worker.listens ? kForListening : kForDeaf);
    };
    while (std::any_of(workers_.begin(), workers_.end(), is_awaited)) {
      collect(results, kTickMs / 4);
    }
  }

  // False: the worker only says that its job listens.
  bool take_result(Worker& worker, const Done& done) {
    const auto size = receive_size(worker.fd);
    if (size == kListens) {
      worker.listens = true;
      return false;
    }
    const std::size_t index = *worker.job;
    worker.job.reset();
    if (auto result = size ? receive_bytes(worker.fd, *size) : std::nullopt) {
      done(index, std::move(*result), "");
    } else {
      done(index, "", reap(worker));
    }
    return true;
  }

  // Waits for a dead or dying worker; says how it died.
  static std::string reap(Worker& worker) {
    int status = 0;
    while (::waitpid(worker.pid, &status, 0) < 0 && errno == EINTR) {
    }
    ::close(worker.fd);
    worker = Worker{};
    const char* const name = WIFSIGNALED(status) ? ::sigabbrev_np(WTERMSIG(status)) : nullptr;
    return name != nullptr       ? fmt::format("killed by SIG{}", name)
           : WIFSIGNALED(status) ? fmt::format("killed by signal {}", WTERMSIG(status))
                                 : fmt::format("exited with status {}", WEXITSTATUS(status));
  }

  const Job& job_;
  Orphans orphans_;
  std::vector<Worker> workers_;
};

}  // namespace

bool run_in_workers(std::size_t count, unsigned workers, const Job& job, const Done& done,
                    const Tick& tick) {
  return Pool(job, workers == 0 ? 1 : workers).run(count, done, tick);
}

}  // namespace crashpoint::campaign
