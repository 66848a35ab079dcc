// A key and its value in one heap block.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "engine/keyspace/object.h"

namespace engine::keyspace {

class KeyEntry {
 public:
  static KeyEntry* create(std::string_view key, Object object);
  static void destroy(KeyEntry* entry);

  std::string_view key() const { return {reinterpret_cast<const char*>(this + 1), key_size_}; }
  bool has_expiry() const { return expiry_slot_ != kNoSlot; }

  Object object;

 private:
  friend class ExpiryHeap;
  static constexpr std::uint32_t kNoSlot = UINT32_MAX;
  KeyEntry(Object value, std::uint32_t key_size) : object(std::move(value)), key_size_(key_size) {}

  std::uint32_t key_size_;
  std::uint32_t expiry_slot_ = kNoSlot;  // where ExpiryHeap keeps the time
};

}  // namespace engine::keyspace
