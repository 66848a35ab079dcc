#include "harness/oracle/resp/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "harness/base/text.h"
#include "harness/oracle/resp/describe.h"

namespace crashpoint::oracle {
namespace {

using workload::Operation;

double ms(std::int64_t ns) {
  return static_cast<double>(ns) / 1e6;
}

std::string before_crash(const Situation& situation, const Operation& operation) {
  if (!operation.is_acked()) {
    return "never acknowledged";
  }
  return fmt::format("acknowledged {:.1f} ms before the crash",
                     ms(situation.crash_ns - operation.answered_ns()));
}

// `operations` by index in the history; sorted here by when they were sent.
void set_lost(const Situation& situation, std::vector<std::size_t> operations, Verdict& verdict) {
  const workload::History& history = situation.prepared.history();
  const auto sent = [&](std::size_t at) { return history.operations[at].sent_ns; };
  std::ranges::sort(operations);
  operations.erase(std::unique(operations.begin(), operations.end()), operations.end());
  std::ranges::stable_sort(operations, {}, sent);
  verdict.lost_count = operations.size();
  for (const std::size_t at : operations) {
    if (verdict.lost.size() == Verdict::kShown) {
      break;
    }
    const Operation& operation = history.operations[at];
    verdict.lost.push_back(
        {.client = operation.client,
         .index = operation.index,
         .command = describe_command(operation.arguments),
         .acked_ms = (operation.answered_ns() - history.began_ns) / 1'000'000,
         .before_crash_ms = (situation.crash_ns - operation.answered_ns()) / 1'000'000});
  }
}

// Walks the versions of every key through the history, in the order of the epochs and their lanes.
class Walk {
 public:
  explicit Walk(const Situation& situation)
      : s_(situation), matches_(situation.prepared.model().key_count()) {
    const std::vector<Digest>& base = s_.prepared.base_digests();
    for (KeyId key = 0; key < matches_.size(); ++key) {
      matches_[key] = (key < base.size() ? base[key] : 0) == s_.recovered.digest_of(key);
    }
    const PreparedEpoch& first = s_.prepared.epochs().front();
    const auto apply = [&](const Special& special) {
      if (special.from == 0) {
        matches_[special.key] = fits(special);
      }
    };
    for (const Special& special : first.rest_specials) {
      apply(special);
    }
    for (const PreparedLane& lane : first.lanes) {
      std::ranges::for_each(lane.specials, apply);
    }
  }

  [[nodiscard]] bool fits(const Special& special) const {
    return s_.recovered.contribution(special) == s_.recovered.digest_of(special.key);
  }
  [[nodiscard]] bool fits(const PreparedLane& lane, const Version& version) const {
    return version.special >= 0 ? fits(lane.specials[static_cast<std::size_t>(version.special)])
                                : version.digest == s_.recovered.digest_of(version.key);
  }
  // The keys that several lanes write have no versions: they count as right within their epoch, and
  // as what they are at its cut in the end.
  void begin_epoch(std::size_t number) {
    for (const SharedKey& shared : s_.prepared.epochs()[number].shared) {
      matches_[shared.key()] = true;
    }
  }
  void end_epoch(const Cut& cut) {
    for (const SharedKey& shared : s_.prepared.epochs()[cut.epoch].shared) {
      const std::optional<target::Value> value = shared.value_at(cut.cuts);
      const target::Entry* found = s_.recovered.entry_of(shared.key());
      matches_[shared.key()] =
          found == nullptr ? !value : value == found->value && !found->expire_at_ms;
    }
  }
  // Whether each key, so far, is as recovered.
  [[nodiscard]] const std::vector<bool>& matches() const { return matches_; }

  // Takes the lane's versions up to `cut` and hands each to `seen(version, matched_before, matches)`.
  template <typename Seen>
  void take(std::size_t epoch, std::size_t lane, std::uint32_t cut, Seen seen) {
    const PreparedLane& prepared = s_.prepared.epochs()[epoch].lanes[lane];
    for (const Version& version : prepared.versions) {
      if (version.cut > cut) {
        break;
      }
      const bool before = matches_[version.key];
      const bool now = fits(prepared, version);
      matches_[version.key] = now;
      seen(version, before, now);
    }
  }

