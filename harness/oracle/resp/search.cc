#include "harness/oracle/resp/search.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "harness/oracle/resp/model_impl.h"

namespace crashpoint::oracle {
namespace {

using workload::Operation;

// Added to a digest that must not match: any odd number does.
constexpr Digest kMismatch = 0x9e3779b97f4a7c15;

// Cuts [first, last] of a lane.
struct CutRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

// Adds the cuts in [begin, end) that have the digest `wanted`. Half of each digest is looked at
// first: a million of them are more than a cache holds.
void add_matching(const PreparedLane& lane, std::uint32_t begin, std::uint32_t end, Digest wanted,
                  std::vector<CutRange>& ranges) {
  const auto first = lane.prints.begin();
  const auto last = first + end;
  for (auto at = first + begin; (at = std::find(at, last, print_of(wanted))) != last; ++at) {
    const auto cut = static_cast<std::uint32_t>(at - first);
    if (lane.digests[cut] != wanted) {
      continue;
    }
    if (!ranges.empty() && ranges.back().last + 1 == cut) {
      ranges.back().last = cut;
    } else {
      ranges.push_back({.first = cut, .last = cut});
    }
  }
}

// The cuts in [low, high] at which the lane's keys are as recovered.
std::vector<CutRange> matching_cuts(const PreparedLane& lane, const Recovered& recovered,
                                    Digest target, std::uint32_t low, std::uint32_t high) {
  // From which cut on the specials add what to the digests.
  std::vector<std::pair<std::uint32_t, Digest>> steps = {{low, 0}};
  for (const Special& special : lane.specials) {
    const Digest difference = recovered.contribution(special) - special.digest;
    if (difference == 0 || special.from > high || special.to <= low) {
      continue;
    }
    steps.emplace_back(std::max(special.from, low), difference);
    if (special.to <= high) {
      steps.emplace_back(special.to, -difference);
    }
  }
  std::ranges::sort(steps, {}, &std::pair<std::uint32_t, Digest>::first);
  std::vector<CutRange> ranges;
  Digest added = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    added += steps[i].second;
    const std::uint32_t end = i + 1 < steps.size() ? steps[i + 1].first : high + 1;
    add_matching(lane, steps[i].first, end, target - added, ranges);
  }
  return ranges;
}

// The first cut of `ranges` at or past `low`.
std::optional<std::uint32_t> first_from(const std::vector<CutRange>& ranges, std::uint32_t low) {
  const auto found = std::ranges::lower_bound(ranges, low, {}, &CutRange::last);
  if (found == ranges.end()) {
    return std::nullopt;
  }
  return std::max(found->first, low);
}

std::vector<CutRange> clipped(const std::vector<CutRange>& ranges, std::uint32_t low,
                              std::uint32_t high) {
  std::vector<CutRange> result;
  for (const CutRange& range : ranges) {
    const CutRange inside{.first = std::max(range.first, low), .last = std::min(range.last, high)};
    if (inside.first <= inside.last) {
      result.push_back(inside);
    }
  }
  return result;
}

using Cuts = std::vector<std::uint32_t>;

// The commands of `lane` that were answered by `ns`.
std::uint32_t answered_by(const Prepared& prepared, const Lane& lane, std::int64_t ns) {
  return count_prefix(prepared, lane, [ns](const Operation& operation) {
    return operation.is_acked() && operation.answered_ns() <= ns;
  });
}

const Operation& last_of(const Prepared& prepared, const Lane& lane, std::uint32_t cut) {
  return prepared.history().operations[lane.first + cut - 1];
}

// The least cut within `ranges` that is closed under real-time order: whatever was answered before
// a command of it was sent is in it, too. Both kinds of constraint hold for the lesser of two cuts
// whenever they hold for both, so raising one lane at a time only as far as it must go finds it.
std::optional<Cuts> least_closed_cut(const Prepared& prepared, const Epoch& plan,
                                     const std::vector<std::vector<CutRange>>& ranges) {
  Cuts cuts(ranges.size());
  std::int64_t latest_ns = std::numeric_limits<std::int64_t>::min();  // sent, of all in the cut
  for (bool settled = false; !settled;) {
    settled = true;
    for (std::size_t lane = 0; lane < ranges.size(); ++lane) {
      const std::uint32_t low =
          std::max(cuts[lane], answered_by(prepared, plan.lanes[lane], latest_ns));
      const std::optional<std::uint32_t> cut = first_from(ranges[lane], low);
      if (!cut) {
        return std::nullopt;
      }
      cuts[lane] = *cut;
      if (*cut == 0) {
        continue;
      }
      const std::int64_t sent_ns = last_of(prepared, plan.lanes[lane], *cut).sent_ns;
      if (sent_ns > latest_ns) {
        latest_ns = sent_ns;
        settled = false;
      }
    }
  }
  return cuts;
}

// Chooses which of the commands without a reply on shared counters are in. How many of each counter
// are is known; which lanes they come from is not, so every way is tried.
class OpenChoice {
 public:
  OpenChoice(const Prepared& prepared, const Epoch& plan,
             const std::vector<std::vector<CutRange>>& ranges, const std::vector<SharedFit>& fits)
      : prepared_(prepared), plan_(plan), ranges_(ranges), lanes_(plan.lanes.size()) {
    for (const SharedFit& fit : fits) {
      if (fit.open.empty()) {
        continue;
      }
      for (const SharedUse* use : fit.open) {
        lanes_[use->lane].push_back({.cut = use->cut, .counter = missing_.size()});
      }
      missing_.push_back(fit.open_count);
    }
    for (std::vector<Open>& lane : lanes_) {
      std::ranges::sort(lane, {}, &Open::cut);
    }
  }

