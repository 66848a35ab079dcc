#include "engine/commands/services/digest.h"

#include <boost/uuid/detail/sha1.hpp>

#include "engine/base/text.h"

namespace engine::commands {
namespace {

using keyspace::Object;
using keyspace::Type;

Digest sha1(std::string_view data) {
  boost::uuids::detail::sha1 hash;
  hash.process_bytes(data.data(), data.size());
  boost::uuids::detail::sha1::digest_type words;
  hash.get_digest(words);
  Digest digest;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<unsigned char>(words[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

std::string_view bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// For parts without an order: the result does not depend on it.
void add_unordered(Digest& digest, std::string_view data) {
  const Digest other = sha1(data);
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] ^= other[i];
  }
}

// For parts in order.
void add(Digest& digest, std::string_view data) {
  add_unordered(digest, data);
  digest = sha1(bytes_of(digest));
}

void add(Digest& digest, std::uint32_t number) {
  const char big_endian[] = {static_cast<char>(number >> 24), static_cast<char>(number >> 16),
                             static_cast<char>(number >> 8), static_cast<char>(number)};
  add(digest, std::string_view(big_endian, sizeof(big_endian)));
}

// Elements of a list and pairs of a sorted set or hash are mixed as redis-server mixes them.
void add_value(Digest& digest, const Object& value, bool expires) {
  add(digest, static_cast<std::uint32_t>(value.type()));
  switch (value.type()) {
    case Type::kString:
      add(digest, value.text().text());
      break;
    case Type::kList:
      value.list().for_each([&digest](std::string_view element) { add(digest, element); });
      break;
    case Type::kSet:
      value.set().for_each([&digest](std::string_view member) { add_unordered(digest, member); });
      break;
    case Type::kSortedSet:
      value.sorted_set().for_each([&digest](std::string_view member, double score) {
        Digest element{};
        add(element, member);
        add(element, format_double(score));
        add_unordered(digest, bytes_of(element));
      });
      break;
    case Type::kHash:
      value.hash().for_each([&digest](std::string_view field, std::string_view held) {
        Digest element{};
        add(element, field);
        add(element, held);
        add_unordered(digest, bytes_of(element));
      });
      break;
  }
  if (expires) {
    add_unordered(digest, "!!expire!!");
  }
}

}  // namespace

Digest digest_of(const Object& value, bool expires) {
  Digest digest{};
  add_value(digest, value, expires);
  return digest;
}

Digest digest_of(const keyspace::Keyspace& keyspace) {
  Digest digest{};
  for (int i = 0; i < keyspace.count(); ++i) {
    const keyspace::Database& database = keyspace.database(i);
    if (database.size() == 0) {
      continue;
    }
    add(digest, static_cast<std::uint32_t>(i));
    database.for_each([&](std::string_view key, const Object& value, std::int64_t expire_ms) {
      Digest of_key{};
      add(of_key, key);
      add_value(of_key, value, expire_ms != keyspace::kNoExpiry);
      add_unordered(digest, bytes_of(of_key));
    });
  }
  return digest;
}

std::string to_hex(const Digest& digest) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : digest) {
    text += {kHex[byte >> 4], kHex[byte & 15]};
  }
  return text;
}

}  // namespace engine::commands
