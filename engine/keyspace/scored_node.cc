#include "engine/keyspace/scored_node.h"

#include <cstring>
#include <new>

#include "engine/base/memory.h"

namespace engine::keyspace {

ScoredNode* ScoredNode::create(std::string_view member, double score) {
  void* block = memory::allocate(sizeof(ScoredNode) + member.size());
  auto* node = new (block) ScoredNode(score, static_cast<std::uint32_t>(member.size()));
  std::memcpy(node + 1, member.data(), member.size());
  return node;
}

void ScoredNode::destroy(ScoredNode* node) {
  memory::release(node);
}

}  // namespace engine::keyspace
