#include "engine/keyspace/set.h"

#include <optional>
#include <utility>

#include "engine/base/text.h"

namespace engine::keyspace {

Set::~Set() {
  if (table_) {
    table_->for_each([](StringNode& node) { StringNode::destroy(&node); });
  }
}

std::unique_ptr<Set> Set::clone() const {
  auto copy = std::make_unique<Set>();
  if (is_intset()) {
    copy->intset_ = intset_.clone();
  } else {
    copy->table_ = std::make_unique<Table<StringNode>>();
    for_each(
        [&copy](std::string_view member) { copy->table_->insert(StringNode::create(member)); });
  }
  return copy;
}

bool Set::contains(std::string_view member) const {
  if (table_) {
    return table_->find(member) != nullptr;
  }
  const std::optional<std::int64_t> integer = parse_int64(member);
  return integer && intset_.contains(*integer);
}

bool Set::insert(std::string_view member, const EncodingLimits& limits) {
  if (!table_) {
    const std::optional<std::int64_t> integer = parse_int64(member);
    if (integer) {
      const bool inserted = intset_.insert(*integer);
      if (inserted && intset_.count() > limits.set_max_intset_entries) {
        convert_to_table();
      }
      return inserted;
    }
    convert_to_table();
  }
  const std::uint64_t hash = hash_of(member);
  if (table_->find(member, hash) != nullptr) {
    return false;
  }
  table_->insert(StringNode::create(member), hash);
  return true;
}

bool Set::erase(std::string_view member) {
  if (table_) {
    StringNode* node = table_->extract(member);
    if (node != nullptr) {
      StringNode::destroy(node);
    }
    return node != nullptr;
  }
  const std::optional<std::int64_t> integer = parse_int64(member);
  return integer && intset_.erase(*integer);
}

Element Set::random(Random& random) const {
  return table_ ? Element(table_->random(random)->key())
                : Element(intset_.at(random.below(intset_.count())));
}

void Set::convert_to_table() {
  auto table = std::make_unique<Table<StringNode>>();
  for_each([&table](std::string_view member) { table->insert(StringNode::create(member)); });
  table_ = std::move(table);
  intset_ = Intset();
}

std::size_t Set::memory_bytes(std::size_t samples) const {
  return sizeof(Set) +
         (table_ ? sizeof(*table_) + table_->memory_bytes(samples) : intset_.blob().size());
}

}  // namespace engine::keyspace
