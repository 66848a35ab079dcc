// Runs a shell command for a test and collects what it prints.
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

#include "engine/base/check.h"

namespace engine::testing {

struct Finished {
  int status = -1;     // exit status
  std::string output;  // standard output and error
};

inline Finished run_command(const std::string& command) {
  std::FILE* pipe = ::popen(("exec 2>&1; " + command).c_str(), "re");
  ENGINE_CHECK(pipe != nullptr);
  Finished finished;
  std::array<char, 4096> bytes = {};
  for (std::size_t count = 0; (count = std::fread(bytes.data(), 1, bytes.size(), pipe)) > 0;) {
    finished.output.append(bytes.data(), count);
  }
  finished.status = WEXITSTATUS(::pclose(pipe));
  return finished;
}

}  // namespace engine::testing
