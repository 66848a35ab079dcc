// When keys expire: a binary heap with the soonest on top, so that active expiry needs no sampling.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "engine/base/random.h"

namespace engine::keyspace {

class KeyEntry;

class ExpiryHeap {
 public:
  std::size_t size() const { return heap_.size(); }
  std::size_t bytes() const { return heap_.size() * sizeof(Item); }

  std::int64_t time_of(const KeyEntry& entry) const;  // kNoExpiry when it has none
  void set(KeyEntry& entry, std::int64_t at_ms);
  bool remove(KeyEntry& entry);  // false when it had none
  KeyEntry* first() { return heap_.empty() ? nullptr : heap_.front().entry; }
  KeyEntry* random(Random& random) { return heap_[random.below(heap_.size())].entry; }
  void clear() { heap_.clear(); }

 private:
  struct Item {
    std::int64_t at_ms;
    KeyEntry* entry;
  };
  void place(std::size_t slot, Item item);
  // Moves `item` up or down from the free `slot` to its place.
  void sift(std::size_t slot, Item item);

  std::deque<Item> heap_;  // grows without moving what it holds
};

}  // namespace engine::keyspace
