// Converts JSON that satisfies the schema to the structs of scenario.h, one function per part, and
// checks what a schema cannot express (an errno that the syscall cannot return, a path outside the data
// directory). Internal to scenario/.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harness/scenario/parse/node.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::scenario {

// Everything of a case except its names. `root` is the top level of a document.
void parse_case(const Node& root, Case& out);

[[nodiscard]] Target parse_target(const Node& node);
// Of a target that is any program, once the rest of the case is known: its commands.
void parse_program(const Node& root, Case& out);
// Of another one: a problem for each key that is there only for programs.
void refuse_commands_of_programs(const Node& root);
// Directives of redis.conf; check_directives() looks at what they say.
[[nodiscard]] Config parse_config(const Node& node);
[[nodiscard]] Files parse_files(const Node& node);
[[nodiscard]] workload::Plan parse_workload(const Node& steps);
[[nodiscard]] std::vector<fault::Fault> parse_faults(const Node& node, const Case& known);
// Faults during recovery, when there is no workload.
[[nodiscard]] std::vector<fault::Fault> parse_recovery_faults(const Node& node, const Case& known);
[[nodiscard]] Crash parse_crash(const Node& node);
[[nodiscard]] std::vector<crash::Damage> parse_damage(const Node& node);
[[nodiscard]] Oracle parse_oracle(const Node& node, const Case& known);

// What goes with `recovery.beside`: which faults, and what else may happen to the directory.
void check_survivors(const Node& root, const Case& out);

// Bytes given as a string, {"hex"}, {"repeat", "times"} or {"copy"}; a number as its digits.
[[nodiscard]] std::string parse_bytes(const Node& node);
[[nodiscard]] std::vector<std::string> parse_texts(const Node& list);

// A problem unless `from` is at most `to`.
void check_order(const Node& range, std::uint64_t from, std::uint64_t to);

// A glob or path within the data directory; a problem if it is not.
[[nodiscard]] std::string parse_inside_path(const Node& node);
// Why a call of that name cannot be the place of a fault, with what can; empty if it can.
[[nodiscard]] std::string syscall_problem(const std::string& name);

// 0 and a problem if there is no errno, or signal, of that name.
[[nodiscard]] int parse_errno(const Node& node);
[[nodiscard]] int parse_signal(const Node& node);

// Replaces {seed}. The placeholders that the harness replaces later ({dir}, ...) and any other braces
// stay as they are.
[[nodiscard]] std::string fill_in_seed(const std::string& text, std::uint64_t seed);

}  // namespace crashpoint::scenario
