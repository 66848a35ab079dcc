// Sorted sets: members in and out, and the store forms of union, intersection and difference. What
// selects by range is in sorted_set_range_commands.cc.
#include <algorithm>
#include <cmath>

#include "harness/oracle/resp/command_table.h"
#include "harness/oracle/resp/sorted_set_order.h"

namespace crashpoint::oracle {
namespace {

struct AddOptions {
  bool nx = false;
  bool xx = false;
  bool gt = false;
  bool lt = false;
  bool changed = false;
  bool increment = false;
};

Reply add(Context& c, const AddOptions& options, std::size_t first) {
  const std::size_t pairs = (c.count() - first) / 2;
  if (pairs == 0 || (c.count() - first) % 2 != 0) {
    throw Failure{};
  }
  if (options.nx && (options.xx || options.gt || options.lt)) {
    throw Failure{};
  }
  if (options.gt && options.lt) {
    throw Failure{};
  }
  if (options.increment && pairs > 1) {
    throw Failure{};
  }
  std::vector<double> scores;
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    scores.push_back(c.score_at(first + 2 * pair));
  }

  const KeyId key = c.key(1);
  const TrackedSortedSet* old = c.find<TrackedSortedSet>(key);
  if (old == nullptr && options.xx) {
    return options.increment ? null() : integer(0);
  }
  TrackedSortedSet edited = old == nullptr ? TrackedSortedSet() : *old;
  std::int64_t added = 0;
  std::int64_t updated = 0;
  std::optional<double> last;
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    const std::string& member = c[first + 2 * pair + 1];
    double score = scores[pair];
    const auto found = edited.get().find(member);
    const bool is_new = found == edited.get().end();
    if (is_new ? options.xx : options.nx) {
      continue;
    }
    if (!is_new) {
      if (options.increment) {
        score += found->second;
      }
      if (std::isnan(score)) {
        throw Failure{};
      }
      if ((options.gt && score <= found->second) || (options.lt && score >= found->second)) {
        continue;
      }
      updated += score != found->second ? 1 : 0;
    }
    added += is_new ? 1 : 0;
    edited.set(member, score);
    last = score;
  }
  if (added + updated > 0) {
    c.edit<TrackedSortedSet>(key) = std::move(edited);
  }
  if (options.increment) {
    return last ? bulk(format_score(*last)) : null();
  }
  return integer(options.changed ? added + updated : added);
}

Reply zadd(Context& c) {
  AddOptions options;
  std::size_t at = 2;
  for (;; ++at) {
    if (c.is(at, "NX")) {
      options.nx = true;
    } else if (c.is(at, "XX")) {
      options.xx = true;
    } else if (c.is(at, "GT")) {
      options.gt = true;
    } else if (c.is(at, "LT")) {
      options.lt = true;
    } else if (c.is(at, "CH")) {
      options.changed = true;
    } else if (c.is(at, "INCR")) {
      options.increment = true;
    } else {
      break;
    }
  }
  return add(c, options, at);
}

Reply zincrby(Context& c) {
  return add(c, {.increment = true}, 2);
}

Reply zrem(Context& c) {
  const KeyId key = c.key(1);
  if (c.find<TrackedSortedSet>(key) == nullptr) {
    return integer(0);
  }
  TrackedSortedSet& set = c.edit<TrackedSortedSet>(key);
  std::int64_t removed = 0;
  for (const std::string& member : c.from(2)) {
    removed += set.erase(member) ? 1 : 0;
  }
  return integer(removed);
}

std::vector<Ranked> pop_many(Context& c, KeyId key, bool from_top, std::int64_t count) {
  std::vector<Ranked> order = ranked(*c.find<TrackedSortedSet>(key));
  if (from_top) {
    std::ranges::reverse(order);
  }
  order.resize(std::min(order.size(), static_cast<std::size_t>(count)));
  TrackedSortedSet& set = c.edit<TrackedSortedSet>(key);
  for (const Ranked& item : order) {
    set.erase(item.member);
  }
  return order;
}

Reply pop(Context& c, bool from_top) {
  if (c.count() > 3) {
    throw Failure{};
  }
  const std::int64_t count = c.count() == 3 ? c.integer_at(2) : 1;
  if (count < 0) {
    throw Failure{};
  }
  const KeyId key = c.key(1);
  if (c.find<TrackedSortedSet>(key) == nullptr || count == 0) {
    return array({});
  }
  std::vector<std::string> flat;
  for (Ranked& item : pop_many(c, key, from_top, count)) {
    flat.push_back(std::move(item.member));
    flat.push_back(format_score(item.score));
  }
  return bulk_array(std::move(flat));
}

