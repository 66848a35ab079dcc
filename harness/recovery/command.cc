#include "harness/recovery/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/error.h"
#include "harness/base/fd.h"
#include "harness/base/text.h"
#include "harness/recovery/last_line.h"
#include "harness/recovery/live_target.h"

namespace crashpoint::recovery {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr std::size_t kErrorsMax = std::size_t{64} << 10;
constexpr std::size_t kReadAtOnce = std::size_t{64} << 10;
// How long to wait for output before looking whether the command has ended and may go on.
constexpr milliseconds kLook{20};

// At most so long is waited for the end of the output of a command that is gone.
constexpr milliseconds kDrain{1000};

// A named pipe, so that a command prints into a pipe as it does at a shell, and no output fills a disk.
class OutputPipe {
 public:
  explicit OutputPipe(fs::path path) : path_(std::move(path)) {
    if (::mkfifo(path_.c_str(), 0600) != 0 && errno != EEXIST) {
      throw EnvironmentError(
          fmt::format("cannot create {}: {}", path_.string(), error_text(errno)));
    }
    fd_ = Fd(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!fd_.valid()) {
      throw EnvironmentError(fmt::format("cannot open {}: {}", path_.string(), error_text(errno)));
    }
  }
  ~OutputPipe() { ::unlink(path_.c_str()); }
  OutputPipe(const OutputPipe&) = delete;
  OutputPipe& operator=(const OutputPipe&) = delete;

  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] bool open() const { return fd_.valid(); }

  // What is there; at the end of the stream the pipe is closed.
  void read_into(std::string& text) {
    std::array<char, kReadAtOnce> buffer;  // NOLINT(*-member-init): read into
    const ssize_t count = ::read(fd_.get(), buffer.data(), buffer.size());
    if (count > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
    } else if (count == 0) {
      fd_ = Fd();
    } else if (errno != EAGAIN && errno != EINTR) {
      throw EnvironmentError(fmt::format("cannot read {}: {}", path_.string(), error_text(errno)));
    }
  }

 private:
  fs::path path_;
  Fd fd_;
};

class RunningCommand {
 public:
  RunningCommand(const CommandLine& command, const fs::path& folder, ptrace::TracerOptions options,
                 const CommandLimits& limits, const std::function<bool()>& go_on)
      : limits_(limits), go_on_(go_on), output_(folder / "stdout"), errors_(folder / "stderr") {
    options.data_directory = command.directory.string();
    tracer_.emplace(target::ProcessSpec{.argv = command.argv,
                                        .directory = command.directory.string(),
                                        .environment = command.environment,
                                        .stdout_path = output_.path(),
                                        .stderr_path = errors_.path()},
                    std::move(options));
  }

  CommandEnd wait() {
    while (!tracer_->main_status()) {
      if (const auto why = must_end()) {
        return kill(*why);
      }
      if (output_.open() || errors_.open()) {
        read(kLook);
      } else {
        tracer_->wait_for_main(kLook);
      }
    }
    const SteadyClock::time_point ended = SteadyClock::now();
    end_.status = tracer_->main_status().value_or(0);
    // What it started may print on, and lives as long as it likes, up to a point.
    while (output_.open() || errors_.open() || !tracer_->wait_for_end(milliseconds(0))) {
      if (const auto why = must_end()) {
        return kill(*why);
      }
      if (SteadyClock::now() - ended > limits_.patience) {
        end_.left_running = true;
        break;
      }
      if (output_.open() || errors_.open()) {
        read(kLook);
      } else {
        tracer_->wait_for_end(kLook);
      }
    }
    return finish();
  }

 private:
  std::optional<CommandEnd::Kind> must_end() const {
    if (end_.output.size() > limits_.output_max) {
      return CommandEnd::Kind::kTooMuchOutput;
    }
    if (SteadyClock::now() - began_ > limits_.deadline) {
      return CommandEnd::Kind::kTimeout;
    }
    if (go_on_ && !go_on_()) {
      return CommandEnd::Kind::kStopped;
    }
    return std::nullopt;
  }

  void read(milliseconds patience) {
    // A negative descriptor is left out.
    std::array<pollfd, 2> pipes{pollfd{output_.open() ? output_.fd() : -1, POLLIN, 0},
                                pollfd{errors_.open() ? errors_.fd() : -1, POLLIN, 0}};
    if (::poll(pipes.data(), pipes.size(), static_cast<int>(patience.count())) <= 0) {
      return;
    }
    if (pipes[0].revents != 0) {
      output_.read_into(end_.output);
    }
    if (pipes[1].revents != 0) {
      errors_.read_into(end_.errors);
      if (end_.errors.size() > 2 * kErrorsMax) {
        end_.errors.erase(0, end_.errors.size() - kErrorsMax);
      }
    }
  }

  CommandEnd kill(CommandEnd::Kind kind) {
    end_.kind = kind;
    return finish();
  }

  CommandEnd finish() {
    tracer_->kill_tree();
    end_.run = tracer_->finish();
    // Nobody is left to write: what is still in the pipes is all. (A process that another thread of ours is just
    // starting may hold their ends for a moment.)
    const SteadyClock::time_point gone = SteadyClock::now();
    while ((output_.open() || errors_.open()) && end_.output.size() <= limits_.output_max &&
           SteadyClock::now() - gone < kDrain) {
      read(kLook);
    }
    if (end_.kind == CommandEnd::Kind::kEnded && end_.output.size() > limits_.output_max) {
      end_.kind = CommandEnd::Kind::kTooMuchOutput;
    }
    end_.ms = ms_since(began_);
    return std::move(end_);
  }

  const CommandLimits& limits_;
  const std::function<bool()>& go_on_;
  OutputPipe output_;
  OutputPipe errors_;
  SteadyClock::time_point began_ = SteadyClock::now();
  std::optional<ptrace::Tracer> tracer_;
  CommandEnd end_;
};

}  // namespace

std::string trouble_of(const CommandEnd& end, const CommandLimits& limits) {
  switch (end.kind) {
    case CommandEnd::Kind::kTimeout:
      return fmt::format("did not end within {} ms",
                         with_commas(static_cast<std::uint64_t>(limits.deadline.count())));
    case CommandEnd::Kind::kTooMuchOutput:
      return fmt::format("printed more than {} bytes", with_commas(limits.output_max));
    case CommandEnd::Kind::kStopped:
      return "was stopped with the run";
    case CommandEnd::Kind::kEnded:
      break;
  }
  return fmt::format("{}; {}", describe_status(end.status),
                     last_line(end.errors.empty() ? end.output : end.errors));
}

CommandEnd run_command(const CommandLine& command, const fs::path& folder,
                       ptrace::TracerOptions options, const CommandLimits& limits,
                       const std::function<bool()>& go_on) {
  return RunningCommand(command, folder, std::move(options), limits, go_on).wait();
}

}  // namespace crashpoint::recovery
