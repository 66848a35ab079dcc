#include "engine/keyspace/keyspace.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/base/memory.h"
#include "engine/keyspace/lazy_free.h"

namespace engine::keyspace {

Keyspace::Keyspace(int databases) {
  databases_.reserve(static_cast<std::size_t>(databases));
  for (int i = 0; i < databases; ++i) {
    databases_.push_back(std::make_unique<Database>());
  }
}

Keyspace::~Keyspace() {
  if (left_to_exit_) {
    // Reachable, so that it is not taken for a leak.
    // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): no memory at exit ends the process as well
    static auto& left = *new std::vector<std::unique_ptr<Database>>;
    std::move(databases_.begin(), databases_.end(), std::back_inserter(left));
  }
}

void Keyspace::swap(int a, int b) {
  std::swap(databases_[static_cast<std::size_t>(a)], databases_[static_cast<std::size_t>(b)]);
}

void Keyspace::clear() {
  for (const auto& database : databases_) {
    database->clear();
  }
}

void Keyspace::clear_lazily() {
  for (int i = 0; i < count(); ++i) {
    clear_lazily(i);
  }
}

void Keyspace::clear_lazily(int index) {
  lazy_free::take(
      std::exchange(databases_[static_cast<std::size_t>(index)], std::make_unique<Database>()));
}

std::size_t Keyspace::size() const {
  std::size_t size = 0;
  for (const auto& database : databases_) {
    size += database->size();
  }
  return size;
}

std::size_t Keyspace::memory_bytes() const {
  std::size_t bytes = memory::used_bytes();
  for (const auto& database : databases_) {
    bytes += database->expiry_bytes();
  }
  return bytes;
}

}  // namespace engine::keyspace
