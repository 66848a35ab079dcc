#include "engine/commands/families/sorted_set_range.h"

#include <vector>

#include "engine/base/text.h"

namespace engine::commands {
namespace {

using keyspace::SortedSet;

std::optional<ScoreBound> parse_score_bound(std::string_view text) {
  ScoreBound bound{0, false};
  if (text.starts_with('(')) {
    bound.exclusive = true;
    text.remove_prefix(1);
  }
  const std::optional<double> score = parse_c_double(text, false);
  if (!score) {
    return std::nullopt;
  }
  bound.score = *score;
  return bound;
}

std::optional<MemberBound> parse_member_bound(std::string_view text) {
  using Kind = MemberBound::Kind;
  if (text == "-" || text == "+") {
    return MemberBound{text == "-" ? Kind::kLowest : Kind::kHighest, "", false};
  }
  if (text.starts_with('[') || text.starts_with('(')) {
    return MemberBound{Kind::kMember, text.substr(1), text.front() == '('};
  }
  return std::nullopt;
}

std::size_t count_below(const SortedSet& zset, const MemberBound& bound, bool inclusive) {
  switch (bound.kind) {
    case MemberBound::Kind::kLowest:
      return 0;
    case MemberBound::Kind::kHighest:
      return zset.size();
    case MemberBound::Kind::kMember:
      break;
  }
  return zset.count_below_member(bound.member, inclusive);
}

bool is_above(std::string_view member, const MemberBound& low) {
  return low.kind == MemberBound::Kind::kLowest ||
         (low.kind == MemberBound::Kind::kMember &&
          (low.exclusive ? member > low.member : member >= low.member));
}

bool is_below(std::string_view member, const MemberBound& high) {
  return high.kind == MemberBound::Kind::kHighest ||
         (high.kind == MemberBound::Kind::kMember &&
          (high.exclusive ? member < high.member : member <= high.member));
}

// A range by member means something only where all scores are equal. Where they are not, Redis
// takes the run that a walk over the listpack finds from the low end (reversed: from the high end).
// The engine does the same: an AOF with ZREMRANGEBYLEX must give the same data in both.
std::optional<IndexRange> find_run_in_listpack(const SortedSet& zset, const RangeSpec& spec) {
  std::vector<bool> above;
  std::vector<bool> below;
  zset.for_each([&](std::string_view member, double /*score*/) {
    above.push_back(is_above(member, spec.low_member));
    below.push_back(is_below(member, spec.high_member));
  });
  if (above.empty() || !above.back() || !below.front()) {
    return std::nullopt;
  }
  std::size_t begin = 0;
  std::size_t end = 0;
  if (spec.reverse) {
    for (end = below.size(); !below[end - 1]; --end) {
    }
    for (begin = end; begin > 0 && above[begin - 1]; --begin) {
    }
  } else {
    for (; !above[begin]; ++begin) {
    }
    for (end = begin; end < below.size() && below[end]; ++end) {
    }
  }
  return begin < end ? std::optional(IndexRange{begin, end - begin}) : std::nullopt;
}

}  // namespace

bool parse_bounds(Context& c, std::size_t first, RangeSpec& spec) {
  const bool swapped = spec.reverse && spec.by != RangeSpec::By::kRank;
  const std::string_view low = c.argv[first + (swapped ? 1 : 0)];
  const std::string_view high = c.argv[first + (swapped ? 0 : 1)];
  switch (spec.by) {
    case RangeSpec::By::kRank: {
      const auto start = c.integer(first);
      const auto stop = start ? c.integer(first + 1) : std::nullopt;
      spec.start = start.value_or(0);
      spec.stop = stop.value_or(0);
      return stop.has_value();
    }
    case RangeSpec::By::kScore: {
      const auto low_bound = parse_score_bound(low);
      const auto high_bound = parse_score_bound(high);
      if (!low_bound || !high_bound) {
        c.error(errors::kMinMaxNotFloat);
        return false;
      }
      spec.low_score = *low_bound;
      spec.high_score = *high_bound;
      return true;
    }
    case RangeSpec::By::kMember: {
      const auto low_bound = parse_member_bound(low);
      const auto high_bound = parse_member_bound(high);
      if (!low_bound || !high_bound) {
        c.error(errors::kMinMaxNotString);
        return false;
      }
      spec.low_member = *low_bound;
      spec.high_member = *high_bound;
      return true;
    }
  }
  return false;
}

std::optional<IndexRange> find_range(const SortedSet& zset, const RangeSpec& spec) {
  std::size_t begin = 0;
  std::size_t end = 0;
  switch (spec.by) {
    case RangeSpec::By::kRank: {
      auto range = index_range(spec.start, spec.stop, zset.size());
      if (range && spec.reverse) {
        range->first = zset.size() - range->first - range->count;
      }
      return range;
    }
    case RangeSpec::By::kScore:
      begin = zset.count_below_score(spec.low_score.score, spec.low_score.exclusive);
      end = zset.count_below_score(spec.high_score.score, !spec.high_score.exclusive);
      break;
    case RangeSpec::By::kMember:
      if (zset.is_listpack()) {
        return find_run_in_listpack(zset, spec);
      }
      begin = count_below(zset, spec.low_member, spec.low_member.exclusive);
      end = count_below(zset, spec.high_member, !spec.high_member.exclusive);
      break;
  }
  if (begin >= end) {
    return std::nullopt;
  }
  return IndexRange{begin, end - begin};
}

}  // namespace engine::commands