Reply zpopmin(Context& c) {
  return pop(c, false);
}
Reply zpopmax(Context& c) {
  return pop(c, true);
}

void check_timeout(const Context& c, std::size_t at) {
  const double timeout = c.score_at(at);
  if (timeout < 0 || std::isinf(timeout)) {
    throw Failure{};
  }
}

std::optional<std::size_t> first_filled(Context& c, std::size_t first, std::size_t last) {
  for (std::size_t at = first; at < last; ++at) {
    if (c.find<TrackedSortedSet>(c.key(at)) != nullptr) {
      return at;
    }
  }
  return std::nullopt;
}

Reply blocking_pop(Context& c, bool from_top) {
  check_timeout(c, c.count() - 1);
  const std::optional<std::size_t> at = first_filled(c, 1, c.count() - 1);
  if (!at) {
    return null_array();
  }
  Ranked item = pop_many(c, c.key(*at), from_top, 1).front();
  return bulk_array({c[*at], std::move(item.member), format_score(item.score)});
}

Reply bzpopmin(Context& c) {
  return blocking_pop(c, false);
}
Reply bzpopmax(Context& c) {
  return blocking_pop(c, true);
}

Reply pop_from_several(Context& c, std::size_t numkeys_at) {
  const std::int64_t numkeys = c.integer_at(numkeys_at);
  const std::size_t first = numkeys_at + 1;
  if (numkeys <= 0 || static_cast<std::uint64_t>(numkeys) >= c.count() - first) {
    throw Failure{};
  }
  const std::size_t last = first + static_cast<std::size_t>(numkeys);
  const bool from_top = c.is(last, "MAX");
  if (!from_top && !c.is(last, "MIN")) {
    throw Failure{};
  }
  std::int64_t count = 1;
  if (c.count() == last + 3 && c.is(last + 1, "COUNT")) {
    count = c.integer_at(last + 2);
    if (count <= 0) {
      throw Failure{};
    }
  } else if (c.count() != last + 1) {
    throw Failure{};
  }
  const std::optional<std::size_t> at = first_filled(c, first, last);
  if (!at) {
    return null_array();
  }
  std::vector<target::RespValue> pairs;
  for (Ranked& item : pop_many(c, c.key(*at), from_top, count)) {
    pairs.push_back(*bulk_array({std::move(item.member), format_score(item.score)}));
  }
  return array({*bulk(c[*at]), *array(std::move(pairs))});
}

Reply zmpop(Context& c) {
  return pop_from_several(c, 1);
}
Reply bzmpop(Context& c) {
  check_timeout(c, 1);
  return pop_from_several(c, 2);
}

void zmpop_keys(std::span<const std::string> arguments, std::uint32_t database,
                std::vector<target::Key>& keys) {
  append_counted_keys(arguments, 1, database, keys);
}
void bzmpop_keys(std::span<const std::string> arguments, std::uint32_t database,
                 std::vector<target::Key>& keys) {
  append_counted_keys(arguments, 2, database, keys);
}

// An input of the store forms: plain sets count as sorted ones whose scores are all 1.
target::SortedSet members_of(Context& c, KeyId key) {
  const TrackedValue* value = c.find_any(key);
  if (value == nullptr) {
    return {};
  }
  if (const auto* sorted = std::get_if<TrackedSortedSet>(value)) {
    return sorted->get();
  }
  const auto* plain = std::get_if<TrackedSet>(value);
  if (plain == nullptr) {
    throw Failure{"WRONGTYPE"};
  }
  target::SortedSet members;
  for (const std::string& member : plain->get()) {
    members.emplace(member, 1.0);
  }
  return members;
}

enum class SortedCombination : std::uint8_t { kUnion, kIntersection, kDifference };
enum class Aggregate : std::uint8_t { kSum, kMin, kMax };

double weighted(double score, double weight) {
  const double product = score * weight;
  return std::isnan(product) ? 0 : product;  // 0 * inf
}

double aggregated(double one, double other, Aggregate how) {
  if (how == Aggregate::kMin) {
    return std::min(one, other);
  }
  if (how == Aggregate::kMax) {
    return std::max(one, other);
  }
  const double sum = one + other;
  return std::isnan(sum) ? 0 : sum;  // inf - inf
}

