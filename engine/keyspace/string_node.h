// A string in one heap block of its own: the members of a set.
#pragma once

#include <cstdint>
#include <string_view>

namespace engine::keyspace {

class StringNode {
 public:
  static StringNode* create(std::string_view text);
  static void destroy(StringNode* node);

  std::string_view key() const { return {reinterpret_cast<const char*>(this + 1), size_}; }

 private:
  explicit StringNode(std::uint32_t size) : size_(size) {}

  std::uint32_t size_;
};

}  // namespace engine::keyspace
