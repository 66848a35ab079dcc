// Ranges of a sorted set by rank, score or member, and their arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/commands/dispatch/arguments.h"
#include "engine/commands/dispatch/context.h"
#include "engine/keyspace/sorted_set.h"

namespace engine::commands {

struct ScoreBound {
  double score;
  bool exclusive;
};

struct MemberBound {
  enum class Kind { kLowest, kMember, kHighest } kind;  // "-", "[x" or "(x", "+"
  std::string_view member;
  bool exclusive;
};

struct RangeSpec {
  enum class By { kRank, kScore, kMember } by = By::kRank;
  bool reverse = false;
  std::int64_t start = 0;  // by rank
  std::int64_t stop = 0;
  ScoreBound low_score{};  // by score
  ScoreBound high_score{};
  MemberBound low_member{};  // by member
  MemberBound high_member{};
  std::int64_t offset = 0;  // LIMIT
  std::int64_t limit = -1;  // negative: none
};

// Reads the bounds from arguments `first` (the low one, unless reversed and not by rank) and first
// + 1. Replies the error.
bool parse_bounds(Context& c, std::size_t first, RangeSpec& spec);

// The ranks the range covers, without LIMIT; counted from the lowest.
std::optional<IndexRange> find_range(const keyspace::SortedSet& zset, const RangeSpec& spec);

// fn(member, score) for each element of the range, in the order asked for, LIMIT observed.
template <typename Fn>
void for_each_in_range(const keyspace::SortedSet& zset, const RangeSpec& spec, Fn&& fn) {
  const std::optional<IndexRange> range = find_range(zset, spec);
  const auto skipped = static_cast<std::uint64_t>(spec.offset);  // a negative one skips everything
  if (!range || skipped >= range->count) {
    return;
  }
  std::size_t count = range->count - skipped;
  if (spec.limit >= 0) {
    count = std::min(count, static_cast<std::size_t>(spec.limit));
  }
  if (count == 0) {
    return;
  }
  auto cursor =
      zset.at(spec.reverse ? range->first + range->count - 1 - skipped : range->first + skipped);
  for (; count > 0; --count) {
    const keyspace::SortedSet::Entry entry = cursor.get();
    fn(entry.member.text(), entry.score);
    if (spec.reverse) {
      cursor.previous();
    } else {
      cursor.next();
    }
  }
}

}  // namespace engine::commands
