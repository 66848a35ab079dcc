#include "engine/keyspace/listpack.h"

#include <array>
#include <cstring>
#include <optional>

#include "engine/base/bytes.h"
#include "engine/base/memory.h"
#include "engine/base/result.h"
#include "engine/base/text.h"

namespace engine::keyspace {
namespace {

constexpr std::uint16_t kCountUnknown = 65535;
constexpr unsigned char kEnd = 0xff;
constexpr std::array<unsigned char, 7> kEmpty = {7, 0, 0, 0, 0, 0, kEnd};

// The first byte of an entry says how it is encoded (the letters are bits of the value):
//   0vvvvvvv  integer 0..127             10llllll  string of up to 63 bytes
//   110vvvvv  13-bit integer, +1 byte    1110llll  string of up to 4095 bytes, +1 byte of length
//   F1 F2 F3 F4  integer of 2, 3, 4, 8 bytes       F0  string, +4 bytes of length
constexpr unsigned char kString32 = 0xf0;
constexpr unsigned char kInt16 = 0xf1;
constexpr unsigned char kInt24 = 0xf2;
constexpr unsigned char kInt32 = 0xf3;
constexpr unsigned char kInt64 = 0xf4;

// Bytes of encoding and data, without the trailing length; 0 when the byte encodes nothing.
std::size_t encoded_bytes(const unsigned char* entry) {
  const unsigned char byte = entry[0];
  if (byte < 0x80) {
    return 1;
  }
  if (byte < 0xc0) {
    return 1 + (byte & 0x3fu);
  }
  if (byte < 0xe0) {
    return 2;
  }
  if (byte < 0xf0) {
    return 2 + ((byte & 0x0fu) << 8 | entry[1]);
  }
  switch (byte) {
    case kString32:
      return 5 + std::size_t{load_le<std::uint32_t>(entry + 1)};
    case kInt16:
      return 3;
    case kInt24:
      return 4;
    case kInt32:
      return 5;
    case kInt64:
      return 9;
    default:
      return 0;
  }
}

// Bytes needed to know encoded_bytes().
std::size_t prefix_bytes(unsigned char byte) {
  if (byte == kString32) {
    return 5;
  }
  return byte >= 0xe0 && byte < 0xf0 ? 2 : 1;
}

std::size_t backward_bytes(std::size_t encoded) {
  if (encoded <= 127) {
    return 1;
  }
  if (encoded < 16383) {
    return 2;
  }
  if (encoded < 2097151) {
    return 3;
  }
  return encoded < 268435455 ? 4 : 5;
}

// 7 bits per byte, most significant first; all but the first byte have the high bit set.
void write_backward(unsigned char* to, std::size_t encoded) {
  const std::size_t size = backward_bytes(encoded);
  for (std::size_t i = size; i-- > 0; encoded >>= 7) {
    to[i] = static_cast<unsigned char>((encoded & 0x7f) | (i > 0 ? 0x80 : 0));
  }
}

// Reads the length that ends just before `end`; 0 when it is not one.
std::size_t read_backward(const unsigned char* end) {
  std::size_t encoded = 0;
  for (unsigned shift = 0; shift <= 28; shift += 7) {
    const unsigned char byte = *--end;
    encoded |= std::size_t{byte & 0x7fu} << shift;
    if ((byte & 0x80) == 0) {
      return encoded;
    }
  }
  return 0;
}

bool fits(std::int64_t value, int bits) {
  const std::int64_t bound = std::int64_t{1} << (bits - 1);
  return value >= -bound && value < bound;
}

std::size_t integer_bytes(std::int64_t value) {
  if (value >= 0 && value <= 127) {
    return 1;
  }
  if (fits(value, 13)) {
    return 2;
  }
  if (fits(value, 16)) {
    return 3;
  }
  if (fits(value, 24)) {
    return 4;
  }
  return fits(value, 32) ? 5 : 9;
}

void write_integer(unsigned char* to, std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  switch (integer_bytes(value)) {
    case 1:
      to[0] = static_cast<unsigned char>(bits);
      return;
    case 2:
      to[0] = static_cast<unsigned char>(0xc0 | ((bits >> 8) & 0x1f));
      to[1] = static_cast<unsigned char>(bits);
      return;
    case 3:
      to[0] = kInt16;
      store_le(to + 1, static_cast<std::uint16_t>(bits));
      return;
    case 4:
      to[0] = kInt24;
      store_le(to + 1, static_cast<std::uint16_t>(bits));
      to[3] = static_cast<unsigned char>(bits >> 16);
      return;
    case 5:
      to[0] = kInt32;
      store_le(to + 1, static_cast<std::uint32_t>(bits));
      return;
    default:
      to[0] = kInt64;
      store_le(to + 1, bits);
  }
}

std::size_t string_prefix(std::size_t size) {
  if (size < 64) {
    return 1;
  }
  return size < 4096 ? 2 : 5;
}

void write_string(unsigned char* to, std::string_view text) {
  const std::size_t prefix = string_prefix(text.size());
  if (prefix == 1) {
    to[0] = static_cast<unsigned char>(0x80 | text.size());
  } else if (prefix == 2) {
    to[0] = static_cast<unsigned char>(0xe0 | (text.size() >> 8));
    to[1] = static_cast<unsigned char>(text.size());
  } else {
    to[0] = kString32;
    store_le(to + 1, static_cast<std::uint32_t>(text.size()));
  }
  if (!text.empty()) {
    std::memcpy(to + prefix, text.data(), text.size());
  }
}

std::size_t encoded_bytes_of(std::string_view text, const std::optional<std::int64_t>& integer) {
  return integer ? integer_bytes(*integer) : string_prefix(text.size()) + text.size();
}

Element decode(const unsigned char* entry) {
  const unsigned char byte = entry[0];
  const auto string_at = [entry](std::size_t prefix, std::size_t size) {
    return Element(std::string_view(reinterpret_cast<const char*>(entry) + prefix, size));
  };
  if (byte < 0x80) {
    return Element(std::int64_t{byte});
  }
  if (byte < 0xc0) {
    return string_at(1, byte & 0x3fu);
  }
  if (byte < 0xe0) {
    const unsigned value = (byte & 0x1fu) << 8 | entry[1];
    return Element(std::int64_t{value} - (value >= 4096 ? 8192 : 0));
  }
  if (byte < 0xf0) {
    return string_at(2, (byte & 0x0fu) << 8 | entry[1]);
  }
  switch (byte) {
    case kString32:
      return string_at(5, load_le<std::uint32_t>(entry + 1));
    case kInt16:
      return Element(std::int64_t{load_le<std::int16_t>(entry + 1)});
    case kInt24: {
      const unsigned value = load_le<std::uint16_t>(entry + 1) | unsigned{entry[3]} << 16;
      return Element(std::int64_t{value} - (value >= 1u << 23 ? 1 << 24 : 0));
    }
    case kInt32:
      return Element(std::int64_t{load_le<std::int32_t>(entry + 1)});
    default:
      return Element(load_le<std::int64_t>(entry + 1));
  }
}

}  // namespace

const unsigned char* Listpack::bytes_at(std::size_t at) const {
  return (block_ == nullptr ? kEmpty.data() : block_) + at;
}

Listpack Listpack::from_blob(std::string_view blob) {
  ENGINE_CHECK(blob.size() >= kEmpty.size(), blob.size());
  Listpack copy;
  copy.block_ = static_cast<unsigned char*>(memory::allocate(blob.size()));
  std::memcpy(copy.block_, blob.data(), blob.size());
  return copy;
}

Listpack::~Listpack() {
  memory::release(block_);
}

Listpack& Listpack::operator=(Listpack&& other) noexcept {
  std::swap(block_, other.block_);
  return *this;
}

// Checks each entry forwards, its encoding and its backward length: then walks in both directions
// stay in the block.
bool Listpack::validate(std::string_view blob, std::size_t& count) {
  count = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(blob.data());
  if (blob.size() < kEmpty.size() || load_le<std::uint32_t>(bytes) != blob.size() ||
      bytes[blob.size() - 1] != kEnd) {
    return false;
  }
  const std::size_t end = blob.size() - 1;
  std::size_t at = kHeaderBytes;
  while (at < end) {
    if (prefix_bytes(bytes[at]) > end - at) {
      return false;
    }
    const std::size_t encoded = encoded_bytes(bytes + at);
    if (encoded == 0 || encoded > end - at || backward_bytes(encoded) > end - at - encoded) {
      return false;
    }
    std::array<unsigned char, 5> backward{};
    write_backward(backward.data(), encoded);
    if (std::memcmp(backward.data(), bytes + at + encoded, backward_bytes(encoded)) != 0) {
      return false;
    }
    at += encoded + backward_bytes(encoded);
    ++count;
  }
  const auto stated = load_le<std::uint16_t>(bytes + 4);
  return at == end && (stated == kCountUnknown || stated == count);
}

std::size_t Listpack::bytes() const {
  return load_le<std::uint32_t>(bytes_at(0));
}

std::size_t Listpack::count() const {
  const auto stated = load_le<std::uint16_t>(bytes_at(4));
  if (stated != kCountUnknown) {
    return stated;
  }
  std::size_t count = 0;
  for (Position at = first(); at != end(); at = next(at)) {
    ++count;
  }
  return count;
}

Listpack::Position Listpack::next(Position at) const {
  ENGINE_DCHECK(at >= kHeaderBytes && at < end(), at, end());
  const std::size_t encoded = encoded_bytes(bytes_at(at));
  return static_cast<Position>(at + encoded + backward_bytes(encoded));
}

Listpack::Position Listpack::previous(Position at) const {
  const std::size_t encoded = read_backward(bytes_at(at));
  return static_cast<Position>(at - encoded - backward_bytes(encoded));
}

Listpack::Position Listpack::at(std::int64_t index) const {
  const auto stated = load_le<std::uint16_t>(bytes_at(4));
  if (stated != kCountUnknown) {
    // From whichever end is nearer.
    if (index < 0) {
      index += stated;
    }
    if (index < 0 || index >= stated) {
      return end();
    }
    if (index > stated / 2) {
      index -= stated;
    }
  }
  if (index >= 0) {
    Position at = first();
    for (; index > 0 && at != end(); --index) {
      at = next(at);
    }
    return at;
  }
  Position at = end();
  for (; index < 0; ++index) {
    if (at == first()) {
      return end();
    }
    at = previous(at);
  }
  return at;
}

Element Listpack::get(Position at) const {
  ENGINE_DCHECK(at >= kHeaderBytes && at < end(), at, end());
  return decode(bytes_at(at));
}

Listpack::Position Listpack::find(std::string_view text, Position from, std::size_t skip) const {
  const std::optional<std::int64_t> integer = parse_int64(text);
  const Position end = this->end();
  // An element of the text `text` has exactly one encoding, so its bytes can be compared. (Blobs
  // made elsewhere may hold an integer as a string, hence the comparison of strings by content.)
  for (Position at = from; at < end;) {
    const Element element = get(at);
    if (element.is_integer() ? integer == element.integer() : element.text() == text) {
      return at;
    }
    at = next(at);
    for (std::size_t i = 0; i < skip && at < end; ++i) {
      at = next(at);
    }
  }
  return end;
}

std::size_t Listpack::entry_bytes(std::string_view text) {
  const std::size_t encoded = encoded_bytes_of(text, parse_int64(text));
  return encoded + backward_bytes(encoded);
}

void Listpack::splice(Position from, Position to, std::string_view text) {
  const std::optional<std::int64_t> integer = parse_int64(text);
  const std::size_t encoded = encoded_bytes_of(text, integer);
  const bool is_new = from == to;
  resize_gap(from, to, encoded + backward_bytes(encoded));
  if (integer) {
    write_integer(block_ + from, *integer);
  } else {
    write_string(block_ + from, text);
  }
  write_backward(block_ + from + encoded, encoded);
  if (is_new) {
    add_to_count(1);
  }
}

void Listpack::erase(Position at, std::size_t elements) {
  Position to = at;
  std::ptrdiff_t erased = 0;
  for (; elements > 0 && to != end(); --elements, ++erased) {
    to = next(to);
  }
  if (erased > 0) {
    resize_gap(at, to, 0);
    add_to_count(-erased);
  }
}

Listpack Listpack::split(Position at) {
  Listpack tail;
  std::size_t moved = 0;
  for (Position each = at; each != end(); each = next(each)) {
    ++moved;
  }
  if (moved > 0) {
    tail.resize_gap(kHeaderBytes, kHeaderBytes, end() - at);
    std::memcpy(tail.block_ + kHeaderBytes, bytes_at(at), end() - at);
    tail.add_to_count(static_cast<std::ptrdiff_t>(moved));
    resize_gap(at, end(), 0);
    add_to_count(-static_cast<std::ptrdiff_t>(moved));
  }
  return tail;
}

void Listpack::shrink_to_fit() {
  if (block_ != nullptr && memory::usable_size(block_) > bytes() + 16) {
    block_ = static_cast<unsigned char*>(memory::reallocate(block_, bytes()));
  }
}

void Listpack::resize_gap(std::size_t from, std::size_t to, std::size_t size) {
  const std::size_t before = bytes();
  ENGINE_CHECK(kHeaderBytes <= from && from <= to && to < before, from, to, before);
  const std::size_t after = before - (to - from) + size;
  ENGINE_CHECK(after <= kBytesMax, after);
  if (block_ == nullptr) {
    block_ = static_cast<unsigned char*>(memory::allocate(after));
    std::memcpy(block_, kEmpty.data(), kEmpty.size());
  } else if (after > memory::usable_size(block_)) {
    // An eighth to spare, so that a listpack that grows is not copied for each element.
    block_ = static_cast<unsigned char*>(memory::reallocate(block_, after + after / 8));
  }
  std::memmove(block_ + from + size, block_ + to, before - to);
  store_le(block_, static_cast<std::uint32_t>(after));
  if (after < memory::usable_size(block_) / 2) {
    block_ = static_cast<unsigned char*>(memory::reallocate(block_, after));
  }
}

void Listpack::add_to_count(std::ptrdiff_t change) {
  const auto stated = load_le<std::uint16_t>(block_ + 4);
  if (stated == kCountUnknown) {
    return;  // stays unknown: Redis reads it either way
  }
  const std::ptrdiff_t count = stated + change;
  ENGINE_CHECK(count >= 0, stated, change);
  store_le(block_ + 4, count < kCountUnknown ? static_cast<std::uint16_t>(count) : kCountUnknown);
}

}  // namespace engine::keyspace
