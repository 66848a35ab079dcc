// The RDB form of lengths, strings and values (rdb_format.h).
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/keyspace/object.h"
#include "engine/rdb/output.h"
#include "engine/rdb/rdb_format.h"

namespace engine::rdb {

void put_length(Output& out, std::uint64_t length);
// As an integer where the text is the canonical decimal of a small one, else compressed where that
// saves something, else as it is.
void put_string(Output& out, std::string_view text, bool compress);
ValueType value_type(const keyspace::Object& value);
// What follows the type byte and the key.
void put_value(Output& out, const keyspace::Object& value, bool compress);

}  // namespace engine::rdb
