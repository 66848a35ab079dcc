#include "engine/base/memory.h"

#include <malloc.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace engine::memory {
namespace {

// Relaxed load and store rather than a read-modify-write: one thread writes, any may look.
std::atomic<std::size_t> used{0};

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
  count(0, usable_size(block));
  std::free(block);
}

std::size_t usable_size(const void* block) noexcept {
  return malloc_usable_size(const_cast<void*>(block));
}

std::size_t used_bytes() noexcept {
  return used.load(std::memory_order_relaxed);
}

}  // namespace engine::memory
