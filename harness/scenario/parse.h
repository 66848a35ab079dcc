// From JSON that the schema allows to the structs of scenario.h, a part each. What a schema cannot
// say (an errno that the syscall cannot give, a path that leads outside) is checked here. Internal
// to scenario/.
#pragma once

#include <string>
#include <vector>

#include "harness/scenario/node.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::scenario {

// The whole of a case but its names. `root` is the top level of a document.
void parse_case(const Node& root, Case& out);

[[nodiscard]] Target parse_target(const Node& node);
[[nodiscard]] Files parse_files(const Node& node);
[[nodiscard]] workload::Plan parse_workload(const Node& steps);
[[nodiscard]] std::vector<fault::Fault> parse_faults(const Node& node, const Case& known);
// Of a start after the crash, when there is no workload.
[[nodiscard]] std::vector<fault::Fault> parse_recovery_faults(const Node& node, const Case& known);
[[nodiscard]] Crash parse_crash(const Node& node);
[[nodiscard]] std::vector<crash::Damage> parse_damage(const Node& node);
[[nodiscard]] Oracle parse_oracle(const Node& node, const Case& known);

// Bytes as text, {"hex"}, {"repeat", "times"}; a number as it is written.
[[nodiscard]] std::string parse_bytes(const Node& node);
[[nodiscard]] std::vector<std::string> parse_texts(const Node& list);

// A glob or path within the data directory; a problem when it is none.
[[nodiscard]] std::string parse_inside_path(const Node& node);

// 0 and a problem when there is no errno, or signal, of that name.
[[nodiscard]] int parse_errno(const Node& node);
[[nodiscard]] int parse_signal(const Node& node);

// {seed} filled in; the names the harness fills in later ({dir}, ...) stay. `text` may hold other
// braces: they mean nothing.
[[nodiscard]] std::string fill_in_seed(const std::string& text, std::uint64_t seed);

}  // namespace crashpoint::scenario
