// Reads the whole state of a RESP server: every database, key, value and deadline.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/target/resp_client.h"
#include "harness/target/state.h"

namespace crashpoint::target {

// The server must be idle: nobody else writes meanwhile. Keys that expire while it is read are
// absent. Throws ConnectionLost, ProtocolError, and EnvironmentError on a reply that makes no sense
// or when `timeout_ms` passes without one.
[[nodiscard]] State dump_state(const Endpoint& endpoint, std::int64_t timeout_ms = 30'000);

// A value of `type` ("string", "list", "set", "hash", "zset") from the reply to the command that reads
// it whole: GET, LRANGE, SMEMBERS, HGETALL, ZRANGE WITHSCORES. Nothing where the key is gone. Throws
// EnvironmentError on a reply that makes no sense.
[[nodiscard]] std::optional<Value> to_value(const std::string& type, RespValue reply);

// The commands that dump_state() needs of any server and that this one does not answer as Redis does, each
// with its answer; empty if there are none. Throws as dump_state().
[[nodiscard]] std::vector<std::string> unanswered_questions(const Endpoint& endpoint);

}  // namespace crashpoint::target
