// Known findings: the part of a scenario that says which violations of a target are expected, and files
// of them that several scenarios share. Internal to scenario/.
//
// A file has {"target", "version", "findings": {NAME: {"check", "cause" or "found", ...}}}. A scenario
// refers to its entries by "FILE#NAME", where NAME may be a glob; the path is relative to the scenario.
#pragma once

#include <string>
#include <vector>

#include "harness/scenario/json/document.h"
#include "harness/scenario/parse/node.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::scenario {

// Replaces each reference in "known_findings" by the entries that it names. What cannot be resolved is a
// problem.
void resolve_known_findings(Document& document, std::vector<Problem>& problems);

// Adds all entries of the file at `path`, which is relative to the current directory.
void add_known_findings(Document& document, const std::string& path,
                        std::vector<Problem>& problems);

// `node` satisfies the schema and holds no references.
[[nodiscard]] std::vector<KnownFinding> parse_known_findings(const Node& node);

}  // namespace crashpoint::scenario
