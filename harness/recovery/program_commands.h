// The commands of a target that is any program, made concrete: in which directory, with which words.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/recovery/command.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::recovery {

// What the placeholders of a command stand for.
struct CommandPlaces {
  std::filesystem::path dir;       // {dir}
  std::filesystem::path run;       // {run}
  std::uint64_t seed = 1;          // {seed}
  std::filesystem::path scenario;  // {scenario}
};

// The words that are executed: those of the list, or `sh -c` with the text. "${dir}" of a shell stays as it is.
[[nodiscard]] std::vector<std::string> argv_of(const scenario::Command& command,
                                               const CommandPlaces& places);

// The command of a case, to be run in `dir`.
[[nodiscard]] CommandLine command_line(const scenario::Case& of, const scenario::Command& command,
                                       const CommandPlaces& places);

// The places of a case whose data directory is `dir`.
[[nodiscard]] CommandPlaces places_of(const scenario::Case& of, const std::filesystem::path& dir,
                                      const std::filesystem::path& run);

}  // namespace crashpoint::recovery
