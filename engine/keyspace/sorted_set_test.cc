#include "engine/keyspace/sorted_set.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace engine::keyspace {
namespace {

using Ordered = std::vector<std::pair<double, std::string>>;

Ordered contents(const SortedSet& zset) {
  Ordered result;
  zset.for_each([&result](std::string_view member, double score) {
    result.emplace_back(score, std::string(member));
  });
  return result;
}

// What a sorted set must hold, kept the plain way.
struct Model {
  std::map<std::string, double> scores;

  Ordered ordered() const {
    Ordered result;
    for (const auto& [member, score] : scores) {
      result.emplace_back(score, member);
    }
    std::sort(result.begin(), result.end());
    return result;
  }
};

void expect_equal(const SortedSet& zset, const Model& model) {
  const Ordered ordered = model.ordered();
  ASSERT_EQ(zset.size(), ordered.size());
  EXPECT_EQ(contents(zset), ordered);
  Ordered reversed;
  zset.for_each_reverse([&reversed](std::string_view member, double score) {
    reversed.emplace_back(score, std::string(member));
  });
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_EQ(reversed, ordered);
  for (std::size_t rank = 0; rank < ordered.size(); ++rank) {
    EXPECT_EQ(zset.rank(ordered[rank].second), rank);
    EXPECT_EQ(zset.at(rank).get().member.text(), ordered[rank].second);
    EXPECT_EQ(zset.score(ordered[rank].second), ordered[rank].first);
  }
  for (const double bound : {-1e300, 0.0, 3.0, 50.5, 1e300}) {
    const auto below = std::count_if(ordered.begin(), ordered.end(),
                                     [bound](const auto& pair) { return pair.first < bound; });
    const auto up_to = std::count_if(ordered.begin(), ordered.end(),
                                     [bound](const auto& pair) { return pair.first <= bound; });
    EXPECT_EQ(zset.count_below_score(bound, false), static_cast<std::size_t>(below));
    EXPECT_EQ(zset.count_below_score(bound, true), static_cast<std::size_t>(up_to));
  }
}

void run_random_changes(std::uint64_t seed, std::size_t steps, std::size_t members, bool as_tree) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  EncodingLimits limits;
  limits.zset_max_listpack_entries = as_tree ? 0 : 100'000;
  SortedSet zset;
  Model model;
  for (std::size_t step = 0; step < steps; ++step) {
    const std::string member = "m" + std::to_string(random.below(members));
    const double score = static_cast<double>(random.below(100)) / 2;
    switch (random.below(8)) {
      case 0:
      case 1:
        EXPECT_EQ(zset.erase(member), model.scores.erase(member) == 1);
        break;
      case 2: {
        const std::size_t size = model.scores.size();
        if (size > 0 && random.below(40) == 0) {
          const std::size_t rank = random.below(size);
          const std::size_t count = random.below(size / 3 + 1);
          const Ordered ordered = model.ordered();
          zset.erase_range(rank, count);
          for (std::size_t i = rank; i < std::min(size, rank + count); ++i) {
            model.scores.erase(ordered[i].second);
          }
        }
        break;
      }
      default:
        EXPECT_EQ(zset.set(member, score, limits), !model.scores.contains(member));
        model.scores[member] = score;
    }
  }
  expect_equal(zset, model);
}

TEST(SortedSet, ListpackKeepsOrderScoreAndRank) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    run_random_changes(seed, 300, 60, false);
  }
}

TEST(SortedSet, TreeKeepsOrderScoreAndRank) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    run_random_changes(seed, 500, 100, true);
  }
  run_random_changes(11, 30'000, 6000, true);
}

TEST(SortedSet, TreeKeepsOrderWhenFilledAndEmptiedFromEitherEnd) {
  EncodingLimits limits;
  limits.zset_max_listpack_entries = 0;
  for (const bool ascending : {true, false}) {
    for (const bool from_front : {true, false}) {
      SortedSet zset;
      Model model;
      for (int i = 0; i < 5000; ++i) {
        const double score = ascending ? i : -i;
        zset.set("m" + std::to_string(i), score, limits);
        model.scores["m" + std::to_string(i)] = score;
      }
      expect_equal(zset, model);
      while (zset.size() > 0) {
        const std::size_t count = std::min<std::size_t>(zset.size(), 700);
        const std::size_t rank = from_front ? 0 : zset.size() - count;
        const Ordered ordered = model.ordered();
        zset.erase_range(rank, count);
        for (std::size_t i = rank; i < rank + count; ++i) {
          model.scores.erase(ordered[i].second);
        }
        expect_equal(zset, model);
      }
    }
  }
}

TEST(SortedSet, OrdersMembersOfEqualScoreByTheirBytes) {
  EncodingLimits limits;
  for (const std::size_t entries : {0u, 128u}) {
    limits.zset_max_listpack_entries = entries;
    SortedSet zset;
    for (const char* member : {"b", "a", "ab", "B", "\xff", ""}) {
      zset.set(member, 0, limits);
    }
    EXPECT_EQ(contents(zset),
              (Ordered{{0, ""}, {0, "B"}, {0, "a"}, {0, "ab"}, {0, "b"}, {0, "\xff"}}));
    EXPECT_EQ(zset.count_below_member("ab", false), 3u);
    EXPECT_EQ(zset.count_below_member("ab", true), 4u);
  }
}

TEST(SortedSet, KeepsEveryScoreExactlyInBothEncodings) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EncodingLimits limits;
  for (const double score :
       {0.1, -1.5, 1e300, 4503599627370497.0, 1.0 / 3, -7.0, 5e-324, kInfinity, -kInfinity}) {
    SortedSet zset;
    zset.set("m", score, limits);
    EXPECT_EQ(zset.score("m"), score);
    zset.convert_to_tree();
    EXPECT_EQ(zset.score("m"), score);
    zset.convert_to_listpack_if_small(limits);
    EXPECT_TRUE(zset.is_listpack());
    EXPECT_EQ(zset.score("m"), score);
  }
}

TEST(SortedSet, LeavesTheListpackBeyondEitherLimit) {
  EncodingLimits limits;
  SortedSet many;
  for (int i = 0; i <= 128; ++i) {
    EXPECT_TRUE(many.is_listpack());
    many.set(std::to_string(i), i, limits);
  }
  EXPECT_FALSE(many.is_listpack());
  SortedSet large;
  large.set(std::string(64, 'x'), 1, limits);
  EXPECT_TRUE(large.is_listpack());
  large.set(std::string(65, 'x'), 1, limits);
  EXPECT_FALSE(large.is_listpack());
}

}  // namespace
}  // namespace engine::keyspace
