// The directive appendfsync: when what was written to the append only file is made durable.
#pragma once

#include <cstdint>

namespace engine::aof {

enum class FsyncPolicy : std::uint8_t { kAlways, kEverysec, kNo };

}  // namespace engine::aof
