// Runs command lines in a shell.
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace crashpoint {

struct Outcome {
  int exit_code = -1;
  std::string output;  // stdout and stderr together
};

// Unsets the variables that shard these tests, since crashpoint would shard its cases by them.
inline Outcome shell(const std::string& command) {
  Outcome outcome;
  FILE* pipe = ::popen(
      ("unset GTEST_TOTAL_SHARDS GTEST_SHARD_INDEX\n{ " + command + "\n} 2>&1 </dev/null").c_str(),
      "r");
  std::array<char, 4096> piece{};
  while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), pipe)) {
    outcome.output.append(piece.data(), size);
  }
  const int status = ::pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

}  // namespace crashpoint
