// A hash value: one listpack of field, value, field, value ... while small, else a hash table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "engine/base/random.h"
#include "engine/keyspace/element.h"
#include "engine/keyspace/encoding_limits.h"
#include "engine/keyspace/field_node.h"
#include "engine/keyspace/listpack.h"
#include "engine/keyspace/table.h"

namespace engine::keyspace {

class Hash {
 public:
  Hash() = default;  // an empty listpack
  // From a listpack with an even number of elements and no field twice.
  explicit Hash(Listpack pairs) : listpack_(std::move(pairs)) {}
  ~Hash();
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;
  std::unique_ptr<Hash> clone() const;

  std::size_t size() const { return table_ ? table_->size() : listpack_.count() / 2; }
  // Heap bytes, extrapolated from at most `samples` elements (0: all).
  std::size_t memory_bytes(std::size_t samples) const;
  bool is_listpack() const { return table_ == nullptr; }
  const Listpack& listpack() const { return listpack_; }  // only when is_listpack()

  // Lives until the hash changes.
  std::optional<Element> get(std::string_view field) const;
  bool contains(std::string_view field) const { return get(field).has_value(); }
  // True when the field is new.
  bool set(std::string_view field, std::string_view value, const EncodingLimits& limits);
  bool erase(std::string_view field);  // false when it was not there
  struct Pair {
    Element field;
    Element value;
  };
  Pair random(Random& random) const;  // not when empty
  void convert_to_table();
  // Leaves the listpack when it is beyond `limits` (after a load).
  void fit(const EncodingLimits& limits);

  template <typename Fn>  // fn(std::string_view field, std::string_view value)
  void for_each(Fn&& fn) const {
    if (table_) {
      table_->for_each([&fn](const FieldNode& node) { fn(node.key(), node.value()); });
      return;
    }
    for (Listpack::Position at = listpack_.first(); at != listpack_.end();) {
      const Element field = listpack_.get(at);
      at = listpack_.next(at);
      const Element value = listpack_.get(at);
      at = listpack_.next(at);
      fn(field.text(), value.text());
    }
  }
  // As Table::scan; a listpack is returned whole, in one call.
  template <typename Fn>
  std::uint64_t scan(std::uint64_t cursor, std::size_t count, Fn&& fn) const {
    if (table_) {
      return table_->scan(cursor, count,
                          [&fn](const FieldNode& node) { fn(node.key(), node.value()); });
    }
    for_each(fn);
    return 0;
  }

 private:
  Listpack listpack_;
  std::unique_ptr<Table<FieldNode>> table_;
};

}  // namespace engine::keyspace
