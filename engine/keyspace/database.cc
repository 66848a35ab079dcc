#include "engine/keyspace/database.h"

#include <utility>

#include "engine/keyspace/lazy_free.h"

namespace engine::keyspace {

Database::~Database() {
  clear();
}

KeyEntry& Database::insert(std::string_view key, Object value) {
  ENGINE_DCHECK(find(key) == nullptr, key);
  KeyEntry* entry = KeyEntry::create(key, std::move(value));
  keys_.insert(entry);
  return *entry;
}

KeyEntry* Database::insert_new(std::string_view key, std::uint64_t hash, Object&& value) {
  if (keys_.find(key, hash) != nullptr) {
    return nullptr;
  }
  KeyEntry* entry = KeyEntry::create(key, std::move(value));
  keys_.insert(entry, hash);
  return entry;
}

KeyEntry& Database::put(std::string_view key, Object value, bool keep_expiry) {
  KeyEntry* entry = find(key);
  if (entry == nullptr) {
    return insert(key, std::move(value));
  }
  entry->object = std::move(value);
  if (!keep_expiry) {
    expiry_.remove(*entry);
  }
  return *entry;
}

bool Database::erase(std::string_view key) {
  KeyEntry* entry = keys_.extract(key);
  if (entry == nullptr) {
    return false;
  }
  expiry_.remove(*entry);
  KeyEntry::destroy(entry);
  ENGINE_CHECK(expiry_.size() <= keys_.size(), expiry_.size(), keys_.size());
  return true;
}

bool Database::erase_lazily(std::string_view key) {
  KeyEntry* entry = find(key);
  if (entry == nullptr) {
    return false;
  }
  lazy_free::take(extract(*entry));
  return true;
}

Object Database::extract(KeyEntry& entry) {
  Object value = std::move(entry.object);
  erase(entry.key());
  return value;
}

void Database::clear() {
  keys_.for_each([](KeyEntry& entry) { KeyEntry::destroy(&entry); });
  keys_.clear();
  expiry_.clear();
}

}  // namespace engine::keyspace