  [[nodiscard]] std::optional<Cuts> find() {
    choose(0);
    return found_;
  }
  // There were too many ways to try them all.
  [[nodiscard]] bool gave_up() const { return !found_ && tries_ >= kTriesMax; }

 private:
  static constexpr std::size_t kTriesMax = 100'000;
  struct Open {
    std::uint32_t cut = 0;
    std::size_t counter = 0;
  };

  void choose(std::size_t lane) {
    if (found_ || ++tries_ > kTriesMax) {
      return;
    }
    if (lane == lanes_.size()) {
      if (std::ranges::all_of(missing_, [](std::size_t count) { return count == 0; })) {
        found_ = least_closed_cut(prepared_, plan_, ranges_);
      }
      return;
    }
    const std::vector<CutRange> all = ranges_[lane];
    const std::vector<Open>& open = lanes_[lane];
    std::vector<std::size_t> taken;  // counters, to be given back
    for (std::size_t in = 0;; ++in) {
      // The first `in` commands are in; those of one EXEC stay together.
      const bool together = in > 0 && in < open.size() && open[in - 1].cut == open[in].cut;
      const std::uint32_t low = in == 0 ? 0 : open[in - 1].cut;
      const std::uint32_t high =
          in == open.size() ? std::numeric_limits<std::uint32_t>::max() : open[in].cut - 1;
      ranges_[lane] = together ? std::vector<CutRange>() : clipped(all, low, high);
      if (!ranges_[lane].empty()) {
        choose(lane + 1);
      }
      if (in == open.size() || missing_[open[in].counter] == 0) {
        break;
      }
      --missing_[open[in].counter];
      taken.push_back(open[in].counter);
    }
    for (const std::size_t counter : taken) {
      ++missing_[counter];
    }
    ranges_[lane] = all;
  }

  const Prepared& prepared_;
  const Epoch& plan_;
  std::vector<std::vector<CutRange>> ranges_;
  std::vector<std::vector<Open>> lanes_;
  std::vector<std::size_t> missing_;  // by counter: commands still to be found
  std::size_t tries_ = 0;
  std::optional<Cuts> found_;
};

// Looks for a cut of one epoch within [low, high] of each lane.
std::optional<Cuts> find_in_epoch(const Prepared& prepared, std::size_t number,
                                  const Recovered& recovered, Cuts low, Cuts high,
                                  std::string& undecidable) {
  const Epoch& plan = prepared.schedule().epochs()[number];
  const PreparedEpoch& epoch = prepared.epochs()[number];
  if (!recovered.strangers().empty()) {
    return std::nullopt;
  }
  Digest rest = 0;
  std::vector<Digest> targets(plan.lanes.size());
  for (KeyId key = 0; key < prepared.model().key_count(); ++key) {
    const std::uint16_t owner = plan.owner(key);
    if (owner == Epoch::kShared) {
      continue;
    }
    (owner == Epoch::kNobody ? rest : targets[owner]) += recovered.digest_of(key);
  }
  Digest expected = epoch.rest;
  for (const Special& special : epoch.rest_specials) {
    expected += recovered.contribution(special) - special.digest;
  }
  if (rest != expected) {
    return std::nullopt;
  }
  std::vector<SharedFit> fits;
  for (const SharedKey& shared : epoch.shared) {
    std::optional<SharedFit> fit = shared.fit(recovered.entry_of(shared.key()), plan.lanes.size());
    if (!fit) {
      return std::nullopt;
    }
    for (std::size_t lane = 0; lane < plan.lanes.size(); ++lane) {
      low[lane] = std::max(low[lane], fit->lanes[lane].low);
      high[lane] = std::min(high[lane], fit->lanes[lane].high);
      if (low[lane] > high[lane]) {
        return std::nullopt;
      }
    }
    fits.push_back(std::move(*fit));
  }
  std::vector<std::vector<CutRange>> ranges;
  for (std::size_t lane = 0; lane < plan.lanes.size(); ++lane) {
    ranges.push_back(
        matching_cuts(epoch.lanes[lane], recovered, targets[lane], low[lane], high[lane]));
    if (ranges.back().empty()) {
      return std::nullopt;
    }
  }
  if (fits.empty()) {
    return least_closed_cut(prepared, plan, ranges);
  }
  if (!can_be_ordered(fits)) {
    return std::nullopt;
  }
  OpenChoice choice(prepared, plan, ranges, fits);
  std::optional<Cuts> cuts = choice.find();
  if (choice.gave_up()) {
    undecidable =
        "too many commands on shared counters were in flight to try all that may have run";
  }
  return cuts;
}

}  // namespace

