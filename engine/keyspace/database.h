// One of the numbered databases: keys, their values, and when they expire.
//
// Keeps keys past their expiry time until they are erased: that such a key reads as absent is
// decided in commands/ (a snapshot, a replay and a replica must see such keys).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/base/random.h"
#include "engine/keyspace/expiry_heap.h"
#include "engine/keyspace/key_entry.h"
#include "engine/keyspace/object.h"
#include "engine/keyspace/table.h"

namespace engine::keyspace {

inline constexpr std::int64_t kNoExpiry = -1;

class Database {
 public:
  Database() = default;
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  std::size_t size() const { return keys_.size(); }
  std::size_t expires_size() const { return expiry_.size(); }
  // When keys expire, on average; kNoExpiry when none does.
  std::int64_t mean_expire_ms() const {
    return expires_size() == 0 ? kNoExpiry : expiry_.mean_ms();
  }

  // Null when there is no such key. An entry does not move until its key is erased.
  KeyEntry* find(std::string_view key) { return keys_.find(key); }
  const KeyEntry* find(std::string_view key) const { return keys_.find(key); }
  // The key must not be there.
  KeyEntry& insert(std::string_view key, Object value);
  // As insert(), with the key's hash_of(); null, and nothing is done, when the key is there.
  KeyEntry* insert_new(std::string_view key, std::uint64_t hash, Object&& value);
  // See Table.
  void reserve(std::size_t keys) { keys_.reserve(keys); }
  void fetch_segment(std::uint64_t hash) const { keys_.fetch_segment(hash); }
  void fetch_slot(std::uint64_t hash) const { keys_.fetch_slot(hash); }
  // Inserts, or replaces the value and (unless `keep_expiry`) drops the expiry.
  KeyEntry& put(std::string_view key, Object value, bool keep_expiry = false);
  bool erase(std::string_view key);         // false when there was none
  bool erase_lazily(std::string_view key);  // see lazy_free.h
  // Moves the value out and erases the key.
  Object extract(KeyEntry& entry);

  // Milliseconds since the epoch, or kNoExpiry.
  std::int64_t expire_ms(const KeyEntry& entry) const { return expiry_.time_of(entry); }
  void set_expire(KeyEntry& entry, std::int64_t at_ms) { expiry_.set(entry, at_ms); }
  bool clear_expire(KeyEntry& entry) { return expiry_.remove(entry); }  // false when it had none
  // The entry that expires first; null when none expires.
  KeyEntry* soonest_to_expire() { return expiry_.first(); }

  // fn(std::string_view key, const Object&, std::int64_t expire_ms), in the order of scan().
  template <typename Fn>
  void for_each(Fn&& fn) const {
    keys_.for_each([&](const KeyEntry& entry) { fn(entry.key(), entry.object, expire_ms(entry)); });
  }
  // As Table::scan, with fn(KeyEntry&).
  template <typename Fn>
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, Fn&& fn) const {
    return keys_.scan(cursor, count, fn);
  }
  KeyEntry& random(Random& random) { return *keys_.random(random); }             // not when empty
  KeyEntry& random_expiring(Random& random) { return *expiry_.random(random); }  // when any expires
  void clear();
  std::size_t table_bytes() const { return keys_.bytes(); }
  std::size_t expiry_bytes() const { return expiry_.bytes(); }

 private:
  Table<KeyEntry> keys_;
  ExpiryHeap expiry_;
};

}  // namespace engine::keyspace
