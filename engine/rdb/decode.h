// Reads values in their RDB form, of every type and encoding since Redis 2.4 (rdb_format.h).
#pragma once

#include <cstdint>
#include <optional>

#include "engine/keyspace/encoding_limits.h"
#include "engine/keyspace/object.h"
#include "engine/rdb/input.h"

namespace engine::rdb {

// Reads the value that follows a key. Nothing and `input` still ok: an empty collection, which
// Redis leaves out. Nothing and not ok: corrupt, or a type that this engine does not have. Every
// blob is validated down to its last byte before it is used; a value beyond `limits` is converted.
std::optional<keyspace::Object> get_value(Input& input, std::uint8_t type,
                                          const keyspace::EncodingLimits& limits);

}  // namespace engine::rdb
