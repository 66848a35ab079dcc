// Sets.
#include <algorithm>

#include "harness/oracle/resp/command_table.h"

namespace crashpoint::oracle {
namespace {

Reply sadd(Context& c) {
  TrackedSet& set = c.edit<TrackedSet>(c.key(1));
  std::int64_t added = 0;
  for (const std::string& member : c.from(2)) {
    added += set.insert(member) ? 1 : 0;
  }
  return integer(added);
}

Reply srem(Context& c) {
  const KeyId key = c.key(1);
  if (c.find<TrackedSet>(key) == nullptr) {
    return integer(0);
  }
  TrackedSet& set = c.edit<TrackedSet>(key);
  std::int64_t removed = 0;
  for (const std::string& member : c.from(2)) {
    removed += set.erase(member) ? 1 : 0;
  }
  return integer(removed);
}

Reply smove(Context& c) {
  const KeyId source = c.key(1);
  const KeyId destination = c.key(2);
  const TrackedSet* from = c.find<TrackedSet>(source);
  if (from == nullptr) {
    return integer(0);
  }
  (void)c.find<TrackedSet>(destination);
  if (!from->get().contains(c[3])) {
    return integer(0);
  }
  if (source == destination) {
    return integer(1);
  }
  c.edit<TrackedSet>(source).erase(c[3]);
  c.edit<TrackedSet>(destination).insert(c[3]);
  return integer(1);
}

// Which members go is the server's choice, unless all do.
Reply spop(Context& c) {
  if (c.count() > 3) {
    throw Failure{};
  }
  const bool counted = c.count() == 3;
  const std::int64_t count = counted ? c.integer_at(2) : 1;
  if (count < 0) {
    throw Failure{};
  }
  const KeyId key = c.key(1);
  const TrackedSet* set = c.find<TrackedSet>(key);
  if (set == nullptr || count == 0) {
    return counted ? array({}) : null();
  }
  const auto size = static_cast<std::int64_t>(set->get().size());
  if (count >= size) {
    std::string last = *set->get().begin();
    c.erase(key);
    if (counted) {
      return std::nullopt;  // in any order
    }
    return bulk(std::move(last));
  }
  if (c.reply() == nullptr) {
    const auto left = static_cast<std::size_t>(size - count);
    throw undetermined_but([members = set->get(), left](const target::Entry* found) {
      const auto* other = found == nullptr ? nullptr : std::get_if<target::Set>(&found->value);
      return other != nullptr && other->size() == left && std::ranges::includes(members, *other);
    });
  }
  std::vector<std::string> taken;
  if (counted) {
    for (const target::RespValue& item : c.reply()->items) {
      taken.push_back(item.text);
    }
  } else {
    taken.push_back(c.reply()->text);
  }
  // A reply that cannot be is answered by one that differs from it.
  std::ranges::sort(taken);
  const bool possible = static_cast<std::int64_t>(taken.size()) == count &&
                        std::ranges::adjacent_find(taken) == taken.end() &&
                        std::ranges::all_of(taken, [&](const std::string& member) {
                          return set->get().contains(member);
                        });
  if (!possible) {
    return null_array();
  }
  TrackedSet& edited = c.edit<TrackedSet>(key);
  for (const std::string& member : taken) {
    edited.erase(member);
  }
  return std::nullopt;
}

enum class Combination : std::uint8_t { kUnion, kIntersection, kDifference };

Reply store(Context& c, Combination combination) {
  target::Set result;
  for (std::size_t at = 2; at < c.count(); ++at) {
    const TrackedSet* found = c.find<TrackedSet>(c.key(at));
    const target::Set& source = found == nullptr ? target::Set() : found->get();
    if (at == 2 || combination == Combination::kUnion) {
      result.insert(source.begin(), source.end());
    } else {
      const bool keep = combination == Combination::kIntersection;
      std::erase_if(result,
                    [&](const std::string& member) { return source.contains(member) != keep; });
    }
  }
  const auto size = static_cast<std::int64_t>(result.size());
  const KeyId destination = c.key(1);
  c.put(destination, TrackedSet(std::move(result)));
  return integer(size);
}

Reply sunionstore(Context& c) {
  return store(c, Combination::kUnion);
}
Reply sinterstore(Context& c) {
  return store(c, Combination::kIntersection);
}
Reply sdiffstore(Context& c) {
  return store(c, Combination::kDifference);
}

constexpr KeyRange kStoredAndSources{.first = 1, .last = -1, .step = 1, .written = 1};

constexpr Command kSetCommands[] = {
    {"SADD", -3, kFirstKey, sadd},
    {"SREM", -3, kFirstKey, srem},
    {"SMOVE", 4, {.first = 1, .last = 2}, smove},
    {"SPOP", -2, kFirstKey, spop},
    {"SUNIONSTORE", -3, kStoredAndSources, sunionstore},
    {"SINTERSTORE", -3, kStoredAndSources, sinterstore},
    {"SDIFFSTORE", -3, kStoredAndSources, sdiffstore},
};

}  // namespace

std::span<const Command> set_commands() {
  return kSetCommands;
}

}  // namespace crashpoint::oracle
