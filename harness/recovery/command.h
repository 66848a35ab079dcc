// Runs one command to its end, with what it prints caught, whatever it does: within a deadline, with a bound on
// its output, and with nothing of it left running.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "harness/ptrace/tracer.h"

namespace crashpoint::recovery {

struct CommandLine {
  std::vector<std::string> argv;
  std::filesystem::path directory;  // its working directory
  std::map<std::string, std::string> environment;
};

struct CommandLimits {
  std::chrono::milliseconds deadline{5000};
  std::size_t output_max = std::size_t{64}
                           << 20;  // of standard output; of standard error the end is kept
  // What a command leaves running is given so long to end by itself.
  std::chrono::milliseconds patience{2000};
};

struct CommandEnd {
  enum class Kind : std::uint8_t {
    kEnded,          // with `status`
    kTimeout,        // killed at the deadline
    kTooMuchOutput,  // killed when it had printed more than output_max
    kStopped,        // killed because go_on() said so
  };
  Kind kind = Kind::kEnded;
  int status = 0;             // as from wait(2)
  bool left_running = false;  // it ended, and something that it had started did not
  std::string output;
  std::string errors;  // the end of what it printed to standard error
  double ms = 0;
  ptrace::Run run;  // what was recorded, if `options` say so

  [[nodiscard]] bool succeeded() const { return kind == Kind::kEnded && status == 0; }
};

// "exited with status 1; its last line: no such table", "did not end within 5,000 ms": the same text for the
// same trouble. Of a command that did not succeed.
[[nodiscard]] std::string trouble_of(const CommandEnd& end, const CommandLimits& limits);

// `folder` exists; what is needed for the time of the run is made in it, so no two commands share one at a time.
// Standard input is empty. Throws UsageError where the command cannot be started, EnvironmentError.
[[nodiscard]] CommandEnd run_command(const CommandLine& command,
                                     const std::filesystem::path& folder,
                                     ptrace::TracerOptions options, const CommandLimits& limits,
                                     const std::function<bool()>& go_on = {});

}  // namespace crashpoint::recovery
