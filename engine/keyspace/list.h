// A list value: a chain of listpacks of a few KiB each (Redis's quicklist), pushed and popped at
// both ends in constant time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/keyspace/element.h"
#include "engine/keyspace/encoding_limits.h"
#include "engine/keyspace/listpack.h"

namespace engine::keyspace {

enum class ListEnd : std::uint8_t { kFront, kBack };

class List {
 private:
  struct Node {
    Node* previous = nullptr;
    Node* next = nullptr;
    Listpack pack;  // never empty
  };

 public:
  List() = default;
  ~List();
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  std::unique_ptr<List> clone() const;

  std::size_t size() const { return size_; }
  std::size_t node_count() const { return node_count_; }
  // Heap bytes of nodes and elements.
  std::size_t memory_bytes() const;

  void push(ListEnd end, std::string_view text, const EncodingLimits& limits);
  std::string pop(ListEnd end);     // not when empty
  Element peek(ListEnd end) const;  // not when empty
  void drop(ListEnd end);           // as pop()

  // A place in the list. Changing the list invalidates it, except for the calls that return a new
  // one.
  class Cursor {
   public:
    bool valid() const { return node_ != nullptr; }
    Element get() const { return node_->pack.get(at_); }
    void next();
    void previous();

   private:
    friend class List;
    Node* node_ = nullptr;
    Listpack::Position at_ = 0;
  };
  // Of element `index`, counted from the end when negative; not valid() when there is none.
  Cursor at(std::int64_t index) const;

  void set(Cursor where, std::string_view text, const EncodingLimits& limits);
  void insert_before(Cursor where, std::string_view text, const EncodingLimits& limits);
  void insert_after(Cursor where, std::string_view text, const EncodingLimits& limits);
  // Removes the element; returns the place of the one after it.
  Cursor erase(Cursor where);
  void erase_range(std::size_t index, std::size_t count);

  // What an RDB file holds: the blobs of the nodes in order. fn(std::string_view listpack).
  template <typename Fn>
  void for_each_node(Fn&& fn) const {
    for (const Node* node = head_; node != nullptr; node = node->next) {
      fn(node->pack.blob());
    }
  }
  void append_node(Listpack pack);  // an empty one is left out

  template <typename Fn>  // fn(std::string_view), first to last
  void for_each(Fn&& fn) const {
    for (Cursor cursor = at(0); cursor.valid(); cursor.next()) {
      fn(cursor.get().text());
    }
  }

 private:
  Node* node_at(ListEnd end) const { return end == ListEnd::kFront ? head_ : tail_; }
  // Links a new node after `before` (null: at the front).
  Node* link_after(Node* before, Listpack pack);
  void unlink(Node* node);
  void insert(Node* node, Listpack::Position at, std::string_view text,
              const EncodingLimits& limits);

  Node* head_ = nullptr;
  Node* tail_ = nullptr;
  std::size_t size_ = 0;
  std::size_t node_count_ = 0;
};

}  // namespace engine::keyspace
