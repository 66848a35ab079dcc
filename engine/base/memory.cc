#include "engine/base/memory.h"

#include <malloc.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace engine::memory {
namespace {

// Relaxed load and store rather than a read-modify-write: one thread writes each, any may look.
std::atomic<std::size_t> used{0};
std::atomic<std::size_t> released_apart{0};
thread_local bool counts_apart = false;

void count(std::size_t added, std::size_t removed) noexcept {
  used.store(used.load(std::memory_order_relaxed) + added - removed, std::memory_order_relaxed);
}

[[noreturn]] void out_of_memory(std::size_t bytes) {
  std::fprintf(stderr, "Out of memory allocating %zu bytes\n", bytes);
  std::abort();
}

}  // namespace

void* allocate(std::size_t bytes) {
  void* block = std::malloc(bytes);
  if (block == nullptr) {
    out_of_memory(bytes);
  }
  count(malloc_usable_size(block), 0);
  return block;
}

void* reallocate(void* block, std::size_t bytes) {
  const std::size_t before = usable_size(block);
  void* moved = std::realloc(block, bytes);
  if (moved == nullptr) {
    out_of_memory(bytes);
  }
  count(malloc_usable_size(moved), before);
  return moved;
}

void release(void* block) noexcept {
  const std::size_t bytes = usable_size(block);
  if (counts_apart) {
    released_apart.store(released_apart.load(std::memory_order_relaxed) + bytes,
                         std::memory_order_relaxed);
  } else {
    count(0, bytes);
  }
  std::free(block);
}

std::size_t usable_size(const void* block) noexcept {
  return malloc_usable_size(const_cast<void*>(block));
}

void count_releases_apart() noexcept {
  counts_apart = true;
}

std::size_t used_bytes() noexcept {
  return used.load(std::memory_order_relaxed) - released_apart.load(std::memory_order_relaxed);
}

}  // namespace engine::memory
