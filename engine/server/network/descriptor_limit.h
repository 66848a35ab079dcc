// The limit of open files (RLIMIT_NOFILE), which bounds the number of clients.
#pragma once

#include <cstddef>

namespace engine::server {

// What is set aside for listeners, logs, the AOF, a snapshot: as many as redis-server sets aside.
inline constexpr std::size_t kOwnFiles = 32;

// Raises the limit, as far as it may be raised, so that `clients` can be served beside the engine's
// own files. Returns how many can: `clients` or fewer, 0 where the own files alone do not fit.
std::size_t raise_descriptor_limit(std::size_t clients);

}  // namespace engine::server
