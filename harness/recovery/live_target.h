// A target while it runs: started on a data directory, waited for, stopped.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "harness/ptrace/tracer.h"
#include "harness/recovery/program.h"

namespace crashpoint::recovery {

// How a start ended.
struct StartOutcome {
  enum class Kind : std::uint8_t {
    kReady,    // it answers PING, and not with -LOADING
    kExited,   // it ended by itself: `status`
    kTimeout,  // neither, within the deadline
  };
  Kind kind = Kind::kTimeout;
  int status = 0;  // as from wait(2)
  double ms = 0;   // until then

  [[nodiscard]] bool ready() const { return kind == Kind::kReady; }
};

// "exited with status 1", "was killed by SIGKILL".
std::string describe_status(int wait_status);

// Whether a server answers there, and not with -LOADING, within `patience`.
[[nodiscard]] bool serves(const target::Endpoint& endpoint, std::chrono::milliseconds patience);

class LiveTarget {
 public:
  // Starts `program` on `data`. `folder` holds its configuration, socket and log ("log"), is made
  // if missing, and must not be shared with another live target. `options.data_directory` is set
  // from `data`. Throws UsageError, EnvironmentError.
  LiveTarget(const Program& program, const scenario::Target& target,
             const std::filesystem::path& data, const std::filesystem::path& folder,
             ptrace::TracerOptions options);

  // Waits until it serves, has ended, or `deadline` has passed.
  StartOutcome wait_ready(std::chrono::milliseconds deadline);

  // SIGTERM, and SIGKILL to the tree if it has not ended within `deadline`. Its status, or nothing
  // if it had to be killed.
  std::optional<int> shut_down(std::chrono::milliseconds deadline);

  [[nodiscard]] const target::Endpoint& endpoint() const { return instance_.endpoint; }
  [[nodiscard]] ptrace::Tracer& tracer() { return *tracer_; }

  // What it printed and logged so far.
  [[nodiscard]] std::string log() const;

 private:
  Instance instance_;
  std::filesystem::path log_path_;
  std::unique_ptr<ptrace::Tracer> tracer_;
};

// Options for a target that is only to be watched over, not recorded.
ptrace::TracerOptions guard_only();

}  // namespace crashpoint::recovery
