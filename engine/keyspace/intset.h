// A sorted set of integers in one block: Redis's intset.
//
// Layout (little-endian): u32 width (2, 4 or 8 bytes per integer), u32 count, the integers
// ascending. The width is the smallest that holds every integer ever added. Stored in RDB files as
// it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace engine::keyspace {

class Intset {
 public:
  Intset() = default;                              // empty
  static Intset from_blob(std::string_view blob);  // a copy of bytes that validate() accepts
  ~Intset();
  Intset(Intset&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Intset& operator=(Intset&& other) noexcept;
  Intset(const Intset&) = delete;
  Intset& operator=(const Intset&) = delete;
  Intset clone() const { return from_blob(blob()); }

  // Width, count and size agree, the integers ascend without duplicates.
  static bool validate(std::string_view blob);

  std::string_view blob() const;
  std::size_t count() const;
  std::int64_t at(std::size_t index) const;
  bool contains(std::int64_t value) const;
  bool insert(std::int64_t value);  // false when it was there
  bool erase(std::int64_t value);   // false when it was not

  static constexpr std::size_t kHeaderBytes = 8;

 private:
  const unsigned char* bytes() const;
  std::uint32_t width() const;
  // The index of the first integer >= value.
  std::size_t lower_bound(std::int64_t value) const;
  // Gives every integer `width` bytes and makes room for one more.
  void grow(std::uint32_t width);
  void put(std::size_t index, std::int64_t value);

  unsigned char* block_ = nullptr;  // null: empty
};

}  // namespace engine::keyspace
