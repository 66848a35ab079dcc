// Reads scenario files into cases. Starts nothing and changes nothing, but where `record_calls` does.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/scenario/json/problem.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::scenario {

// The largest seed: JSON numbers are exact up to here.
inline constexpr std::uint64_t kSeedMax = (std::uint64_t{1} << 53) - 1;

// A call of a target's life, as the place of a fault: the nth one that the rest describes.
struct Call {
  std::string syscall;
  std::string path;  // glob; empty: it is about no file
  std::string role;  // "main", "rewrite", "child:2"
  std::uint64_t nth = 1;
  friend bool operator==(const Call&, const Call&) = default;
};

// Which calls a matrix asks for: { "each": "call", "of": [...] }.
struct CallsWanted {
  std::vector<std::string> of;  // as in the place of a fault
  std::string path;             // glob; empty: any
  std::string role;             // empty: any
  bool of_recovery = false;     // of the start after the crash, else of the run
};

struct LoadOptions {
  std::optional<std::uint64_t> seed;  // replaces the seeds of the files
  std::uint64_t round = 0;  // of a repeated run: from the second (1) on, seeds are derived from it
  std::string target;       // "engine", "redis" or a command: replaces the targets of the files
  // Which cases: globs on names (`*` also matches '/'; a name without bracket matches all its cases),
  // or "tag:NAME". Empty: all. `exclude` wins.
  std::vector<std::string> filter;
  std::vector<std::string> exclude;
  std::string known_findings;  // a file of them that holds for all cases, beside those of the files
  // Runs the target of a case, whose faults have been left out, and lists its calls in order. Without it (to
  // list or check scenarios) a matrix over each call has one case for each kind of call.
  std::function<std::vector<Call>(const Case& of, const CallsWanted& wanted)> record_calls;
  bool all = false;  // ignore the "sample" of a matrix, which a filter implies, and of "continues"
};

// A case that the target given on the command line cannot run.
struct LeftOut {
  std::string name;
  std::string reason;
};

struct Loaded {
  std::vector<Case> cases;        // sorted by name, numbers within names as numbers
  std::vector<Problem> warnings;  // valid, but probably a mistake
  std::vector<LeftOut> left_out;
  std::size_t not_in_sample = 0;  // number of cases that `all` would add
  std::size_t file_count = 0;
};

// `paths` are scenario files, or directories to search for *.json; files and directories whose names
// start with '_' are defaults, bases and templates, not scenarios. Throws UsageError if there is any
// problem, with all problems of all files, one per line; also if no case is found or chosen.
[[nodiscard]] Loaded load(const std::vector<std::string>& paths, const LoadOptions& options = {});

// The scenario files that load() would read. Throws UsageError if a path does not exist or contains no
// scenario.
[[nodiscard]] std::vector<std::string> scenario_files(const std::vector<std::string>& paths);

}  // namespace crashpoint::scenario