Recovered::Recovered(const Prepared& prepared, const target::State& state)
    : state_(state),
      digests_(prepared.model().key_count()),
      entries_(prepared.model().key_count()) {
  for (const auto& [key, entry] : state.entries) {
    const std::optional<KeyId> id = prepared.model().find_id(key);
    if (!id) {
      strangers_.push_back(&key);
      continue;
    }
    digests_[*id] = digest_entry(key, entry);
    entries_[*id] = &entry;
  }
}

Digest Recovered::contribution(const Special& special) const {
  const target::Entry* entry = entries_[special.key];
  if (special.unknown) {
    const bool may_be = special.plausible == nullptr || (*special.plausible)(entry);
    return digests_[special.key] + (may_be ? 0 : kMismatch);
  }
  const std::int64_t slack = kClockSlackMs + state_.deadline_error_ms;
  const std::int64_t earliest = special.deadline->from_ms - slack;
  const std::int64_t latest = special.deadline->to_ms + slack;
  const bool time_counts = state_.observed_to_ms != 0;
  if (entry == nullptr) {
    return time_counts && earliest <= state_.observed_to_ms ? 0 : special.digest;
  }
  if (time_counts && latest < state_.observed_from_ms) {
    return 0;  // it should be gone: what is there has another explanation, or none
  }
  if (digests_[special.key] != special.digest) {
    return special.digest;
  }
  const bool right = *entry->expire_at_ms >= earliest && *entry->expire_at_ms <= latest;
  return right ? special.digest : special.digest + kMismatch;
}

std::uint32_t count_prefix(const Prepared& prepared, const Lane& lane,
                           const std::function<bool(const Operation&)>& holds) {
  const auto begin =
      prepared.history().operations.begin() + static_cast<std::ptrdiff_t>(lane.first);
  const auto end = begin + static_cast<std::ptrdiff_t>(lane.count);
  return static_cast<std::uint32_t>(std::partition_point(begin, end, std::cref(holds)) - begin);
}

Found find_cut(const Prepared& prepared, const Recovered& recovered, const Bounds& bounds) {
  Found found;
  const std::vector<Epoch>& epochs = prepared.schedule().epochs();
  for (std::size_t number = epochs.size(); number-- > 0;) {
    Cuts low;
    Cuts high;
    for (const Lane& lane : epochs[number].lanes) {
      low.push_back(count_prefix(prepared, lane, bounds.required));
      // What must be in may be in.
      high.push_back(std::max(low.back(), count_prefix(prepared, lane, bounds.possible)));
    }
    const auto none = [](std::uint32_t count) { return count == 0; };
    // An epoch of which nothing can be in is the end of the one before it.
    if (number > 0 && std::ranges::all_of(high, none)) {
      continue;
    }
    if (!prepared.epochs()[number].undecidable.empty()) {
      found.undecidable = prepared.epochs()[number].undecidable;
    } else if (std::optional<Cuts> cuts =
                   find_in_epoch(prepared, number, recovered, low, high, found.undecidable)) {
      found.cut = Cut{.epoch = number, .cuts = std::move(*cuts)};
      return found;
    }
    if (!std::ranges::all_of(low, none)) {
      break;
    }
  }
  return found;
}

std::optional<OrderBreak> find_order_break(const Prepared& prepared, const Cut& cut) {
  const std::vector<Lane>& lanes = prepared.schedule().epochs()[cut.epoch].lanes;
  const Operation* latest = nullptr;
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    if (cut.cuts[lane] == 0) {
      continue;
    }
    const Operation& last = last_of(prepared, lanes[lane], cut.cuts[lane]);
    if (latest == nullptr || last.sent_ns > latest->sent_ns) {
      latest = &last;
    }
  }
  for (std::size_t lane = 0; latest != nullptr && lane < lanes.size(); ++lane) {
    if (answered_by(prepared, lanes[lane], latest->sent_ns) > cut.cuts[lane]) {
      return OrderBreak{.there = latest,
                        .missing = &last_of(prepared, lanes[lane], cut.cuts[lane] + 1)};
    }
  }
  return std::nullopt;
}

}  // namespace crashpoint::oracle
