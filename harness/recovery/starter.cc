#include "harness/recovery/starter.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/error.h"
#include "harness/base/fd.h"
#include "harness/recovery/last_line.h"
#include "harness/recovery/live_target.h"
#include "harness/scenario/restarted.h"

namespace crashpoint::recovery {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

std::string no_service_within(std::int64_t deadline_ms, const std::string& log) {
  return fmt::format("it did not serve within {} ms; {}", deadline_ms, last_line(log));
}

class LiveRunning : public Running {
 public:
  explicit LiveRunning(std::unique_ptr<LiveTarget> target) : target_(std::move(target)) {}
  [[nodiscard]] const target::Endpoint& endpoint() const override { return target_->endpoint(); }
  [[nodiscard]] std::string log() const override { return target_->log(); }

 private:
  std::unique_ptr<LiveTarget> target_;
};

}  // namespace

Started LiveStarter::start(const fs::path& directory) {
  const milliseconds deadline(case_.recovery.deadline_ms);
  const fs::path instance = folder_ / "instance";
  fs::remove_all(instance);  // a log that is appended to would report old errors
  auto target = std::make_unique<LiveTarget>(program_, scenario::restarted(case_), directory,
                                             instance, guard_only());
  const StartOutcome outcome = target->wait_ready(deadline);
  Started started;
  started.ms = outcome.ms;
  if (outcome.ready()) {
    started.running = std::make_unique<LiveRunning>(std::move(target));
  } else if (outcome.kind == StartOutcome::Kind::kTimeout) {
    started.trouble = no_service_within(deadline.count(), target->log());
  } else {
    started.trouble =
        fmt::format("it {}; {}", describe_status(outcome.status), last_line(target->log()));
  }
  return started;
}

// A server forked by the service, which has one at a time.
class EngineStarter::Forked : public Running {
 public:
  Forked(EngineService& service, milliseconds deadline, const fs::path& directory,
         const fs::path& folder)
      : service_(service), deadline_(deadline), log_path_(folder / "log") {
    fs::remove(folder / "socket");
    SocketPath socket = socket_path_in(folder);
    endpoint_.unix_path = std::move(socket.path);
    socket_folder_ = std::move(socket.held);
    std::error_code none_yet;
    const std::uintmax_t size = fs::file_size(log_path_, none_yet);
    log_begin_ = none_yet ? 0 : static_cast<std::streamoff>(size);
    const auto pid = ask(fmt::format("{}\t{}", directory.string(), endpoint_.unix_path));
    process_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!process_.valid()) {
      kill();
      throw EnvironmentError("pidfd_open failed");
    }
  }
  ~Forked() override {
    try {
      kill();
    } catch (const EnvironmentError&) {  // it has ended: the server died with it
    }
  }
  Forked(const Forked&) = delete;
  Forked& operator=(const Forked&) = delete;

  [[nodiscard]] const target::Endpoint& endpoint() const override { return endpoint_; }
  [[nodiscard]] std::string log() const override {
    std::ifstream file(log_path_);
    file.seekg(log_begin_);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  // False: it has ended, or does not serve by then.
  bool wait_ready() {
    const SteadyClock::time_point end = SteadyClock::now() + deadline_;
    for (;;) {
      const auto left = std::chrono::ceil<milliseconds>(end - SteadyClock::now());
      if (left.count() <= 0) {
        return false;
      }
      if (serves(endpoint_, left)) {
        return true;
      }
      if (wait_for_end()) {
        return false;
      }
    }
  }

  // Whether it has ended: waits a moment for that.
  bool wait_for_end() {
    constexpr timespec kRetry{.tv_sec = 0, .tv_nsec = 200'000};
    pollfd ended{process_.get(), POLLIN, 0};
    return ::ppoll(&ended, 1, &kRetry, nullptr) > 0;
  }

  // Its status, as from wait(2).
  int kill() { return std::exchange(alive_, false) ? static_cast<int>(ask("")) : 0; }

 private:
  std::int64_t ask(const std::string& line) {
    const auto answer = service_.ask(line, SteadyClock::now() + deadline_);
    if (!answer) {
      throw EnvironmentError("crashpoint-engine --server-starter does not answer");
    }
    return answer->integer;
  }

  EngineService& service_;
  milliseconds deadline_;
  fs::path log_path_;
  std::streamoff log_begin_ = 0;
  Fd socket_folder_;
  target::Endpoint endpoint_;
  Fd process_;
  bool alive_ = true;
};

Started EngineStarter::start(const fs::path& directory) {
  if (service_ == nullptr) {
    service_ = std::make_unique<EngineService>(program_, case_, folder_, "--server-starter");
  }
  const SteadyClock::time_point began = SteadyClock::now();
  const milliseconds deadline(case_.recovery.deadline_ms);
  auto forked = std::make_unique<Forked>(*service_, deadline, directory, folder_);
  Started started;
  if (forked->wait_ready()) {
    started.running = std::move(forked);
  } else if (forked->wait_for_end()) {
    started.trouble =
        fmt::format("it {}; {}", describe_status(forked->kill()), last_line(forked->log()));
  } else {
    started.trouble = no_service_within(deadline.count(), forked->log());
  }
  started.ms = ms_since(began);
  return started;
}

std::unique_ptr<Starter> make_starter(const Program& program, const scenario::Case& of,
                                      fs::path folder) {
  if (program.use == "engine") {
    return std::make_unique<EngineStarter>(program, of, std::move(folder));
  }
  return std::make_unique<LiveStarter>(program, of, std::move(folder));
}

}  // namespace crashpoint::recovery
