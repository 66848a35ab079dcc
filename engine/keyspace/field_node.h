// A field and its value in one heap block: the pairs of a hash.
#pragma once

#include <cstdint>
#include <string_view>

namespace engine::keyspace {

class FieldNode {
 public:
  static FieldNode* create(std::string_view field, std::string_view value);
  static void destroy(FieldNode* node);

  std::string_view key() const { return {bytes(), field_size_}; }
  std::string_view value() const { return {bytes() + field_size_, value_size_}; }

  // Replaces the value; the node may move: the new address is returned.
  static FieldNode* assign(FieldNode* node, std::string_view value);

 private:
  FieldNode(std::uint32_t field_size, std::uint32_t value_size)
      : field_size_(field_size), value_size_(value_size) {}
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }

  std::uint32_t field_size_;
  std::uint32_t value_size_;
};

}  // namespace engine::keyspace