Reply store_combined(Context& c, SortedCombination combination) {
  struct Source {
    target::SortedSet members;
    double weight = 1;
  };
  const std::int64_t numkeys = c.integer_at(2);
  if (numkeys < 1 || static_cast<std::uint64_t>(numkeys) > c.count() - 3) {
    throw Failure{};
  }
  const std::size_t options = 3 + static_cast<std::size_t>(numkeys);
  std::vector<Source> sources;
  for (std::size_t at = 3; at < options; ++at) {
    sources.push_back({.members = members_of(c, c.key(at))});
  }
  Aggregate aggregate = Aggregate::kSum;
  for (std::size_t at = options; at < c.count();) {
    if (combination == SortedCombination::kDifference) {
      throw Failure{};
    }
    if (c.is(at, "WEIGHTS") && at + sources.size() < c.count()) {
      for (Source& source : sources) {
        source.weight = c.score_at(++at);
      }
      ++at;
    } else if (c.is(at, "AGGREGATE") && at + 1 < c.count()) {
      aggregate = c.is(at + 1, "SUM")   ? Aggregate::kSum
                  : c.is(at + 1, "MIN") ? Aggregate::kMin
                  : c.is(at + 1, "MAX") ? Aggregate::kMax
                                        : throw Failure{};
      at += 2;
    } else {
      throw Failure{};
    }
  }
  target::SortedSet result;
  if (combination == SortedCombination::kDifference) {
    result = sources.front().members;
    for (std::size_t other = 1; other < sources.size(); ++other) {
      std::erase_if(result,
                    [&](const auto& item) { return sources[other].members.contains(item.first); });
    }
  } else {
    // Floating-point sums depend on their order: from the smallest input to the largest.
    std::ranges::stable_sort(sources, {},
                             [](const Source& source) { return source.members.size(); });
    for (const Source& source : sources) {
      for (const auto& [member, score] : source.members) {
        const double value = weighted(score, source.weight);
        const auto [at, is_new] = result.try_emplace(member, value);
        if (!is_new) {
          at->second = aggregated(at->second, value, aggregate);
        }
      }
    }
    if (combination == SortedCombination::kIntersection) {
      std::erase_if(result, [&](const auto& item) {
        return !std::ranges::all_of(
            sources, [&](const Source& source) { return source.members.contains(item.first); });
      });
    }
  }
  const auto size = static_cast<std::int64_t>(result.size());
  c.put(c.key(1), TrackedSortedSet(std::move(result)));
  return integer(size);
}

Reply zunionstore(Context& c) {
  return store_combined(c, SortedCombination::kUnion);
}
Reply zinterstore(Context& c) {
  return store_combined(c, SortedCombination::kIntersection);
}
Reply zdiffstore(Context& c) {
  return store_combined(c, SortedCombination::kDifference);
}

void store_keys(std::span<const std::string> arguments, std::uint32_t database,
                std::vector<target::Key>& keys) {
  if (arguments.size() > 1) {
    keys.push_back({database, arguments[1]});
  }
  append_counted_keys(arguments, 2, database, keys);
}

constexpr KeyRange kBlocking{.first = 1, .last = -2};
constexpr KeyRange kStored{.first = 0, .last = 0, .step = 1, .written = 1};

constexpr Command kSortedSetCommands[] = {
    {"ZADD", -4, kFirstKey, zadd},
    {"ZINCRBY", 4, kFirstKey, zincrby},
    {"ZREM", -3, kFirstKey, zrem},
    {"ZPOPMIN", -2, kFirstKey, zpopmin},
    {"ZPOPMAX", -2, kFirstKey, zpopmax},
    {"BZPOPMIN", -3, kBlocking, bzpopmin},
    {"BZPOPMAX", -3, kBlocking, bzpopmax},
    {"ZMPOP", -4, {}, zmpop, zmpop_keys},
    {"BZMPOP", -5, {}, bzmpop, bzmpop_keys},
    {"ZUNIONSTORE", -4, kStored, zunionstore, store_keys},
    {"ZINTERSTORE", -4, kStored, zinterstore, store_keys},
    {"ZDIFFSTORE", -4, kStored, zdiffstore, store_keys},
};

}  // namespace

std::span<const Command> sorted_set_commands() {
  return kSortedSetCommands;
}

}  // namespace crashpoint::oracle
