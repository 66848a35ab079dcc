#include "harness/campaign/worker_pool.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <optional>
#include <string_view>
#include <vector>

#include "harness/base/error.h"

namespace crashpoint::campaign {
namespace {

constexpr int kTickMs = 200;

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

std::optional<std::string> receive_message(int fd) {
  std::uint64_t size = 0;
  char head[sizeof size];
  if (!read_all(fd, head, sizeof head)) {
    return std::nullopt;
  }
  std::memcpy(&size, head, sizeof size);
  std::string bytes(size, '\0');
  if (!read_all(fd, bytes.data(), bytes.size())) {
    return std::nullopt;
  }
  return bytes;
}

struct Worker {
  pid_t pid = -1;
  int fd = -1;
  std::optional<std::size_t> job;  // what it is doing
};

[[noreturn]] void work(int fd, const Job& job) {
  // Ctrl-C reaches the whole foreground group; the parent decides what it means.
  ::signal(SIGINT, SIG_IGN);
  while (const auto message = receive_message(fd)) {
    std::size_t index = 0;
    std::memcpy(&index, message->data(), sizeof index);
    if (!send_message(fd, job(index))) {
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
      std::vector<pollfd> waits;
      for (const Worker& worker : workers_) {
        waits.push_back({worker.job ? worker.fd : -1, POLLIN, 0});
      }
      if (::poll(waits.data(), waits.size(), kTickMs) > 0) {
        for (std::size_t i = 0; i < waits.size(); ++i) {
          if (waits[i].revents != 0) {
            ++finished;
            collect(workers_[i], done);
          }
        }
      }
      if (!tick()) {
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
    // A worker that is already gone is noticed when its result is awaited.
    static_cast<void>(send_message(worker.fd, std::string_view(bytes, sizeof bytes)));
  }

  void start(Worker& worker) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
      throw EnvironmentError(
          fmt::format("cannot make a worker's socket: {}", std::strerror(errno)));
    }
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
      throw EnvironmentError(fmt::format("cannot fork a worker: {}", std::strerror(errno)));
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

  void collect(Worker& worker, const Done& done) {
    const std::size_t index = *worker.job;
    worker.job.reset();
    if (auto result = receive_message(worker.fd)) {
      done(index, std::move(*result), "");
      return;
    }
    done(index, "", reap(worker));
  }

  // Waits for a dead or dying worker; says how it died.
  static std::string reap(Worker& worker) {
    int status = 0;
    while (::waitpid(worker.pid, &status, 0) < 0 && errno == EINTR) {
    }
    ::close(worker.fd);
    worker = Worker{};
    return WIFSIGNALED(status) ? fmt::format("killed by signal {}", WTERMSIG(status))
                               : fmt::format("exited with status {}", WEXITSTATUS(status));
  }

  const Job& job_;
  std::vector<Worker> workers_;
};

}  // namespace

bool run_in_workers(std::size_t count, unsigned workers, const Job& job, const Done& done,
                    const Tick& tick) {
  return Pool(job, workers == 0 ? 1 : workers).run(count, done, tick);
}

}  // namespace crashpoint::campaign
