#include "engine/keyspace/field_node.h"

#include <cstring>
#include <new>

#include "engine/base/memory.h"

namespace engine::keyspace {

FieldNode* FieldNode::create(std::string_view field, std::string_view value) {
  void* block = memory::allocate(sizeof(FieldNode) + field.size() + value.size());
  auto* node = new (block)
      FieldNode(static_cast<std::uint32_t>(field.size()), static_cast<std::uint32_t>(value.size()));
  char* const bytes = reinterpret_cast<char*>(node + 1);
  std::memcpy(bytes, field.data(), field.size());
  std::memcpy(bytes + field.size(), value.data(), value.size());
  return node;
}

void FieldNode::destroy(FieldNode* node) {
  memory::release(node);
}

FieldNode* FieldNode::assign(FieldNode* node, std::string_view value) {
  const std::size_t size = sizeof(FieldNode) + node->field_size_ + value.size();
  if (size > memory::usable_size(node) || size * 2 < memory::usable_size(node)) {
    node = static_cast<FieldNode*>(memory::reallocate(node, size));
  }
  std::memcpy(reinterpret_cast<char*>(node + 1) + node->field_size_, value.data(), value.size());
  node->value_size_ = static_cast<std::uint32_t>(value.size());
  return node;
}

}  // namespace engine::keyspace