 private:
  const Situation& s_;
  std::vector<bool> matches_;
};

Cut whole_epoch(const Prepared& prepared, std::size_t number) {
  Cut cut{.epoch = number, .cuts = {}};
  for (const Lane& lane : prepared.schedule().epochs()[number].lanes) {
    cut.cuts.push_back(static_cast<std::uint32_t>(lane.count));
  }
  return cut;
}

// How much each cut of a lane does for the recovered state: keys that become right or wrong, and
// commands on shared keys whose effect is there or not. By cut.
using Gains = std::map<std::uint32_t, std::int64_t>;

Gains gains_of(const Situation& s, Walk& walk, std::size_t number, std::size_t lane) {
  Gains gains;
  walk.take(number, lane, std::numeric_limits<std::uint32_t>::max(),
            [&](const Version& version, bool before, bool now) {
              gains[version.cut] += static_cast<int>(now) - static_cast<int>(before);
            });
  for (const SharedKey& shared : s.prepared.epochs()[number].shared) {
    const target::Entry* found = s.recovered.entry_of(shared.key());
    for (const SharedUse& use : shared.uses()) {
      if (use.lane == lane) {
        gains[use.cut] += shared.shows(found, use) ? 1 : -1;
      }
    }
  }
  return gains;
}

// The cut, among those that were possible, that does the most; of equals the longest.
Cut nearest_cut(const Situation& s) {
  Walk walk(s);
  std::int64_t best_score = std::numeric_limits<std::int64_t>::min();
  Cut best;
  const std::vector<Epoch>& epochs = s.prepared.schedule().epochs();
  for (std::size_t number = 0; number < epochs.size(); ++number) {
    walk.begin_epoch(number);
    Cut cut{.epoch = number, .cuts = {}};
    std::int64_t cut_score = std::ranges::count(walk.matches(), true);
    for (std::size_t lane = 0; lane < epochs[number].lanes.size(); ++lane) {
      const std::uint32_t high =
          count_prefix(s.prepared, epochs[number].lanes[lane], s.bounds.possible);
      std::int64_t sum = 0;
      std::int64_t peak = 0;
      std::uint32_t until = high;  // the longest cut that has the peak
      for (const auto& [at, gain] : gains_of(s, walk, number, lane)) {
        if (at <= high) {
          if (sum == peak) {
            until = at - 1;
          }
          if (sum + gain >= peak) {
            peak = sum + gain;
            until = high;
          }
        }
        sum += gain;
      }
      cut.cuts.push_back(until);
      cut_score += peak;
    }
    if (cut_score >= best_score) {
      best_score = cut_score;
      best = std::move(cut);
    }
    walk.end_epoch(whole_epoch(s.prepared, number));
  }
  return best;
}

// `cut` extended by what had to be in it.
Cut with_required(const Situation& s, Cut cut) {
  const std::vector<Epoch>& epochs = s.prepared.schedule().epochs();
  for (std::size_t number = epochs.size(); number-- > cut.epoch;) {
    std::vector<std::uint32_t> low;
    bool any = false;
    for (const Lane& lane : epochs[number].lanes) {
      low.push_back(count_prefix(s.prepared, lane, s.bounds.required));
      any = any || low.back() > 0;
    }
    if (number == cut.epoch) {
      for (std::size_t lane = 0; lane < low.size(); ++lane) {
        cut.cuts[lane] = std::max(cut.cuts[lane], low[lane]);
      }
    } else if (any) {
      return {.epoch = number, .cuts = std::move(low)};
    }
  }
  return cut;
}

// Whether operation `at` made a version of a key for which `holds`.
template <typename Holds>
bool changed_another_key(const Prepared& prepared, std::size_t at, Holds holds) {
  const std::vector<Epoch>& epochs = prepared.schedule().epochs();
  for (std::size_t number = 0; number < epochs.size(); ++number) {
    for (std::size_t lane = 0; lane < epochs[number].lanes.size(); ++lane) {
      const Lane& plan = epochs[number].lanes[lane];
      if (at < plan.first || at >= plan.first + plan.count) {
        continue;
      }
      const std::vector<Version>& versions = prepared.epochs()[number].lanes[lane].versions;
      const std::size_t cut = at - plan.first + 1;
      return std::any_of(std::ranges::lower_bound(versions, cut, {}, &Version::cut),
                         std::ranges::upper_bound(versions, cut, {}, &Version::cut),
                         [&](const Version& version) { return holds(version.key); });
    }
  }
  return false;
}

template <typename Differing>
void set_differences(const Situation& s, const Cut& wanted, const Differing& differing,
                     Verdict& verdict) {
  const std::vector<const target::Key*>& strangers = s.recovered.strangers();
  verdict.difference_count = differing.size() + strangers.size();
  const std::unique_ptr<Model> model = s.prepared.replay(wanted.epoch, wanted.cuts);
  const auto add = [&](const target::Key& key, const std::optional<target::Entry>& expected,
                       const target::Entry* found) {
    const Described text =
        describe_difference(expected, found == nullptr ? std::nullopt : std::optional(*found));
    verdict.differences.push_back({.database = key.database,
                                   .key = escape(key.name),
                                   .expected = text.expected,
                                   .found = text.found});
  };
  for (const auto& [id, unused] : differing) {
    if (verdict.differences.size() == Verdict::kShown) {
      return;
    }
    add(model->key_of(id), model->entry_of(id), s.recovered.entry_of(id));
  }
  for (const target::Key* key : strangers) {
    if (verdict.differences.size() == Verdict::kShown) {
      return;
    }
    add(*key, std::nullopt, &s.recovered.state().entries.at(*key));
  }
}

}  // namespace

std::string describe_cut(const Prepared& prepared, const Cut& cut) {
  const std::vector<Epoch>& epochs = prepared.schedule().epochs();
  std::map<std::uint32_t, std::uint64_t> by_client;
  for (std::size_t number = 0; number <= cut.epoch; ++number) {
    for (std::size_t lane = 0; lane < epochs[number].lanes.size(); ++lane) {
      const Lane& plan = epochs[number].lanes[lane];
      by_client[plan.client] += number < cut.epoch ? plan.count : cut.cuts[lane];
    }
  }
  std::uint64_t sum = 0;
  std::string shares;
  for (const auto& [client, count] : by_client) {
    sum += count;
    shares +=
        fmt::format("{}client {}: {}", shares.empty() ? "" : ", ", client, with_commas(count));
  }
  std::string text = fmt::format("after {} of {}", with_commas(sum),
                                 counted(prepared.history().operations.size(), "command"));
  constexpr std::size_t kClientsShown = 8;
  if (by_client.size() > 1 && by_client.size() <= kClientsShown) {
    text += " (" + shares + ")";
  }
  return text;
}

void explain_lost(const Situation& s, const Cut& cut, Verdict& verdict) {
  const std::vector<Epoch>& epochs = s.prepared.schedule().epochs();
  std::vector<std::size_t> lost;
  for (std::size_t number = cut.epoch; number < epochs.size(); ++number) {
    for (std::size_t lane = 0; lane < epochs[number].lanes.size(); ++lane) {
      const Lane& plan = epochs[number].lanes[lane];
      const std::uint32_t from = number == cut.epoch ? cut.cuts[lane] : 0;
      const std::uint32_t to = count_prefix(s.prepared, plan, s.bounds.required);
      const auto add = [&](std::uint32_t at) {
        if (at > from && at <= to) {
          lost.push_back(plan.first + at - 1);
        }
      };
      for (const Version& version : s.prepared.epochs()[number].lanes[lane].versions) {
        add(version.cut);
      }
      for (const SharedKey& shared : s.prepared.epochs()[number].shared) {
        for (const SharedUse& use : shared.uses()) {
          if (use.lane == lane) {
            add(use.cut);
          }
        }
      }
    }
  }
  set_lost(s, std::move(lost), verdict);
  verdict.nearest = "the state is the one " + describe_cut(s.prepared, cut);
}

void explain_nearest(const Situation& s, Verdict& verdict) {
  const std::vector<Epoch>& epochs = s.prepared.schedule().epochs();
  const std::vector<Operation>& operations = s.prepared.history().operations;
  const Cut nearest = nearest_cut(s);
  const Cut wanted = with_required(s, nearest);
  const auto cut_of = [&](const Cut& cut, std::size_t number) {
    return number < cut.epoch ? whole_epoch(s.prepared, number) : cut;
  };
  const auto walk_to = [&](Walk& walk, const Cut& end, auto seen) {
    for (std::size_t number = 0; number <= end.epoch; ++number) {
      const Cut cut = cut_of(end, number);
      walk.begin_epoch(number);
      for (std::size_t lane = 0; lane < cut.cuts.size(); ++lane) {
        const Lane& plan = epochs[number].lanes[lane];
        walk.take(number, lane, cut.cuts[lane],
                  [&](const Version& version, bool, bool now) { seen(plan, version, now); });
      }
      walk.end_epoch(cut);
    }
  };
  const auto ignore = [](const Lane&, const Version&, bool) {};
  Walk to_nearest(s);
  walk_to(to_nearest, nearest, ignore);
  Walk to_wanted(s);
  const std::vector<bool> at_first = to_wanted.matches();
  walk_to(to_wanted, wanted, ignore);

  // Of each key that differs: the commands since it was last as recovered.
  struct Since {
    bool ever = false;
    std::vector<std::size_t> operations;
  };
  std::map<KeyId, Since> differing;
  for (KeyId key = 0; key < at_first.size(); ++key) {
    if (!to_wanted.matches()[key]) {
      differing[key].ever = at_first[key];
    }
  }
  Walk again(s);
  walk_to(again, wanted, [&](const Lane& plan, const Version& version, bool now) {
    const auto found = differing.find(version.key);
    if (found == differing.end()) {
      return;
    }
    if (now) {
      found->second = {.ever = true, .operations = {}};
    } else {
      found->second.operations.push_back(plan.first + version.cut - 1);
    }
  });
  for (std::size_t number = 0; number <= wanted.epoch; ++number) {
    const Cut cut = cut_of(wanted, number);
    for (const SharedKey& shared : s.prepared.epochs()[number].shared) {
      const auto found = differing.find(shared.key());
      if (found == differing.end()) {
        continue;
      }
      const target::Entry* entry = s.recovered.entry_of(shared.key());
      found->second.ever = true;
      for (const SharedUse& use : shared.uses()) {
        if (use.cut <= cut.cuts[use.lane] && !shared.shows(entry, use)) {
          found->second.operations.push_back(epochs[number].lanes[use.lane].first + use.cut - 1);
        }
      }
    }
  }
  std::vector<std::size_t> lost;
  std::optional<std::size_t> breaker;
  for (const auto& [key, since] : differing) {
    for (const std::size_t at : since.operations) {
      if (!since.ever) {
        break;
      }
      if (s.bounds.required(operations[at])) {
        lost.push_back(at);
      }
      if (!breaker || operations[at].sent_ns < operations[*breaker].sent_ns) {
        breaker = at;
      }
    }
  }
  set_lost(s, std::move(lost), verdict);
  set_differences(s, wanted, differing, verdict);

  const auto differ = static_cast<std::size_t>(std::ranges::count(to_nearest.matches(), false)) +
                      s.recovered.strangers().size();
  if (const auto order = find_order_break(s.prepared, nearest); differ == 0 && order) {
    verdict.nearest = fmt::format(
        "the data of each client is that of a prefix of its commands, but {} is in, and {}, "
        "answered "
        "before that was sent, is not",
        describe_operation(*order->there), describe_operation(*order->missing));
    return;
  }
  verdict.nearest = fmt::format(
      "the nearest state is the one {}, from which {}", describe_cut(s.prepared, nearest),
      differ == 1 ? "1 key differs" : with_commas(differ) + " keys differ");
  if (!breaker) {
    return;
  }
  const Operation& first = operations[*breaker];
  const bool in_part = changed_another_key(s.prepared, *breaker,
                                           [&](KeyId key) { return !differing.contains(key); });
  verdict.nearest +=
      fmt::format("; {} {} ({})",
                  in_part ? "only a part is there of" : "the first command that is not there is",
                  describe_operation(first), before_crash(s, first));
}

}  // namespace crashpoint::oracle
