// The options by which every verb that reads scenarios chooses its cases.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/scenario/load.h"

namespace CLI {
class App;
}

namespace crashpoint::cli {

struct Selection {
  std::vector<std::string> paths;  // files and folders; none given: "scenarios"
  std::vector<std::string> filter;
  std::vector<std::string> exclude;
  bool all = false;
  std::string target;
  std::string seed;  // a number or "random"; empty: each file's own
};

// Adds PATH..., --filter, --exclude, --all, --target and --seed to `verb`; `selection` must outlive it.
void add_selection(CLI::App& verb, Selection& selection);

// On standard error: how many cases there are besides.
void tell_of_sample(const scenario::Loaded& loaded);

// What they chose. Prints warnings to standard error. Throws UsageError.
[[nodiscard]] scenario::Loaded load(const Selection& selection);

// The same cases with the seeds of a further round of a run, from 1.
[[nodiscard]] scenario::Loaded load_round(const Selection& selection, std::uint64_t round);

// "random" becomes the number that is drawn, so that all rounds follow from it. Throws UsageError.
void draw_seed(Selection& selection);

}  // namespace crashpoint::cli
