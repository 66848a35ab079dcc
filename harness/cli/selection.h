// The options that choose cases, shared by all commands that read scenarios.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/scenario/load/load.h"

namespace CLI {
class App;
}

namespace crashpoint::cli {

struct Selection {
  std::vector<std::string> paths;  // files and directories; empty: "scenarios"
  std::vector<std::string> filter;
  std::vector<std::string> exclude;
  bool all = false;
  std::optional<std::string> target;  // absent: that of each file
  std::string known_findings;  // a file of them for all cases; empty: only those of the scenarios
  bool runs = false;           // a matrix over each call may run the target to list them
  std::optional<std::string> seed;  // a number or "random"; absent: the seed of each file
};

// Adds PATH..., --filter, --exclude, --all, --target, --known and --seed to `command`; `selection` must outlive it.
void add_selection(CLI::App& command, Selection& selection);

// Prints to standard error how many cases the sample leaves out, if any.
void print_sample_note(const scenario::Loaded& loaded);

// Loads the chosen cases. Prints warnings to standard error. Throws UsageError.
[[nodiscard]] scenario::Loaded load(const Selection& selection);

// The same cases with the seeds of round `round` of a repeated run (0 is the first).
[[nodiscard]] scenario::Loaded load_round(const Selection& selection, std::uint64_t round);

// Replaces "random" by a random number, from which the seeds of all rounds follow. Throws UsageError.
void draw_seed(Selection& selection);

}  // namespace crashpoint::cli
