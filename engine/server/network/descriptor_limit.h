// The limit of open files (RLIMIT_NOFILE), which bounds the number of clients.
#pragma once

#include <cstddef>

namespace engine::server {

// Raises the limit, as far as it may be raised, so that `clients` can be served beside the engine's
// own files. Returns how many can: `clients` or fewer.
std::size_t raise_descriptor_limit(std::size_t clients);

}  // namespace engine::server
