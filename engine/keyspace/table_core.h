// The part of Table that does not depend on the type of its nodes. Use Table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/random.h"

namespace engine::keyspace {

// Keyed with a secret of this process, so that a client cannot choose keys that collide.
std::uint64_t hash_of(std::string_view key);

class TableCore {
 public:
  using KeyOf = std::string_view (*)(const void* node);

  TableCore() = default;
  ~TableCore();
  TableCore(TableCore&& other) noexcept;
  TableCore& operator=(TableCore&& other) noexcept;
  TableCore(const TableCore&) = delete;
  TableCore& operator=(const TableCore&) = delete;

  std::size_t size() const { return size_; }
  std::size_t bytes() const;
  // The slot that holds the node of this key; null when there is none.
  std::uint64_t* find_slot(std::string_view key, std::uint64_t hash, KeyOf key_of) const;
  void insert(void* node, std::uint64_t hash, KeyOf key_of);
  void reserve(std::size_t nodes);
  void fetch_segment(std::uint64_t hash) const;
  void fetch_slot(std::uint64_t hash) const;
  void* extract(std::string_view key, std::uint64_t hash, KeyOf key_of);
  void* random(Random& random) const;
  void for_each(const std::function<void(void*)>& fn) const;
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, KeyOf key_of,
                     const std::function<void(void*)>& fn) const;

  static void* node_in(std::uint64_t slot) {
    return reinterpret_cast<void*>(slot & kPointerMask);  // NOLINT(performance-no-int-to-ptr)
  }
  static void set_node(std::uint64_t& slot, void* node) {
    slot = (slot & ~kPointerMask) | bits_of(node);
  }

 private:
  struct Segment;
  static constexpr unsigned kPointerBits = 48;
  static constexpr std::uint64_t kPointerMask = (std::uint64_t{1} << kPointerBits) - 1;

  // User space has 47 or 48 bits. A kernel maps beyond that (five-level page tables) only on
  // request.
  static std::uint64_t bits_of(const void* node) {
    const auto bits = reinterpret_cast<std::uintptr_t>(node);
    ENGINE_CHECK(bits != 0 && bits <= kPointerMask, node);
    return bits;
  }

  std::size_t index_of(std::uint64_t hash) const { return depth_ == 0 ? 0 : hash >> (64 - depth_); }
  // Makes every directory entry that leads to a segment of this hash and depth point to `segment`.
  void point_to(std::uint64_t hash, Segment* segment);
  void make_room(Segment* segment, std::uint64_t hash, KeyOf key_of);
  bool may_split(const Segment& segment) const;
  void split(Segment* segment, std::uint64_t hash, KeyOf key_of);
  void merge_or_shrink(Segment* segment, std::uint64_t hash);
  void double_directory();
  void halve_directory();

  std::vector<Segment*> directory_;  // 2^depth_ entries, or none while the table is empty
  unsigned depth_ = 0;
  std::size_t segments_ = 0;
  std::size_t deepest_ = 0;  // segments whose depth is depth_: at 0 the directory can be halved
  std::size_t segment_bytes_ = 0;
  std::size_t size_ = 0;
};

}  // namespace engine::keyspace
