#include "harness/recovery/live_target.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

#include "harness/base/error.h"

namespace crashpoint::recovery {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How long to wait for the end of the process between two tries to connect.
constexpr milliseconds kRetry{1};

}  // namespace

bool serves(const target::Endpoint& endpoint, milliseconds patience) {
  try {
    const target::RespValue reply = target::Client(endpoint, patience.count()).call({"PING"});
    // -NOAUTH and the like come from a server that is up; only -LOADING says "not yet".
    return !reply.is_error() || !reply.text.starts_with("LOADING");
  } catch (const target::ConnectionLost&) {
    return false;
  } catch (const EnvironmentError&) {
    return false;  // connected, but no answer yet
  }
}

std::string describe_status(int wait_status) {
  if (!WIFSIGNALED(wait_status)) {
    return fmt::format("exited with status {}", WEXITSTATUS(wait_status));
  }
  const char* name = sigabbrev_np(WTERMSIG(wait_status));
  return name == nullptr ? fmt::format("was killed by signal {}", WTERMSIG(wait_status))
                         : fmt::format("was killed by SIG{}", name);
}

ptrace::TracerOptions guard_only() {
  ptrace::TracerOptions options;
  options.record = false;
  return options;
}

LiveTarget::LiveTarget(const Program& program, const scenario::Target& target, const fs::path& data,
                       const fs::path& folder, ptrace::TracerOptions options)
    : log_path_(folder / "log") {
  fs::create_directories(folder);
  fs::create_directories(data);
  instance_ = prepare_instance(program, target, data, folder);
  target::ProcessSpec spec;
  spec.argv = instance_.command;
  spec.directory = data.string();
  spec.environment = instance_.environment;
  spec.stdout_path = log_path_.string();
  spec.stderr_path = log_path_.string();
  options.data_directory = data.string();
  tracer_ = std::make_unique<ptrace::Tracer>(spec, std::move(options));
}

StartOutcome LiveTarget::wait_ready(milliseconds deadline) {
  const Clock::time_point began = Clock::now();
  const auto elapsed = [&] { return Clock::now() - began; };
  StartOutcome outcome;
  while (elapsed() < deadline) {
    if (serves(endpoint(),
               std::chrono::duration_cast<milliseconds>(deadline - elapsed()) + kRetry)) {
      outcome.kind = StartOutcome::Kind::kReady;
      break;
    }
    if (tracer_->wait_for_main(kRetry)) {
      outcome.kind = StartOutcome::Kind::kExited;
      outcome.status = tracer_->main_status().value_or(0);
      break;
    }
  }
  outcome.ms = std::chrono::duration<double, std::milli>(elapsed()).count();
  return outcome;
}

std::optional<int> LiveTarget::shut_down(milliseconds deadline) {
  tracer_->signal_main(SIGTERM);
  const bool ended = tracer_->wait_for_main(deadline);
  const std::optional<int> status = ended ? tracer_->main_status() : std::nullopt;
  tracer_->kill_tree();
  return status;
}

std::string LiveTarget::log() const {
  std::ifstream file(log_path_);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace crashpoint::recovery
