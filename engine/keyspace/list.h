// A list value: a chain of listpacks of a few KiB each (Redis's quicklist), pushed and popped at
// both ends in constant time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/keyspace/element.h"
#include "engine/keyspace/encoding_limits.h"
#include "engine/keyspace/listpack.h"

namespace engine::keyspace {

enum class ListEnd : std::uint8_t { kFront, kBack };

class List {
 public:
  List() = default;
  ~List();
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  std::size_t size() const { return size_; }
  std::size_t node_count() const { return node_count_; }

  void push(ListEnd end, std::string_view text, const EncodingLimits& limits);
  std::string pop(ListEnd end);  // not when empty

  // A place in the list. Changing the list invalidates it, but for the calls that return a new one.
  class Cursor {
   public:
    bool valid() const { return node_ != nullptr; }
    Element get() const;
    void next();
    void previous();

   private:
    friend class List;
    struct Node* node_ = nullptr;
    Listpack::Position at_ = 0;
  };
  // Of element `index`, counted from the end when negative; not valid() when there is none.
  Cursor at(std::int64_t index) const;
  Cursor front() const { return at(0); }
  Cursor back() const { return at(-1); }

  void set(Cursor where, std::string_view text, const EncodingLimits& limits);
  void insert_before(Cursor where, std::string_view text, const EncodingLimits& limits);
  void insert_after(Cursor where, std::string_view text, const EncodingLimits& limits);
  // Removes the element; returns the place of the one behind it.
  Cursor erase(Cursor where);
  void erase_range(std::size_t index, std::size_t count);

  // What an RDB file holds: the nodes in order. fn(bool plain, std::string_view bytes): `plain` is
  // one element too large for a listpack, else the bytes are a listpack.
  template <typename Fn>
  void for_each_node(Fn&& fn) const;
  void append_node(Listpack node);           // an empty one is left out
  void append_plain(std::string_view text);  // one large element as a node of its own

  template <typename Fn>  // fn(const Element&)
  void for_each(Fn&& fn) const {
    for (Cursor cursor = front(); cursor.valid(); cursor.next()) {
      fn(cursor.get());
    }
  }

 private:
  struct Node* head_ = nullptr;
  struct Node* tail_ = nullptr;
  std::size_t size_ = 0;
  std::size_t node_count_ = 0;
};

}  // namespace engine::keyspace
