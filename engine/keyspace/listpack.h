// A sequence of short strings and integers in one block of bytes: Redis's listpack.
//
// Layout (little-endian): u32 total bytes, u16 count (65535: as many or more, count by walking),
// the entries, 0xFF. An entry is encoding and data followed by their length, so that it can be
// walked backwards. The block is stored in RDB files as it is.
//
// A position is the byte offset of an entry. end() is one past the last; changing the listpack
// invalidates positions after the change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "engine/keyspace/element.h"

namespace engine::keyspace {

class Listpack {
 public:
  using Position = std::uint32_t;

  Listpack() = default;  // empty
  // Takes a copy of bytes that validate() accepts.
  static Listpack from_blob(std::string_view blob);
  ~Listpack();
  Listpack(Listpack&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Listpack& operator=(Listpack&& other) noexcept;
  Listpack(const Listpack&) = delete;
  Listpack& operator=(const Listpack&) = delete;
  Listpack clone() const { return from_blob(blob()); }

  // Whether `blob` is a well-formed listpack; sets `count` to its number of elements. Walks it all.
  static bool validate(std::string_view blob, std::size_t& count);

  std::string_view blob() const { return {reinterpret_cast<const char*>(bytes_at(0)), bytes()}; }
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
  // The first element equal to `text` at or after `from`, leaving out `skip` elements after each
  // one it looks at; end() if none.
  Position find(std::string_view text, Position from, std::size_t skip = 0) const;

  void append(std::string_view text) { insert(end(), text); }
  void prepend(std::string_view text) { insert(first(), text); }
  // Puts an element before `at`, which is then its position.
  void insert(Position at, std::string_view text) { splice(at, at, text); }
  void replace(Position at, std::string_view text) { splice(at, next(at), text); }
  // Removes `elements` elements from `at` on (fewer if there are fewer).
  void erase(Position at, std::size_t elements = 1);

  // Takes the elements from `at` on out into a listpack of their own.
  Listpack split(Position at);
  // Gives back memory that was kept for growth.
  void shrink_to_fit();

  // Bytes that an element of this text takes.
  static std::size_t entry_bytes(std::string_view text);
  static constexpr std::size_t kHeaderBytes = 6;
  static constexpr std::size_t kBytesMax = UINT32_MAX;

 private:
  const unsigned char* bytes_at(std::size_t at) const;
  // Replaces what is between two positions (at most one element) by an element.
  void splice(Position from, Position to, std::string_view text);
  // Makes the bytes [from, to) `size` bytes long, moving what follows.
  void resize_gap(std::size_t from, std::size_t to, std::size_t size);
  void add_to_count(std::ptrdiff_t change);

  unsigned char* block_ = nullptr;  // null: empty
};

}  // namespace engine::keyspace
