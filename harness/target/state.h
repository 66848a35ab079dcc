// The data of a server at one moment: what the oracle compares.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>

namespace crashpoint::target {

struct Key {
  std::uint32_t database = 0;
  std::string name;
  friend auto operator<=>(const Key&, const Key&) = default;
};

using List = std::deque<std::string>;
using Set = std::set<std::string>;
using Hash = std::map<std::string, std::string>;
using SortedSet = std::map<std::string, double>;  // member -> score
// A type this oracle has no model of, told apart by its serialised form alone.
struct Opaque {
  std::string type;
  std::string dump;
  friend bool operator==(const Opaque&, const Opaque&) = default;
};
using Value = std::variant<std::string, List, Set, Hash, SortedSet, Opaque>;

// As TYPE names it: "string", "list", "set", "hash", "zset".
[[nodiscard]] std::string type_name(const Value& value);

// NOLINTNEXTLINE(bugprone-exception-escape): of the move assignment that is made for it
struct Entry {
  Value value;
  std::optional<std::int64_t> expire_at_ms;  // Unix time
  friend bool operator==(const Entry&, const Entry&) = default;
};

struct State {
  std::map<Key, Entry> entries;
  // When it was read, Unix time: keys whose deadline lies before `from` are gone from it, keys
  // whose deadline lies after `to` are not, for the others it depends. 0: time plays no part.
  std::int64_t observed_from_ms = 0;
  std::int64_t observed_to_ms = 0;
  // Deadlines may be off by so much: 0 from PEXPIRETIME, more where only PTTL could be asked.
  std::int64_t deadline_error_ms = 0;
};

}  // namespace crashpoint::target
