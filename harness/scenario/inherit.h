// Which files are scenarios, and what each inherits. Internal to scenario/.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/scenario/document.h"

namespace crashpoint::scenario {

// The scenario files that `paths` name or hold, sorted, each once. A path that is not there is a
// problem.
[[nodiscard]] std::vector<std::string> find_files(const std::vector<std::string>& paths,
                                                  std::vector<Problem>& problems);

// The file with all it inherits: the "_defaults.json" beside it, then what it "extends", then its
// own keys, each winning over those before. Empty when any of them cannot be read.
[[nodiscard]] std::optional<Document> read_with_inherited(const std::string& file,
                                                          std::vector<Problem>& problems);

}  // namespace crashpoint::scenario
