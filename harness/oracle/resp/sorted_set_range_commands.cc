// Sorted sets: what stores or removes a range of ranks, scores or members.
#include <algorithm>
#include <limits>

#include "harness/oracle/resp/command_table.h"
#include "harness/oracle/resp/sorted_set_order.h"

namespace crashpoint::oracle {
namespace {

struct ScoreBound {
  double score = 0;
  bool open = false;  // "(1": the bound itself is out
};

ScoreBound parse_score_bound(const std::string& text) {
  const bool open = text.starts_with('(');
  const std::optional<double> score = parse_score(open ? text.substr(1) : text);
  if (!score) {
    throw Failure{};
  }
  return {.score = *score, .open = open};
}

struct MemberBound {
  enum class Kind : std::uint8_t { kLowest, kHighest, kMember } kind = Kind::kMember;
  std::string member;
  bool open = false;
};

MemberBound parse_member_bound(const std::string& text) {
  if (text == "-") {
    return {.kind = MemberBound::Kind::kLowest, .member = {}};
  }
  if (text == "+") {
    return {.kind = MemberBound::Kind::kHighest, .member = {}};
  }
  if (!text.starts_with('[') && !text.starts_with('(')) {
    throw Failure{};
  }
  return {.member = text.substr(1), .open = text.front() == '('};
}

bool at_least(double score, const ScoreBound& low) {
  return low.open ? score > low.score : score >= low.score;
}
bool at_most(double score, const ScoreBound& high) {
  return high.open ? score < high.score : score <= high.score;
}
bool at_least(const std::string& member, const MemberBound& low) {
  if (low.kind != MemberBound::Kind::kMember) {
    return low.kind == MemberBound::Kind::kLowest;
  }
  return low.open ? member > low.member : member >= low.member;
}
bool at_most(const std::string& member, const MemberBound& high) {
  if (high.kind != MemberBound::Kind::kMember) {
    return high.kind == MemberBound::Kind::kHighest;
  }
  return high.open ? member < high.member : member <= high.member;
}

enum class By : std::uint8_t { kRank, kScore, kMember };

struct Range {
  By by = By::kRank;
  bool reversed = false;
  std::int64_t start = 0;
  std::int64_t stop = 0;
  ScoreBound low_score;
  ScoreBound high_score;
  MemberBound low_member;
  MemberBound high_member;
};

// The bounds at `at` and `at` + 1; with REV the higher one comes first, but for ranks.
Range parse_range(const Context& c, By by, bool reversed, std::size_t at) {
  Range range{.by = by,
              .reversed = reversed,
              .low_score = {},
              .high_score = {},
              .low_member = {},
              .high_member = {}};
  const std::size_t low = reversed ? at + 1 : at;
  const std::size_t high = reversed ? at : at + 1;
  switch (by) {
    case By::kRank:
      range.start = c.integer_at(at);
      range.stop = c.integer_at(at + 1);
      break;
    case By::kScore:
      range.low_score = parse_score_bound(c[low]);
      range.high_score = parse_score_bound(c[high]);
      break;
    case By::kMember:
      range.low_member = parse_member_bound(c[low]);
      range.high_member = parse_member_bound(c[high]);
      break;
  }
  return range;
}

std::vector<Ranked> select(const TrackedSortedSet& set, const Range& range) {
  std::vector<Ranked> order = ranked(set);
  if (range.reversed) {
    std::ranges::reverse(order);
  }
  if (range.by == By::kScore) {
    std::erase_if(order, [&](const Ranked& item) {
      return !at_least(item.score, range.low_score) || !at_most(item.score, range.high_score);
    });
    return order;
  }
  if (range.by == By::kMember) {
    // Ranges of members mean something only where all scores are equal.
    if (!order.empty() && order.front().score != order.back().score) {
      throw Undetermined{};
    }
    std::erase_if(order, [&](const Ranked& item) {
      return !at_least(item.member, range.low_member) || !at_most(item.member, range.high_member);
    });
    return order;
  }
  const auto size = static_cast<std::int64_t>(order.size());
  std::int64_t start = range.start;
  std::int64_t stop = range.stop;
  if (start < 0) {
    start = std::max<std::int64_t>(start + size, 0);
  }
  if (stop < 0) {
    stop += size;
  }
  stop = std::min(stop, size - 1);
  if (start > stop) {
    return {};
  }
  return {order.begin() + start, order.begin() + stop + 1};
}

Reply zrangestore(Context& c) {
  By by = By::kRank;
  bool reversed = false;
  std::int64_t offset = 0;
  std::int64_t limit = -1;
  for (std::size_t at = 5; at < c.count(); ++at) {
    if (c.is(at, "REV")) {
      reversed = true;
    } else if (c.is(at, "BYSCORE")) {
      by = By::kScore;
    } else if (c.is(at, "BYLEX")) {
      by = By::kMember;
    } else if (c.is(at, "LIMIT") && at + 2 < c.count()) {
      offset = c.integer_at(at + 1);
      limit = c.integer_at(at + 2);
      at += 2;
    } else {
      throw Failure{};
    }
  }
  // A limit of -1 means none and passes even by rank.
  if (by == By::kRank && limit != -1) {
    throw Failure{};
  }
  const Range range = parse_range(c, by, reversed, 3);
  const TrackedSortedSet* source = c.find<TrackedSortedSet>(c.key(2));
  std::vector<Ranked> selected = source == nullptr ? std::vector<Ranked>() : select(*source, range);
  if (by != By::kRank && (offset != 0 || limit != -1)) {
    if (offset < 0 || offset >= static_cast<std::int64_t>(selected.size())) {
      selected.clear();
    } else {
      selected.erase(selected.begin(), selected.begin() + offset);
      if (limit >= 0 && limit < static_cast<std::int64_t>(selected.size())) {
        selected.resize(static_cast<std::size_t>(limit));
      }
    }
  }
  TrackedSortedSet result;
  for (const Ranked& item : selected) {
    result.set(item.member, item.score);
  }
  c.put(c.key(1), std::move(result));
  return integer(static_cast<std::int64_t>(selected.size()));
}

Reply remove_range(Context& c, By by) {
  const Range range = parse_range(c, by, false, 2);
  const KeyId key = c.key(1);
  const TrackedSortedSet* set = c.find<TrackedSortedSet>(key);
  if (set == nullptr) {
    return integer(0);
  }
  const std::vector<Ranked> selected = select(*set, range);
  TrackedSortedSet& edited = c.edit<TrackedSortedSet>(key);
  for (const Ranked& item : selected) {
    edited.erase(item.member);
  }
  return integer(static_cast<std::int64_t>(selected.size()));
}

Reply zremrangebyrank(Context& c) {
  return remove_range(c, By::kRank);
}
Reply zremrangebyscore(Context& c) {
  return remove_range(c, By::kScore);
}
Reply zremrangebylex(Context& c) {
  return remove_range(c, By::kMember);
}

constexpr Command kSortedSetRangeCommands[] = {
    {"ZRANGESTORE", -5, {.first = 1, .last = 2, .step = 1, .written = 1}, zrangestore},
    {"ZREMRANGEBYRANK", 4, kFirstKey, zremrangebyrank},
    {"ZREMRANGEBYSCORE", 4, kFirstKey, zremrangebyscore},
    {"ZREMRANGEBYLEX", 4, kFirstKey, zremrangebylex},
};

}  // namespace

std::span<const Command> sorted_set_range_commands() {
  return kSortedSetRangeCommands;
}

}  // namespace crashpoint::oracle
