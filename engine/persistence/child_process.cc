#include "engine/persistence/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>

#include "engine/base/clock.h"
#include "engine/base/text.h"
#include "engine/io/failpoint.h"
#include "engine/io/file.h"

namespace engine::persistence {
namespace {

constexpr int kExitSuccess = 0;
constexpr int kExitError = 1;
constexpr int kExitWanted = 255;  // redis-server's SERVER_CHILD_NOERROR_RETVAL
constexpr std::int64_t kReportIntervalUs = 1'000'000;
constexpr std::size_t kSmapsBytesMax = 1 << 20;

// Signals have their default action in the child: it has no loop that would look at a flag.
void reset_signals() {
  for (const int signal : {SIGTERM, SIGUSR1, SIGHUP}) {
    ::signal(signal, SIG_DFL);
  }
  ::signal(SIGINT, SIG_IGN);  // Ctrl-C in a terminal reaches the whole group: the parent decides
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

// Without this a child could outlive a killed parent and keep writing beside its successor.
void die_with(pid_t parent) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || ::getppid() != parent) {
    ::_exit(kExitError);
  }
}

}  // namespace

std::uint64_t private_dirty_bytes() {
  constexpr std::string_view kField = "Private_Dirty:";
  const Result<std::string> text = io::read_file("/proc/self/smaps_rollup", kSmapsBytesMax);
  if (!text) {
    return 0;
  }
  const std::size_t at = text->find(kField);
  return at == std::string::npos
             ? 0
             : std::strtoull(text->c_str() + at + kField.size(), nullptr, 10) * 1024;
}

void ProgressReporter::keys_written(std::uint64_t count) {
  progress_.keys_written = count;
  constexpr std::uint64_t kLookAtClockEvery = 1024;
  if (count % kLookAtClockEvery != 0) {
    return;
  }
  const std::int64_t now_us = SystemClock().monotonic_us();
  if (now_us >= next_report_us_) {
    report();
    next_report_us_ = SystemClock().monotonic_us() + kReportIntervalUs;
  }
}

void ProgressReporter::report() {
  copied_.current = private_dirty_bytes();
  copied_.peak = std::max(copied_.peak, copied_.current);
  copied_.sum += copied_.current;
  ++copied_.measurements;
  progress_.copied_bytes = copied_.current;
  // A full pipe loses a report, which does no harm.
  static_cast<void>(::write(fd_, &progress_, sizeof(progress_)) == 0);
}

// Both ends of the pipe are non-blocking: a parent that is busy must not stop the child, nor a
// silent child the parent.
Result<ChildProcess> ChildProcess::start(const std::function<Status(ProgressReporter&)>& work) {
  int pipe_fds[2] = {-1, -1};
  if (::pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) != 0) {
    return fail(std::string("pipe: ") + error_text(errno), errno);
  }
  const pid_t parent = ::getpid();
  const std::int64_t begin_us = SystemClock().monotonic_us();
  const pid_t pid = ::fork();
  if (pid < 0) {
    const int error = errno;
    static_cast<void>(::close(pipe_fds[0]));
    static_cast<void>(::close(pipe_fds[1]));
    return fail(std::string("fork: ") + error_text(error), error);
  }
  if (pid == 0) {
    if (io::failpoint("planted/child-outlives-its-parent") == 0) {
      die_with(parent);
    }
    reset_signals();
    static_cast<void>(::close(pipe_fds[0]));
    ProgressReporter reporter(pipe_fds[1]);
    const Status done = work(reporter);
    reporter.report();
    ::_exit(done ? kExitSuccess : kExitError);
  }
  const std::int64_t fork_us = SystemClock().monotonic_us() - begin_us;
  static_cast<void>(::close(pipe_fds[1]));
  const int exit_fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  return ChildProcess(pid, pipe_fds[0], exit_fd, fork_us);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      reaped_(other.reaped_),
      progress_fd_(std::exchange(other.progress_fd_, -1)),
      exit_fd_(std::exchange(other.exit_fd_, -1)),
      fork_us_(other.fork_us_),
      progress_(other.progress_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(reaped_, other.reaped_);
  std::swap(progress_fd_, other.progress_fd_);
  std::swap(exit_fd_, other.exit_fd_);
  fork_us_ = other.fork_us_;
  progress_ = other.progress_;
  return *this;
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0 && !reaped_) {
    ::kill(pid_, SIGKILL);
    static_cast<void>(wait());
  }
  close_fds();
}

void ChildProcess::close_fds() {
  for (int* fd : {&progress_fd_, &exit_fd_}) {
    if (*fd >= 0) {
      static_cast<void>(::close(std::exchange(*fd, -1)));
    }
  }
}

bool ChildProcess::read_progress() {
  bool any = false;
  ChildProgress report;
  // Reports are smaller than PIPE_BUF: each arrives whole.
  while (::read(progress_fd_, &report, sizeof(report)) == ssize_t{sizeof(report)}) {
    progress_ = report;
    any = true;
  }
  return any;
}

namespace {

ChildProcess::Exit exit_of(int status) {
  ChildProcess::Exit exit;
  if (WIFSIGNALED(status)) {
    exit.outcome = ChildProcess::Outcome::kSignal;
    exit.signal = WTERMSIG(status);
    exit.wanted = exit.signal == SIGUSR1;
  } else if (WEXITSTATUS(status) == kExitWanted) {
    exit.outcome = ChildProcess::Outcome::kSignal;
    exit.signal = SIGUSR1;
    exit.wanted = true;
  } else if (WEXITSTATUS(status) == kExitSuccess) {
    exit.outcome = ChildProcess::Outcome::kSuccess;
  }
  return exit;
}

}  // namespace

std::optional<ChildProcess::Exit> ChildProcess::reap() {
  // The id may be another process by now.
  ENGINE_CHECK(pid_ > 0 && !reaped_, pid_);
  int status = 0;
  const pid_t reaped = ::waitpid(pid_, &status, WNOHANG);
  if (reaped == 0 || (reaped < 0 && errno == EINTR)) {
    return std::nullopt;
  }
  reaped_ = true;
  static_cast<void>(read_progress());
  return reaped == pid_ ? exit_of(status) : Exit{};  // otherwise the status is lost: an error
}

ChildProcess::Exit ChildProcess::end() {
  ENGINE_CHECK(pid_ > 0 && !reaped_, pid_);
  ::kill(pid_, SIGUSR1);
  return wait();
}

ChildProcess::Exit ChildProcess::wait() {
  int status = 0;
  pid_t reaped = 0;
  do {
    reaped = ::waitpid(pid_, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  reaped_ = true;
  return reaped == pid_ ? exit_of(status) : Exit{};
}

}  // namespace engine::persistence
