// The heap of the data set, counted, so that INFO, maxmemory and MEMORY can say how much it takes.
//
// Threads  The counter is kept for one thread (the one that executes commands). One other may release
//          blocks, if it says so first.
#pragma once

#include <cstddef>

namespace engine::memory {

// As malloc, realloc and free, but never null: a process that is out of memory aborts.
void* allocate(std::size_t bytes);
void* reallocate(void* block, std::size_t bytes);
void release(void* block) noexcept;

// What the block can really hold; all of it may be used.
std::size_t usable_size(const void* block) noexcept;

// The calling thread will only release. What it releases is counted apart.
void count_releases_apart() noexcept;

// Bytes held by all blocks now allocated here, with the allocator's rounding.
std::size_t used_bytes() noexcept;

}  // namespace engine::memory
