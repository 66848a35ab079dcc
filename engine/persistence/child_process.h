// A forked child that writes a copy of the keyspace as it was at the fork.
//
// The child dies with its parent, ends by _exit, and replaces nothing: the parent reads its exit
// status and renames. It reports progress through a pipe.
//
// Threads  The main one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "engine/base/result.h"

namespace engine::persistence {

struct ChildProgress {
  std::uint64_t keys_written = 0;
  std::uint64_t copied_bytes = 0;  // private dirty memory of the child: copy-on-write so far
};

// Memory that copy-on-write has copied, over all measurements of a child.
struct CopiedBytes {
  std::uint64_t current = 0;
  std::uint64_t peak = 0;
  std::uint64_t sum = 0;
  std::uint64_t measurements = 0;

  std::uint64_t average() const { return measurements == 0 ? 0 : sum / measurements; }
};

// The child's end of the pipe.
class ProgressReporter {
 public:
  explicit ProgressReporter(int fd) : fd_(fd) {}
  // Cheap; measures and reports at most about once a second.
  void keys_written(std::uint64_t count);
  // Measures and reports now.
  void report();
  const CopiedBytes& copied() const { return copied_; }

 private:
  int fd_;
  ChildProgress progress_;
  CopiedBytes copied_;
  std::int64_t next_report_us_ = 0;
};

class ChildProcess {
 public:
  // Forks; the child runs `work` and exits with 0 if it succeeds, 1 if not. `work` logs its own
  // errors.
  static Result<ChildProcess> start(const std::function<Status(ProgressReporter&)>& work);

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();  // kills and reaps it if it still runs

  pid_t pid() const { return pid_; }
  std::int64_t fork_us() const { return fork_us_; }  // what the fork took
  // Readable when a report has arrived.
  int progress_fd() const { return progress_fd_; }
  // Readable when the child has ended; -1 if the kernel has no pidfd.
  int exit_fd() const { return exit_fd_; }

  // Reads the reports that have arrived; true if there were any.
  bool read_progress();
  const ChildProgress& progress() const { return progress_; }

  enum class Outcome { kSuccess, kError, kSignal };
  struct Exit {
    Outcome outcome = Outcome::kError;
    int signal = 0;
    // Ended by us: SIGUSR1, or exit code 255. No error.
    bool wanted = false;
  };
  // How it ended; nothing while it runs.
  std::optional<Exit> reap();
  // Ends it with SIGUSR1 and waits for that.
  Exit end();

 private:
  ChildProcess(pid_t pid, int progress_fd, int exit_fd, std::int64_t fork_us)
      : pid_(pid), progress_fd_(progress_fd), exit_fd_(exit_fd), fork_us_(fork_us) {}
  Exit wait();
  void close_fds();

  pid_t pid_ = -1;  // -1: moved from
  bool reaped_ = false;
  int progress_fd_ = -1;
  int exit_fd_ = -1;
  std::int64_t fork_us_ = 0;
  ChildProgress progress_;
};

// What this process has in private dirty pages, in bytes; 0 if the kernel does not say.
std::uint64_t private_dirty_bytes();

}  // namespace engine::persistence
