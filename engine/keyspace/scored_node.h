// A member and its score in one heap block: the elements of a sorted set.
#pragma once

#include <cstdint>
#include <string_view>

namespace engine::keyspace {

class ScoredNode {
 public:
  static ScoredNode* create(std::string_view member, double score);
  static void destroy(ScoredNode* node);

  std::string_view key() const { return {reinterpret_cast<const char*>(this + 1), size_}; }

  double score;

 private:
  ScoredNode(double member_score, std::uint32_t size) : score(member_score), size_(size) {}

  std::uint32_t size_;
};

}  // namespace engine::keyspace
