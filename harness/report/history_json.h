// A history and a state as JSON, for bundles. Exact for all bytes in commands and values: strings are
// written with escape().
//
// History    JSON lines: the first has clients, snapshots and times, each further line one operation.
// State      One object: when it was read, and a list of keys with type, value and deadline.
#pragma once

#include <string>
#include <string_view>

#include "harness/target/state.h"
#include "harness/workload/history.h"

namespace crashpoint::report {

[[nodiscard]] std::string encode_history(const workload::History& history);
[[nodiscard]] std::string encode_state(const target::State& state);

// Throw std::runtime_error that says where the text is malformed.
[[nodiscard]] workload::History decode_history(std::string_view text);
[[nodiscard]] target::State decode_state(std::string_view text);

}  // namespace crashpoint::report
