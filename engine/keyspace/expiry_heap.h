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
  // The mean of all times; not when empty.
  std::int64_t mean_ms() const {
    return static_cast<std::int64_t>(sum_ms_ / static_cast<Sum>(size()));
  }
  void clear() {
    heap_.clear();
    sum_ms_ = 0;
  }

 private:
  struct Item {
    std::int64_t at_ms;
    KeyEntry* entry;
  };
  void place(std::size_t slot, Item item);
  // Moves `item` up or down from the free `slot` to its place.
  void sift(std::size_t slot, Item item);

  __extension__ using Sum = __int128;  // ten million keys overflow 64 bits

  Sum sum_ms_ = 0;
  std::deque<Item> heap_;  // grows without moving what it holds
};

}  // namespace engine::keyspace
