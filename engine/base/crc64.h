// CRC-64 as Redis uses it in RDB files and DUMP payloads: the Jones polynomial 0xad93d23594c935a9,
// reflected, initial value and final xor 0. crc64(0, "123456789") = 0xe9c6d914c4b8d9ca.
#pragma once

#include <cstdint>
#include <string_view>

namespace engine {

// Continues from `crc` (0 at the start), so that a stream can be summed piece by piece.
std::uint64_t crc64(std::uint64_t crc, std::string_view bytes);

}  // namespace engine
