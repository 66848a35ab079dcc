// Digests that follow a change in constant time.
//
// The digest of a state is the sum (mod 2^64) of the digests of its keys, so that a command costs
// as much as the keys it touches. The digest of a key covers its database, name, type, value and
// whether it has a deadline; the deadline itself is compared apart, because the oracle knows it
// only to within the time the command took. An absent key has digest 0. Two states that differ
// agree by chance with probability 2^-61 or so: a history of a million commands judged against a
// million states meets that once in a million runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "harness/target/state.h"

namespace crashpoint::oracle {

using Digest = std::uint64_t;

[[nodiscard]] Digest hash_bytes(std::string_view bytes);
[[nodiscard]] Digest hash_key(const target::Key& key);
// Of a field and its value, or of a member and its score: added up over a collection.
[[nodiscard]] Digest hash_field(std::string_view field, std::string_view value);
[[nodiscard]] Digest hash_member(std::string_view member, double score);

// The value's digest: of a string its hash, of a list ListDigest::value(), else the sum above.
[[nodiscard]] Digest digest_key(Digest key_hash, std::size_t type_index, Digest value,
                                bool has_deadline);

// From the value itself, in time linear in its size.
[[nodiscard]] Digest digest_value(const target::Value& value);
[[nodiscard]] inline Digest digest_entry(const target::Key& key, const target::Entry& entry) {
  return digest_key(hash_key(key), entry.value.index(), digest_value(entry.value),
                    entry.expire_at_ms.has_value());
}

// A polynomial over the hashes of a list's items, modulo the prime 2^61 - 1: adding and removing at
// both ends takes constant time.
class ListDigest {
 public:
  void push_back(Digest item);
  void push_front(Digest item);
  void pop_back(Digest item);
  void pop_front(Digest item);
  [[nodiscard]] Digest value() const { return sum_; }

 private:
  std::uint64_t sum_ = 0;    // of item[i] * base^i
  std::uint64_t power_ = 1;  // base^size
};

}  // namespace crashpoint::oracle
