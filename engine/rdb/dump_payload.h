// DUMP payloads: one value in RDB form with version and checksum (rdb_format.h). For the commands
// DUMP and RESTORE; server/value_codec.h adapts it to commands::ValueCodec.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/keyspace/encoding_limits.h"
#include "engine/keyspace/object.h"

namespace engine::rdb {

std::string dump_value(const keyspace::Object& value);

// The message of an error is the whole reply to RESTORE. `verify`: version and checksum (off after
// DEBUG SET-SKIP-CHECKSUM-VALIDATION).
Result<keyspace::Object> restore_value(std::string_view payload,
                                       const keyspace::EncodingLimits& limits, bool verify = true);

}  // namespace engine::rdb
