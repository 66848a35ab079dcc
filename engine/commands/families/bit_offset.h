// Offsets of bits as SETBIT, GETBIT and BITFIELD take them.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/commands/dispatch/context.h"

namespace engine::commands {

// Below 8 x proto-max-bulk-len. With `unit_bits` (BITFIELD) "#n" means n times that many. Replies
// the error.
std::optional<std::uint64_t> parse_bit_offset(Context& c, std::size_t index, unsigned unit_bits);

}  // namespace engine::commands
