#include "engine/keyspace/key_entry.h"

#include <cstring>
#include <new>

#include "engine/base/memory.h"

namespace engine::keyspace {

KeyEntry* KeyEntry::create(std::string_view key, Object object) {
  void* block = memory::allocate(sizeof(KeyEntry) + key.size());
  auto* entry = new (block) KeyEntry(std::move(object), static_cast<std::uint32_t>(key.size()));
  std::memcpy(reinterpret_cast<char*>(entry + 1), key.data(), key.size());
  return entry;
}

void KeyEntry::destroy(KeyEntry* entry) {
  entry->~KeyEntry();
  memory::release(entry);
}

}  // namespace engine::keyspace
