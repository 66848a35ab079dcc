#include "engine/keyspace/list.h"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/memory.h"

namespace engine::keyspace {
namespace {

// Whether an element of `added` bytes may join a node, by list-max-listpack-size.
bool has_room(const Listpack& pack, std::size_t added, const EncodingLimits& limits) {
  constexpr std::array<std::size_t, 5> kBytes = {4096, 8192, 16384, 32768, 65536};
  constexpr std::size_t kBytesMaxWhenCounted = 8192;
  const std::size_t bytes = pack.bytes() + added;
  if (limits.list_max_listpack_size >= 0) {
    return bytes <= kBytesMaxWhenCounted &&
           pack.count() < static_cast<std::size_t>(limits.list_max_listpack_size);
  }
  const auto level = static_cast<std::size_t>(-limits.list_max_listpack_size - 1);
  return bytes <= kBytes[std::min(level, kBytes.size() - 1)];
}

}  // namespace

List::~List() {
  while (head_ != nullptr) {
    unlink(head_);
  }
}

std::unique_ptr<List> List::clone() const {
  auto copy = std::make_unique<List>();
  for_each_node([&copy](std::string_view blob) { copy->append_node(Listpack::from_blob(blob)); });
  return copy;
}

std::size_t List::memory_bytes() const {
  std::size_t bytes = sizeof(List);
  for (const Node* node = head_; node != nullptr; node = node->next) {
    bytes += sizeof(Node) + node->pack.bytes();
  }
  return bytes;
}

List::Node* List::link_after(Node* before, Listpack pack) {
  Node* node = new (memory::allocate(sizeof(Node))) Node;
  node->pack = std::move(pack);
  node->previous = before;
  node->next = before == nullptr ? head_ : before->next;
  (node->next == nullptr ? tail_ : node->next->previous) = node;
  (before == nullptr ? head_ : before->next) = node;
  ++node_count_;
  return node;
}

void List::unlink(Node* node) {
  ENGINE_CHECK(node_count_ > 0);
  (node->previous == nullptr ? head_ : node->previous->next) = node->next;
  (node->next == nullptr ? tail_ : node->next->previous) = node->previous;
  --node_count_;
  node->~Node();
  memory::release(node);
}

void List::push(ListEnd end, std::string_view text, const EncodingLimits& limits) {
  Node* node = node_at(end);
  if (node == nullptr || !has_room(node->pack, Listpack::entry_bytes(text), limits)) {
    if (node != nullptr) {
      node->pack.shrink_to_fit();
    }
    node = link_after(end == ListEnd::kFront ? nullptr : tail_, Listpack());
  }
  if (end == ListEnd::kFront) {
    node->pack.prepend(text);
  } else {
    node->pack.append(text);
  }
  ++size_;
}

Element List::peek(ListEnd end) const {
  ENGINE_CHECK(size_ > 0 && node_at(end) != nullptr, size_);
  const Listpack& pack = node_at(end)->pack;
  return pack.get(end == ListEnd::kFront ? pack.first() : pack.last());
}

void List::drop(ListEnd end) {
  Node* node = node_at(end);
  ENGINE_CHECK(size_ > 0 && node != nullptr, size_);
  node->pack.erase(end == ListEnd::kFront ? node->pack.first() : node->pack.last());
  if (node->pack.empty()) {
    unlink(node);
  }
  --size_;
}

std::string List::pop(ListEnd end) {
  std::string text = peek(end).str();
  drop(end);
  return text;
}

void List::Cursor::next() {
  at_ = node_->pack.next(at_);
  if (at_ == node_->pack.end()) {
    node_ = node_->next;
    at_ = node_ == nullptr ? 0 : node_->pack.first();
  }
}

void List::Cursor::previous() {
  if (at_ == node_->pack.first()) {
    node_ = node_->previous;
    at_ = node_ == nullptr ? 0 : node_->pack.last();
  } else {
    at_ = node_->pack.previous(at_);
  }
}

// Walks the nodes from the nearer end.
List::Cursor List::at(std::int64_t index) const {
  const auto size = static_cast<std::int64_t>(size_);
  if (index < 0) {
    index += size;
  }
  Cursor cursor;
  if (index < 0 || index >= size) {
    return cursor;
  }
  if (index <= size / 2) {
    cursor.node_ = head_;
    while (index >= static_cast<std::int64_t>(cursor.node_->pack.count())) {
      index -= static_cast<std::int64_t>(cursor.node_->pack.count());
      cursor.node_ = cursor.node_->next;
    }
  } else {
    index -= size;
    cursor.node_ = tail_;
    while (-index > static_cast<std::int64_t>(cursor.node_->pack.count())) {
      index += static_cast<std::int64_t>(cursor.node_->pack.count());
      cursor.node_ = cursor.node_->previous;
    }
  }
  cursor.at_ = cursor.node_->pack.at(index);
  return cursor;
}

void List::insert(Node* node, Listpack::Position at, std::string_view text,
                  const EncodingLimits& limits) {
  const std::size_t added = Listpack::entry_bytes(text);
  ++size_;
  if (has_room(node->pack, added, limits)) {
    node->pack.insert(at, text);
    return;
  }
  // Between two nodes the element joins the other one, or a new one; else the node is split.
  Node* before = node->previous;
  Node* after = node->next;
  if (at == node->pack.first() && before != nullptr && has_room(before->pack, added, limits)) {
    before->pack.append(text);
    return;
  }
  if (at == node->pack.end() && after != nullptr && has_room(after->pack, added, limits)) {
    after->pack.prepend(text);
    return;
  }
  Listpack own;
  own.append(text);
  if (at == node->pack.first()) {
    link_after(before, std::move(own));
    return;
  }
  if (at != node->pack.end()) {
    link_after(node, node->pack.split(at));
    if (has_room(node->pack, added, limits)) {
      node->pack.append(text);
      return;
    }
  }
  link_after(node, std::move(own));
}

void List::insert_before(Cursor where, std::string_view text, const EncodingLimits& limits) {
  insert(where.node_, where.at_, text, limits);
}

void List::insert_after(Cursor where, std::string_view text, const EncodingLimits& limits) {
  insert(where.node_, where.node_->pack.next(where.at_), text, limits);
}

void List::set(Cursor where, std::string_view text, const EncodingLimits& limits) {
  Node* node = where.node_;
  if (node->pack.count() == 1 || has_room(node->pack, Listpack::entry_bytes(text), limits)) {
    node->pack.replace(where.at_, text);
    return;
  }
  insert_after(where, text, limits);
  erase(where);  // still in place: what was inserted is after it
}

List::Cursor List::erase(Cursor where) {
  Node* node = where.node_;
  ENGINE_CHECK(node != nullptr && size_ > 0, size_);
  node->pack.erase(where.at_);
  --size_;
  if (where.at_ == node->pack.end()) {
    where.node_ = node->next;
    where.at_ = where.node_ == nullptr ? 0 : where.node_->pack.first();
  }
  if (node->pack.empty()) {
    unlink(node);
  }
  return where;
}

void List::erase_range(std::size_t index, std::size_t count) {
  if (index >= size_) {
    return;
  }
  count = std::min(count, size_ - index);
  size_ -= count;
  Node* node = head_;
  while (index >= node->pack.count()) {
    index -= node->pack.count();
    node = node->next;
  }
  while (count > 0) {
    Node* next = node->next;
    const std::size_t here = std::min(count, node->pack.count() - index);
    if (here == node->pack.count()) {
      unlink(node);
    } else {
      node->pack.erase(node->pack.at(static_cast<std::int64_t>(index)), here);
    }
    count -= here;
    index = 0;
    node = next;
  }
}

void List::append_node(Listpack pack) {
  if (!pack.empty()) {
    size_ += pack.count();
    link_after(tail_, std::move(pack));
  }
}

}  // namespace engine::keyspace
