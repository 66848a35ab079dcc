// The order of a sorted set: by score, equal scores by member.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "harness/oracle/resp/tracked_value.h"

namespace crashpoint::oracle {

struct Ranked {
  std::string member;
  double score = 0;
};

[[nodiscard]] inline std::vector<Ranked> ranked(const TrackedSortedSet& set) {
  std::vector<Ranked> order;
  order.reserve(set.get().size());
  for (const auto& [member, score] : set.get()) {
    order.push_back({.member = member, .score = score});
  }
  // By member they are sorted already.
  std::ranges::stable_sort(order, {}, &Ranked::score);
  return order;
}

}  // namespace crashpoint::oracle
