#include "engine/keyspace/string_node.h"

#include <cstring>
#include <new>

#include "engine/base/memory.h"

namespace engine::keyspace {

StringNode* StringNode::create(std::string_view text) {
  void* block = memory::allocate(sizeof(StringNode) + text.size());
  auto* node = new (block) StringNode(static_cast<std::uint32_t>(text.size()));
  std::memcpy(node + 1, text.data(), text.size());
  return node;
}

void StringNode::destroy(StringNode* node) {
  memory::release(node);
}

}  // namespace engine::keyspace
