// A sequence of short strings and integers in one block of bytes: Redis's listpack.
//
// Layout (little-endian): u32 total bytes, u16 count (65535: more than that, count by walking), the
// entries, 0xFF. An entry is encoding+data followed by its own length, so that it can be walked
// backwards. The block is stored in RDB files as it is.
//
// A position is the byte offset of an entry. end() is one past the last; changing the listpack
// invalidates positions behind the change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/keyspace/element.h"

namespace engine::keyspace {

class Listpack {
 public:
  using Position = std::uint32_t;

  Listpack();  // empty
  // Takes a copy of bytes that validate() accepts.
  static Listpack from_blob(std::string_view blob);
  ~Listpack();
  Listpack(Listpack&& other) noexcept;
  Listpack& operator=(Listpack&& other) noexcept;
  Listpack(const Listpack&) = delete;
  Listpack& operator=(const Listpack&) = delete;
  Listpack clone() const { return from_blob(blob()); }

  // Whether `blob` is a well-formed listpack; sets `count` to its number of elements. Walks it all.
  static bool validate(std::string_view blob, std::size_t& count);

  std::string_view blob() const;
  std::size_t bytes() const;
  std::size_t count() const;
  bool empty() const { return first() == end(); }

  Position first() const { return kHeaderBytes; }
  Position end() const { return static_cast<Position>(bytes() - 1); }
  Position next(Position at) const;
  Position previous(Position at) const;  // not for first()
  Position last() const { return empty() ? end() : previous(end()); }
  // Of element `index`, counted from the end when negative; end() when there is none.
  Position at(std::int64_t index) const;
  Element get(Position at) const;
  // The first element equal to `text` at or after `from`, looking at every (skip+1)-th; end() if
  // none.
  Position find(std::string_view text, Position from, std::size_t skip = 0) const;

  void append(std::string_view text) { insert(end(), text); }
  void prepend(std::string_view text) { insert(first(), text); }
  // Puts an element before `at`; returns the position of the new one.
  Position insert(Position at, std::string_view text);
  Position replace(Position at, std::string_view text);
  // Removes `elements` elements from `at` on; returns the position of the one behind them.
  Position erase(Position at, std::size_t elements = 1);

  // Bytes that appending `text` would add.
  static std::size_t entry_bytes(std::string_view text);
  static constexpr std::size_t kHeaderBytes = 6;
  static constexpr std::size_t kBytesMax = 1u << 30;  // Redis's bound on a listpack

 private:
  explicit Listpack(unsigned char* block) : block_(block) {}
  void splice(std::size_t at, std::size_t removed, std::size_t added);
  void add_to_count(std::int64_t change);

  unsigned char* block_;
};

}  // namespace engine::keyspace
