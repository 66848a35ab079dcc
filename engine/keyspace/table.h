// A hash table of nodes that never rehashes as a whole: extendible hashing.
//
// A directory, indexed by the leading bits of the hash, points to segments of at most 256 slots (2
// KiB). A full segment is split in two by one more bit of the hash; the others stay where they are.
// So no insert stops the world, and while a forked child shares the memory little of it is copied.
//
// Elements are ordered by their hash, and a scan cursor is a hash: everything below it has been
// returned. Splitting and merging do not disturb that order, so a scan returns each element that is
// there from its start to its end exactly once.
//
// A slot is a pointer with 16 bits of the hash above it (user addresses have 48 bits), so that a
// lookup touches one cache line of the segment and the node that matches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/keyspace/table_core.h"

namespace engine::keyspace {

// Node has `std::string_view key() const`. The table does not own its nodes: the caller frees them.
template <typename Node>
class Table {
 public:
  std::size_t size() const { return core_.size(); }
  bool empty() const { return core_.size() == 0; }
  // Bytes of directory and segments.
  std::size_t bytes() const { return core_.bytes(); }

  Node* find(std::string_view key) const { return find(key, hash_of(key)); }
  Node* find(std::string_view key, std::uint64_t hash) const {
    std::uint64_t* slot = core_.find_slot(key, hash, key_of);
    return slot == nullptr ? nullptr : as_node(*slot);
  }
  // `node`'s key must not be in the table.
  void insert(Node* node) { insert(node, hash_of(node->key())); }
  void insert(Node* node, std::uint64_t hash) { core_.insert(node, hash, key_of); }
  // Makes room for this many nodes, if the table is empty and was never used.
  void reserve(std::size_t nodes) { core_.reserve(nodes); }
  // Prefetching, for callers that know many keys in advance: first fetch_segment(), some keys later
  // fetch_slot(), some keys later find() or insert() with this hash, which then need not wait for
  // memory.
  void fetch_segment(std::uint64_t hash) const { core_.fetch_segment(hash); }
  void fetch_slot(std::uint64_t hash) const { core_.fetch_slot(hash); }
  // Lets fn(Node*) change the node of this key, all but its key; fn returns where the node then is.
  // False when there is none.
  template <typename Fn>
  bool update(std::string_view key, std::uint64_t hash, Fn&& fn) {
    std::uint64_t* slot = core_.find_slot(key, hash, key_of);
    if (slot != nullptr) {
      TableCore::set_node(*slot, fn(as_node(*slot)));
    }
    return slot != nullptr;
  }
  // Removes the node and returns it; null when there is none.
  Node* extract(std::string_view key) {
    return static_cast<Node*>(core_.extract(key, hash_of(key), key_of));
  }
  // A node at random, each about equally likely; the table must not be empty.
  Node* random(Random& random) const { return static_cast<Node*>(core_.random(random)); }

  // fn(Node&) for each node, in order of hash prefix; the table must not change during the call.
  template <typename Fn>
  void for_each(Fn&& fn) const {
    core_.for_each([&fn](void* node) { fn(*static_cast<Node*>(node)); });
  }
  // Calls fn(Node&) for at least `count` nodes (as far as there are) from `cursor` on; returns the
  // next cursor, 0 at the end. Start with 0. The table must not change within the call.
  template <typename Fn>
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, Fn&& fn) const {
    return core_.scan(cursor, count, key_of, [&fn](void* node) { fn(*static_cast<Node*>(node)); });
  }
  // Heap bytes of the table and of its nodes, extrapolated from at most `samples` of them (0: all).
  std::size_t memory_bytes(std::size_t samples) const {
    std::size_t seen = 0;
    std::size_t in_nodes = 0;
    scan(0, samples == 0 ? size() : samples, [&](const Node& node) {
      ++seen;
      in_nodes += memory::usable_size(&node);
    });
    return bytes() + (seen == 0 ? 0 : in_nodes * size() / seen);
  }
  // Forgets all nodes (without freeing them).
  void clear() { core_ = TableCore(); }

 private:
  static std::string_view key_of(const void* node) { return static_cast<const Node*>(node)->key(); }
  static Node* as_node(std::uint64_t slot) { return static_cast<Node*>(TableCore::node_in(slot)); }

  TableCore core_;
};

}  // namespace engine::keyspace
