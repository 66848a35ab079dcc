// DEBUG DIGEST: one SHA-1 for all data, equal for equal data whatever the encodings and the order
// of hash tables, and equal to redis-server 7.0's.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "engine/keyspace/keyspace.h"

namespace engine::commands {

using Digest = std::array<unsigned char, 20>;

Digest digest_of(const keyspace::Keyspace& keyspace);
// Of a value and its expiry, without its key.
Digest digest_of(const keyspace::Object& value, bool expires);
std::string to_hex(const Digest& digest);

}  // namespace engine::commands
