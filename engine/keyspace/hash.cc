#include "engine/keyspace/hash.h"

#include <algorithm>
#include <utility>

namespace engine::keyspace {

Hash::~Hash() {
  if (table_) {
    table_->for_each([](FieldNode& node) { FieldNode::destroy(&node); });
  }
}

std::unique_ptr<Hash> Hash::clone() const {
  auto copy = std::make_unique<Hash>();
  if (is_listpack()) {
    copy->listpack_ = listpack_.clone();
  } else {
    copy->table_ = std::make_unique<Table<FieldNode>>();
    for_each([&copy](std::string_view field, std::string_view value) {
      copy->table_->insert(FieldNode::create(field, value));
    });
  }
  return copy;
}

std::optional<Element> Hash::get(std::string_view field) const {
  if (table_) {
    const FieldNode* node = table_->find(field);
    return node == nullptr ? std::nullopt : std::optional<Element>(node->value());
  }
  const Listpack::Position at = listpack_.find(field, listpack_.first(), 1);
  return at == listpack_.end() ? std::nullopt : std::optional(listpack_.get(listpack_.next(at)));
}

// Becomes a table when the field, the value or the number of fields passes its limit; never back.
bool Hash::set(std::string_view field, std::string_view value, const EncodingLimits& limits) {
  if (!table_ && std::max(field.size(), value.size()) > limits.hash_max_listpack_value) {
    convert_to_table();
  }
  if (table_) {
    const std::uint64_t hash = hash_of(field);
    const bool known = table_->update(
        field, hash, [value](FieldNode* node) { return FieldNode::assign(node, value); });
    if (!known) {
      table_->insert(FieldNode::create(field, value), hash);
    }
    return !known;
  }
  const Listpack::Position at = listpack_.find(field, listpack_.first(), 1);
  if (at != listpack_.end()) {
    listpack_.replace(listpack_.next(at), value);
    return false;
  }
  listpack_.append(field);
  listpack_.append(value);
  if (listpack_.count() / 2 > limits.hash_max_listpack_entries) {
    convert_to_table();
  }
  return true;
}

bool Hash::erase(std::string_view field) {
  if (table_) {
    FieldNode* node = table_->extract(field);
    if (node != nullptr) {
      FieldNode::destroy(node);
    }
    return node != nullptr;
  }
  const Listpack::Position at = listpack_.find(field, listpack_.first(), 1);
  if (at == listpack_.end()) {
    return false;
  }
  listpack_.erase(at, 2);
  return true;
}

Hash::Pair Hash::random(Random& random) const {
  if (table_) {
    const FieldNode* node = table_->random(random);
    return {node->key(), node->value()};
  }
  const auto index = static_cast<std::int64_t>(2 * random.below(size()));
  const Listpack::Position at = listpack_.at(index);
  return {listpack_.get(at), listpack_.get(listpack_.next(at))};
}

void Hash::convert_to_table() {
  if (table_) {
    return;
  }
  auto table = std::make_unique<Table<FieldNode>>();
  for_each([&table](std::string_view field, std::string_view value) {
    table->insert(FieldNode::create(field, value));
  });
  table_ = std::move(table);
  listpack_ = Listpack();
}

void Hash::fit(const EncodingLimits& limits) {
  if (table_) {
    return;
  }
  bool fits = size() <= limits.hash_max_listpack_entries;
  for_each([&](std::string_view field, std::string_view value) {
    fits = fits && std::max(field.size(), value.size()) <= limits.hash_max_listpack_value;
  });
  if (!fits) {
    convert_to_table();
  }
}

std::size_t Hash::memory_bytes(std::size_t samples) const {
  return sizeof(Hash) +
         (table_ ? sizeof(*table_) + table_->memory_bytes(samples) : listpack_.bytes());
}

}  // namespace engine::keyspace
