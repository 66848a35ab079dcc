#include "engine/keyspace/expiry_heap.h"

#include "engine/keyspace/database.h"

namespace engine::keyspace {

std::int64_t ExpiryHeap::time_of(const KeyEntry& entry) const {
  return entry.has_expiry() ? heap_[entry.expiry_slot_].at_ms : kNoExpiry;
}

void ExpiryHeap::place(std::size_t slot, Item item) {
  heap_[slot] = item;
  item.entry->expiry_slot_ = static_cast<std::uint32_t>(slot);
}

void ExpiryHeap::sift(std::size_t slot, Item item) {
  while (slot > 0 && heap_[(slot - 1) / 2].at_ms > item.at_ms) {
    place(slot, heap_[(slot - 1) / 2]);
    slot = (slot - 1) / 2;
  }
  for (;;) {
    std::size_t child = 2 * slot + 1;
    if (child + 1 < heap_.size() && heap_[child + 1].at_ms < heap_[child].at_ms) {
      ++child;
    }
    if (child >= heap_.size() || heap_[child].at_ms >= item.at_ms) {
      break;
    }
    place(slot, heap_[child]);
    slot = child;
  }
  place(slot, item);
}

void ExpiryHeap::set(KeyEntry& entry, std::int64_t at_ms) {
  const Item item{at_ms, &entry};
  std::size_t slot = entry.expiry_slot_;
  if (!entry.has_expiry()) {
    slot = heap_.size();
    ENGINE_CHECK(slot < KeyEntry::kNoSlot, slot);
    heap_.push_back(item);
  } else {
    sum_ms_ -= heap_[slot].at_ms;
  }
  sum_ms_ += at_ms;
  ENGINE_DCHECK(slot < heap_.size(), slot, heap_.size());
  sift(slot, item);
}

bool ExpiryHeap::remove(KeyEntry& entry) {
  if (!entry.has_expiry()) {
    return false;
  }
  const std::size_t slot = entry.expiry_slot_;
  ENGINE_CHECK(slot < heap_.size() && heap_[slot].entry == &entry, slot, heap_.size());
  sum_ms_ -= heap_[slot].at_ms;
  const Item last = heap_.back();
  heap_.pop_back();
  if (last.entry != &entry) {
    sift(slot, last);
  }
  entry.expiry_slot_ = KeyEntry::kNoSlot;
  return true;
}

}  // namespace engine::keyspace
