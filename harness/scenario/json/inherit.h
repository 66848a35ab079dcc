// Finds scenario files and applies inheritance. Internal to scenario/.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/scenario/json/document.h"

namespace crashpoint::scenario {

// The scenario files among `paths` and below them, sorted, without duplicates. A path that does not
// exist is a problem.
[[nodiscard]] std::vector<std::string> find_files(const std::vector<std::string>& paths,
                                                  std::vector<Problem>& problems);

// The JSON object in `file`; empty, with a problem, if there is none.
[[nodiscard]] std::optional<Document> read_document(const std::string& file,
                                                    std::vector<Problem>& problems);

// The file with everything it inherits: first the "_defaults.json" of its directory, then the file it
// "extends", then its own keys; later ones win. Empty if any of these cannot be read.
[[nodiscard]] std::optional<Document> read_with_inherited(const std::string& file,
                                                          std::vector<Problem>& problems);

}  // namespace crashpoint::scenario
