// A history and a state as JSON, for bundles: exact, whatever bytes commands and values hold. Texts
// stand as escape() has them.
//
// History    JSON lines: the first has clients, snapshots and times, each further one an operation.
// State      An object: when it was read, and a list of keys with type, value and deadline.
#pragma once

#include <string>
#include <string_view>

#include "harness/target/state.h"
#include "harness/workload/history.h"

namespace crashpoint::report {

[[nodiscard]] std::string encode_history(const workload::History& history);
[[nodiscard]] std::string encode_state(const target::State& state);

// Throw std::runtime_error saying where the text is not what was encoded.
[[nodiscard]] workload::History decode_history(std::string_view text);
[[nodiscard]] target::State decode_state(std::string_view text);

}  // namespace crashpoint::report
