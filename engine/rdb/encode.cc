#include "engine/rdb/encode.h"

#include <liblzf/lzf.h>

#include <array>
#include <limits>
#include <optional>
#include <string>

#include "engine/base/bytes.h"
#include "engine/base/text.h"

namespace engine::rdb {
namespace {

constexpr std::size_t kIntegerDigitsMax = 11;  // "-2147483648"
constexpr std::size_t kCompressBytesMin = 21;
constexpr std::size_t kCompressBytesMax = std::numeric_limits<unsigned int>::max();

template <typename T>
void put_le(Output& out, T value) {
  std::array<char, sizeof(T)> bytes{};
  store_le(bytes.data(), value);
  out.put({bytes.data(), bytes.size()});
}

template <typename T>
void put_be(Output& out, T value) {
  for (int shift = static_cast<int>(sizeof(T) - 1) * 8; shift >= 0; shift -= 8) {
    out.put_byte(static_cast<std::uint8_t>(value >> shift));
  }
}

bool put_integer(Output& out, std::int64_t value) {
  if (value >= std::numeric_limits<std::int8_t>::min() &&
      value <= std::numeric_limits<std::int8_t>::max()) {
    out.put_byte(kSpecial | kInt8);
    put_le(out, static_cast<std::int8_t>(value));
  } else if (value >= std::numeric_limits<std::int16_t>::min() &&
             value <= std::numeric_limits<std::int16_t>::max()) {
    out.put_byte(kSpecial | kInt16);
    put_le(out, static_cast<std::int16_t>(value));
  } else if (value >= std::numeric_limits<std::int32_t>::min() &&
             value <= std::numeric_limits<std::int32_t>::max()) {
    out.put_byte(kSpecial | kInt32);
    put_le(out, static_cast<std::int32_t>(value));
  } else {
    return false;
  }
  return true;
}

bool put_compressed(Output& out, std::string_view text) {
  thread_local std::string compressed;
  ENGINE_CHECK(text.size() >= kCompressBytesMin && text.size() <= kCompressBytesMax, text.size());
  const std::size_t limit = text.size() - 4;  // it must save something, the two lengths included
  if (compressed.size() < limit) {
    compressed.resize(limit);
  }
  const unsigned int size = lzf_compress(text.data(), static_cast<unsigned int>(text.size()),
                                         compressed.data(), static_cast<unsigned int>(limit));
  if (size == 0) {
    return false;
  }
  ENGINE_CHECK(size <= limit, size, limit);
  out.put_byte(kSpecial | kLzf);
  put_length(out, size);
  put_length(out, text.size());
  out.put(std::string_view(compressed).substr(0, size));
  return true;
}

void put_double(Output& out, double value) {
  put_le(out, value);
}

void put_list(Output& out, const keyspace::List& list, bool compress) {
  put_length(out, list.node_count());
  list.for_each_node([&](std::string_view listpack) {
    put_length(out, kContainerPacked);
    put_string(out, listpack, compress);
  });
}

void put_set(Output& out, const keyspace::Set& set, bool compress) {
  if (set.is_intset()) {
    put_string(out, set.intset().blob(), compress);
    return;
  }
  put_length(out, set.size());
  set.for_each([&](std::string_view member) { put_string(out, member, compress); });
}

void put_sorted_set(Output& out, const keyspace::SortedSet& set, bool compress) {
  if (set.is_listpack()) {
    put_string(out, set.listpack().blob(), compress);
    return;
  }
  put_length(out, set.size());
  set.for_each_reverse([&](std::string_view member, double score) {
    put_string(out, member, compress);
    put_double(out, score);
  });
}

void put_hash(Output& out, const keyspace::Hash& hash, bool compress) {
  if (hash.is_listpack()) {
    put_string(out, hash.listpack().blob(), compress);
    return;
  }
  put_length(out, hash.size());
  hash.for_each([&](std::string_view field, std::string_view value) {
    put_string(out, field, compress);
    put_string(out, value, compress);
  });
}

}  // namespace

void put_length(Output& out, std::uint64_t length) {
  if (length < (1U << 6)) {
    out.put_byte(static_cast<std::uint8_t>(length));
  } else if (length < (1U << 14)) {
    out.put_byte(static_cast<std::uint8_t>(kLength14 | (length >> 8)));
    out.put_byte(static_cast<std::uint8_t>(length));
  } else if (length <= std::numeric_limits<std::uint32_t>::max()) {
    out.put_byte(kLength32);
    put_be(out, static_cast<std::uint32_t>(length));
  } else {
    out.put_byte(kLength64);
    put_be(out, length);
  }
}

void put_string(Output& out, std::string_view text, bool compress) {
  if (text.size() <= kIntegerDigitsMax) {
    const std::optional<std::int64_t> integer = parse_int64(text);
    if (integer && put_integer(out, *integer)) {
      return;
    }
  }
  if (compress && text.size() >= kCompressBytesMin && text.size() <= kCompressBytesMax &&
      put_compressed(out, text)) {
    return;
  }
  put_length(out, text.size());
  out.put(text);
}

ValueType value_type(const keyspace::Object& value) {
  switch (value.type()) {
    case keyspace::Type::kString:
      return kString;
    case keyspace::Type::kList:
      return kListQuicklist2;
    case keyspace::Type::kSet:
      return value.set().is_intset() ? kSetIntset : kSet;
    case keyspace::Type::kSortedSet:
      return value.sorted_set().is_listpack() ? kZsetListpack : kZset2;
    case keyspace::Type::kHash:
      return value.hash().is_listpack() ? kHashListpack : kHash;
  }
  return kString;
}

void put_value(Output& out, const keyspace::Object& value, bool compress) {
  switch (value.type()) {
    case keyspace::Type::kString:
      if (!value.is_integer() || !put_integer(out, value.integer_value())) {
        put_string(out, value.text().text(), compress);
      }
      return;
    case keyspace::Type::kList:
      return put_list(out, value.list(), compress);
    case keyspace::Type::kSet:
      return put_set(out, value.set(), compress);
    case keyspace::Type::kSortedSet:
      return put_sorted_set(out, value.sorted_set(), compress);
    case keyspace::Type::kHash:
      return put_hash(out, value.hash(), compress);
  }
}

}  // namespace engine::rdb
