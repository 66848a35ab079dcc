// The options by which every verb that reads scenarios chooses its cases.
#pragma once

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

}  // namespace crashpoint::cli
