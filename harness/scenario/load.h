// Reads scenario files into cases. Never starts or changes anything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/scenario/scenario.h"

namespace crashpoint::scenario {

struct LoadOptions {
  std::optional<std::uint64_t> seed;  // instead of each file's own
  std::uint64_t round = 0;  // of a repeated run; each after the first has seeds that follow from it
  std::string target;       // "engine" or "redis", or a command: instead of each file's own
  // Which cases: globs on names (`*` matches '/'; a name without its bracket means all its cases),
  // or "tag:NAME". Empty: all. `exclude` wins.
  std::vector<std::string> filter;
  std::vector<std::string> exclude;
  bool all = false;  // also the cases that a matrix's "sample" passes over; a filter implies it
};

// Something wrong at a place in a file. `text` says what was found, what is allowed and, where one
// is near, the name that was meant.
struct Problem {
  std::string file;
  std::size_t line = 0;  // from 1; 0: the file as a whole
  std::size_t column = 0;
  std::string pointer;  // JSON pointer: "/faults/0/at/syscall"
  std::string text;
};

// "file:line:column: /json/pointer: text"
[[nodiscard]] std::string to_string(const Problem& problem);

// A case that the target asked for on the command line cannot run.
struct LeftOut {
  std::string name;
  std::string reason;
};

struct Loaded {
  std::vector<Case> cases;        // in order of name, numbers within names by size
  std::vector<Problem> warnings;  // legal, but hardly meant
  std::vector<LeftOut> left_out;
  std::size_t passed_over_by_sample = 0;  // cases that `all` would have added
  std::size_t file_count = 0;
};

// `paths` are scenario files or folders, searched for *.json; files and
// folders whose names start with '_' are defaults, bases and templates, not scenarios. Throws UsageError whose message has every problem of every
// file, one a line, when there is any; also when nothing is found or the filter leaves nothing.
[[nodiscard]] Loaded load(const std::vector<std::string>& paths, const LoadOptions& options = {});

// The files that load() reads of `paths`, without reading them. Throws UsageError where a path is not
// there or holds none.
[[nodiscard]] std::vector<std::string> scenario_files(const std::vector<std::string>& paths);

}  // namespace crashpoint::scenario
