// A set value: an intset while it holds few integers only, else a hash table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "engine/base/random.h"
#include "engine/keyspace/element.h"
#include "engine/keyspace/encoding_limits.h"
#include "engine/keyspace/intset.h"
#include "engine/keyspace/string_node.h"
#include "engine/keyspace/table.h"

namespace engine::keyspace {

class Set {
 public:
  Set() = default;  // an empty intset
  explicit Set(Intset intset) : intset_(std::move(intset)) {}
  ~Set();
  Set(const Set&) = delete;
  Set& operator=(const Set&) = delete;
  std::unique_ptr<Set> clone() const;

  std::size_t size() const { return table_ ? table_->size() : intset_.count(); }
  // Heap bytes, extrapolated from at most `samples` elements (0: all).
  std::size_t memory_bytes(std::size_t samples) const;
  bool is_intset() const { return table_ == nullptr; }
  const Intset& intset() const { return intset_; }  // only when is_intset()

  bool contains(std::string_view member) const;
  bool insert(std::string_view member, const EncodingLimits& limits);  // false when it was there
  bool erase(std::string_view member);                                 // false when it was not
  Element random(Random& random) const;                                // not when empty
  void convert_to_table();

  template <typename Fn>  // fn(std::string_view member)
  void for_each(Fn&& fn) const {
    if (table_) {
      table_->for_each([&fn](const StringNode& node) { fn(node.key()); });
      return;
    }
    for (std::size_t i = 0; i < intset_.count(); ++i) {
      fn(Element(intset_.at(i)).text());
    }
  }
  // As Table::scan; an intset is returned whole, in one call.
  template <typename Fn>
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, Fn&& fn) const {
    if (table_) {
      return table_->scan(cursor, count, [&fn](const StringNode& node) { fn(node.key()); });
    }
    for_each(fn);
    return 0;
  }

 private:
  Intset intset_;
  std::unique_ptr<Table<StringNode>> table_;
};

}  // namespace engine::keyspace
