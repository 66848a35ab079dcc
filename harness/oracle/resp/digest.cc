#include "harness/oracle/resp/digest.h"

#include <xxhash.h>

#include <array>
#include <bit>

namespace crashpoint::oracle {
namespace {

constexpr std::uint64_t kPrime = (std::uint64_t{1} << 61) - 1;
constexpr std::uint64_t kBase = 0x0f3a1d7c5b9e8642;

// NOLINTNEXTLINE(modernize-use-using): g++ takes __extension__ before a typedef only
__extension__ typedef unsigned __int128 Wide;

constexpr std::uint64_t reduce(std::uint64_t value) {
  value = (value & kPrime) + (value >> 61);
  return value >= kPrime ? value - kPrime : value;
}

constexpr std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return reduce((static_cast<std::uint64_t>(product) & kPrime) +
                static_cast<std::uint64_t>(product >> 61));
}

constexpr std::uint64_t add(std::uint64_t a, std::uint64_t b) {
  return reduce(a + b);
}
constexpr std::uint64_t subtract(std::uint64_t a, std::uint64_t b) {
  return reduce(a + kPrime - b);
}

constexpr std::uint64_t inverse(std::uint64_t value) {
  std::uint64_t result = 1;  // Fermat: value^(p-2)
  for (std::uint64_t exponent = kPrime - 2; exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) {
      result = multiply(result, value);
    }
    value = multiply(value, value);
  }
  return result;
}

constexpr std::uint64_t kInverse = inverse(kBase);
static_assert(multiply(kBase, kInverse) == 1);

template <std::size_t N>
Digest mix(const std::array<std::uint64_t, N>& words) {
  return XXH3_64bits(words.data(), sizeof words);
}

}  // namespace

Digest hash_bytes(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

Digest hash_key(const target::Key& key) {
  return XXH3_64bits_withSeed(key.name.data(), key.name.size(), key.database);
}

Digest hash_field(std::string_view field, std::string_view value) {
  return mix(std::array{hash_bytes(field), hash_bytes(value)});
}

Digest hash_member(std::string_view member, double score) {
  // -0 and 0 are one score.
  return mix(
      std::array{hash_bytes(member), std::bit_cast<std::uint64_t>(score == 0 ? 0.0 : score)});
}

Digest digest_key(Digest key_hash, std::size_t type_index, Digest value, bool has_deadline) {
  return mix(
      std::array<std::uint64_t, 3>{key_hash, value, type_index * 2 + (has_deadline ? 1 : 0)});
}

Digest digest_value(const target::Value& value) {
  struct Visitor {
    Digest operator()(const std::string& text) const { return hash_bytes(text); }
    Digest operator()(const target::List& list) const {
      ListDigest digest;
      for (const std::string& item : list) {
        digest.push_back(hash_bytes(item));
      }
      return digest.value();
    }
    Digest operator()(const target::Set& set) const {
      Digest sum = 0;
      for (const std::string& member : set) {
        sum += hash_bytes(member);
      }
      return sum;
    }
    Digest operator()(const target::Hash& hash) const {
      Digest sum = 0;
      for (const auto& [field, text] : hash) {
        sum += hash_field(field, text);
      }
      return sum;
    }
    Digest operator()(const target::SortedSet& set) const {
      Digest sum = 0;
      for (const auto& [member, score] : set) {
        sum += hash_member(member, score);
      }
      return sum;
    }
    Digest operator()(const target::Opaque& opaque) const {
      return hash_field(opaque.type, opaque.dump);
    }
  };
  return std::visit(Visitor{}, value);
}

void ListDigest::push_back(Digest item) {
  sum_ = add(sum_, multiply(reduce(item), power_));
  power_ = multiply(power_, kBase);
}

void ListDigest::push_front(Digest item) {
  sum_ = add(multiply(sum_, kBase), reduce(item));
  power_ = multiply(power_, kBase);
}

void ListDigest::pop_back(Digest item) {
  power_ = multiply(power_, kInverse);
  sum_ = subtract(sum_, multiply(reduce(item), power_));
}

void ListDigest::pop_front(Digest item) {
  sum_ = multiply(subtract(sum_, reduce(item)), kInverse);
  power_ = multiply(power_, kInverse);
}

}  // namespace crashpoint::oracle
