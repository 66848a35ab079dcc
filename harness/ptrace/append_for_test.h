// testdata/append under the tracer: what it leaves and says, and the event that a fault struck.
#pragma once

#include <sys/wait.h>

#include <csignal>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/error.h"
#include "harness/ptrace/run_for_test.h"

namespace crashpoint::ptrace {

// What testdata/append has written after `count` lines.
inline std::string lines(std::uint64_t count) {
  std::string text;
  for (std::uint64_t i = 1; i <= count; ++i) {
    text += "line " + std::to_string(i) + "\n";
  }
  return text;
}

// And what it has said of them.
inline std::string said(std::uint64_t count) {
  std::string text;
  for (std::uint64_t i = 1; i <= count; ++i) {
    text += std::to_string(i) + "\n";
  }
  return text;
}

inline constexpr std::uint64_t kLines = 4;
inline const std::vector<std::string> kAppend = {"append", "log", std::to_string(kLines)};

inline const trace::Event& struck(const Run& run) {
  for (const trace::Event& event : run.trace.events) {
    if (event.fault == 0) {
      return event;
    }
  }
  throw EnvironmentError("no event was struck");
}

inline bool was_killed(const Run& run) {
  return WIFSIGNALED(run.status) && WTERMSIG(run.status) == SIGKILL;
}

}  // namespace crashpoint::ptrace
