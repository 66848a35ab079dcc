#include "harness/oracle/resp/shared_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <queue>

#include "harness/oracle/resp/context.h"
#include "harness/oracle/resp/describe.h"

namespace crashpoint::oracle {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

std::int64_t answered_ns(const SharedUse& use) {
  return use.operation->is_acked() ? use.operation->answered_ns() : kNever;
}

std::size_t values_of(const SharedUse& use) {
  return use.arguments->size() - 2;
}

// The cuts that hold the uses of each lane that `in` says and none of the others. Empty when a lane
// would need a use without one before it.
std::optional<std::vector<CutInterval>> intervals(const std::vector<const SharedUse*>& uses,
                                                  const std::vector<bool>& in,
                                                  std::size_t lane_count) {
  std::vector<CutInterval> lanes(lane_count);
  for (std::size_t at = 0; at < uses.size(); ++at) {
    CutInterval& lane = lanes[uses[at]->lane];
    if (in[at]) {
      lane.low = std::max(lane.low, uses[at]->cut);
    } else {
      lane.high = std::min(lane.high, uses[at]->cut - 1);
    }
  }
  for (const CutInterval& lane : lanes) {
    if (lane.low > lane.high) {
      return std::nullopt;
    }
  }
  return lanes;
}

}  // namespace

Sharing sharing_of(const Command& command) {
  if (command.name == "RPUSH") {
    return Sharing::kAppends;
  }
  if (command.name == "INCR") {
    return Sharing::kIncrements;
  }
  return Sharing::kNone;
}

SharedKey::Problem SharedKey::settle(const std::optional<target::Entry>& base, bool base_is_known) {
  if (!base_is_known || (base && base->expire_at_ms)) {
    return {.text = "it has a deadline, or nobody knows what it held before"};
  }
  was_there_ = base.has_value();
  return sharing_ == Sharing::kAppends ? settle_appends(base) : settle_increments(base);
}

SharedKey::Problem SharedKey::settle_appends(const std::optional<target::Entry>& base) {
  if (base && !std::holds_alternative<target::List>(base->value)) {
    return {.text = "it is no list"};
  }
  if (base) {
    base_items_ = std::get<target::List>(base->value);
  }
  for (std::size_t use = 0; use < uses_.size(); ++use) {
    for (std::size_t at = 2; at < uses_[use].arguments->size(); ++at) {
      const std::string& value = (*uses_[use].arguments)[at];
      if (!use_of_.emplace(value, use).second) {
        return {.text = "a value is appended to it twice"};
      }
    }
  }
  for (const std::string& item : base_items_) {
    if (use_of_.contains(item)) {
      return {.text = "a value is appended that it held before"};
    }
  }
  // A reply is the length after the append: no two may claim the same place.
  std::vector<std::pair<std::int64_t, std::int64_t>> places;  // [from, to)
  for (const SharedUse& use : uses_) {
    if (use.reply != nullptr) {
      places.emplace_back(use.reply->integer - static_cast<std::int64_t>(values_of(use)),
                          use.reply->integer);
    }
  }
  std::ranges::sort(places);
  std::int64_t end = static_cast<std::int64_t>(base_items_.size());
  for (const auto& [from, to] : places) {
    if (from < end) {
      return {.text = "two replies say the same length", .in_replies = true};
    }
    end = to;
  }
  return {};
}

SharedKey::Problem SharedKey::settle_increments(const std::optional<target::Entry>& base) {
  if (base) {
    const auto* text = std::get_if<std::string>(&base->value);
    const std::optional<std::int64_t> value = text == nullptr ? std::nullopt : parse_integer(*text);
    if (!value) {
      return {.text = "it is no counter"};
    }
    base_count_ = *value;
  }
  std::vector<std::int64_t> replies;
  for (const SharedUse& use : uses_) {
    if (use.reply != nullptr) {
      replies.push_back(use.reply->integer);
    }
  }
  std::ranges::sort(replies);
  if (!replies.empty() && replies.front() <= base_count_) {
    return {.text = "a reply is no more than it held before", .in_replies = true};
  }
  if (std::ranges::adjacent_find(replies) != replies.end()) {
    return {.text = "two replies say the same count", .in_replies = true};
  }
  return {};
}

std::optional<SharedFit> SharedKey::fit(const target::Entry* found, std::size_t lane_count) const {
  if (found != nullptr && found->expire_at_ms) {
    return std::nullopt;
  }
  return sharing_ == Sharing::kAppends ? fit_appends(found, lane_count)
                                       : fit_increments(found, lane_count);
}

std::optional<SharedFit> SharedKey::fit_appends(const target::Entry* found,
                                                std::size_t lane_count) const {
  const auto* items = found == nullptr ? nullptr : std::get_if<target::List>(&found->value);
  if (found != nullptr && items == nullptr) {
    return std::nullopt;
  }
  const std::size_t size = items == nullptr ? 0 : items->size();
  if (size < base_items_.size() ||
      !std::equal(base_items_.begin(), base_items_.end(),
                  items == nullptr ? base_items_.begin() : items->begin())) {
    return std::nullopt;
  }
  SharedFit fit;
  std::vector<bool> in(uses_.size());
  for (std::size_t at = base_items_.size(); at < size;) {
    const auto named = use_of_.find((*items)[at]);
    if (named == use_of_.end()) {
      return std::nullopt;
    }
    const SharedUse& use = uses_[named->second];
    const std::size_t count = values_of(use);
    // All that it appended, in its order and nothing between.
    if (in[named->second] || at + count > size ||
        !std::equal(use.arguments->begin() + 2, use.arguments->end(),
                    items->begin() + static_cast<std::ptrdiff_t>(at))) {
      return std::nullopt;
    }
    at += count;
    if (use.reply != nullptr && use.reply->integer != static_cast<std::int64_t>(at)) {
      return std::nullopt;
    }
    in[named->second] = true;
    fit.order.push_back(&use);
  }
  std::vector<const SharedUse*> all;
  for (const SharedUse& use : uses_) {
    all.push_back(&use);
  }
  std::optional<std::vector<CutInterval>> lanes = intervals(all, in, lane_count);
  if (!lanes) {
    return std::nullopt;
  }
  fit.lanes = std::move(*lanes);
  return fit;
}

std::optional<SharedFit> SharedKey::fit_increments(const target::Entry* found,
                                                   std::size_t lane_count) const {
  const auto* text = found == nullptr ? nullptr : std::get_if<std::string>(&found->value);
  if (found != nullptr && text == nullptr) {
    return std::nullopt;
  }
  const std::optional<std::int64_t> value = text == nullptr ? base_count_ : parse_integer(*text);
  // A counter that is there at 0 was there before, or has been incremented from below.
  if (!value || *value < base_count_ || (found == nullptr && was_there_) ||
      (found != nullptr && !was_there_ && *value == base_count_)) {
    return std::nullopt;
  }
  SharedFit fit;
  std::vector<const SharedUse*> answered;
  std::vector<bool> in;
  for (const SharedUse& use : uses_) {
    if (use.reply == nullptr) {
      fit.open.push_back(&use);
      continue;
    }
    answered.push_back(&use);
    in.push_back(use.reply->integer <= *value);
    if (in.back()) {
      fit.order.push_back(&use);
    }
  }
  const std::int64_t missing = *value - base_count_ - static_cast<std::int64_t>(fit.order.size());
  if (missing < 0 || missing > static_cast<std::int64_t>(fit.open.size())) {
    return std::nullopt;
  }
  fit.open_count = static_cast<std::size_t>(missing);
  std::ranges::sort(fit.order, {}, [](const SharedUse* use) { return use->reply->integer; });
  std::optional<std::vector<CutInterval>> lanes = intervals(answered, in, lane_count);
  if (!lanes) {
    return std::nullopt;
  }
  fit.lanes = std::move(*lanes);
  return fit;
}

bool SharedKey::shows(const target::Entry* found, const SharedUse& use) const {
  if (found == nullptr) {
    return false;
  }
  if (sharing_ == Sharing::kAppends) {
    const auto* items = std::get_if<target::List>(&found->value);
    return items != nullptr && std::ranges::find(*items, (*use.arguments)[2]) != items->end();
  }
  const auto* text = std::get_if<std::string>(&found->value);
  const std::optional<std::int64_t> value = text == nullptr ? std::nullopt : parse_integer(*text);
  return value && use.reply != nullptr && use.reply->integer <= *value;
}

std::optional<target::Value> SharedKey::value_at(const std::vector<std::uint32_t>& cuts) const {
  std::vector<const SharedUse*> in;
  for (const SharedUse& use : uses_) {
    if (use.cut <= cuts[use.lane]) {
      in.push_back(&use);
    }
  }
  if (in.empty() && !was_there_) {
    return std::nullopt;
  }
  if (sharing_ == Sharing::kIncrements) {
    return std::to_string(base_count_ + static_cast<std::int64_t>(in.size()));
  }
  std::ranges::stable_sort(in, {}, [](const SharedUse* use) {
    return use->reply == nullptr ? kNever : use->reply->integer;
  });
  target::List items = base_items_;
  for (const SharedUse* use : in) {
    items.insert(items.end(), use->arguments->begin() + 2, use->arguments->end());
  }
  return items;
}

bool can_be_ordered(const std::vector<SharedFit>& fits) {
  // What ran: a command, or an EXEC with all that it ran on shared keys.
  struct Node {
    const workload::Operation* operation = nullptr;
    std::int64_t answered_ns = 0;
    std::vector<std::size_t> next;
    std::size_t before = 0;
    bool placed = false;
  };
  std::vector<Node> nodes;
  std::map<std::pair<std::size_t, std::uint32_t>, std::size_t> places;  // lane and cut -> node
  const auto node_of = [&](const SharedUse& use) {
    const auto [at, is_new] = places.try_emplace({use.lane, use.cut}, nodes.size());
    if (is_new) {
      nodes.push_back({.operation = use.operation, .answered_ns = answered_ns(use), .next = {}});
    }
    return at->second;
  };
  const auto link = [&](std::size_t from, std::size_t to) {
    if (from == to) {
      return;
    }
    nodes[from].next.push_back(to);
    ++nodes[to].before;
  };
  for (const SharedFit& fit : fits) {
    for (std::size_t at = 0; at < fit.order.size(); ++at) {
      const std::size_t node = node_of(*fit.order[at]);
      if (at > 0) {
        link(node_of(*fit.order[at - 1]), node);
      }
    }
  }
  for (auto at = places.begin(), next = at; at != places.end() && ++next != places.end();
       at = next) {
    if (at->first.first == next->first.first) {
      link(at->second, next->second);
    }
  }
  std::vector<std::size_t> by_answer(nodes.size());
  std::iota(by_answer.begin(), by_answer.end(), std::size_t{0});
  std::ranges::sort(by_answer, {}, [&](std::size_t node) { return nodes[node].answered_ns; });

  // Whichever can go next without breaking an edge: of those, the one sent first waits for the
  // fewest answers, so if it must wait, all must.
  using Ready = std::pair<std::int64_t, std::size_t>;
  std::priority_queue<Ready, std::vector<Ready>, std::greater<>> ready;
  const auto offer = [&](std::size_t node) { ready.emplace(nodes[node].operation->sent_ns, node); };
  for (std::size_t node = 0; node < nodes.size(); ++node) {
    if (nodes[node].before == 0) {
      offer(node);
    }
  }
  std::size_t first_waiting = 0;
  for (std::size_t placed = 0; placed < nodes.size(); ++placed) {
    if (ready.empty()) {
      return false;
    }
    const auto [sent_ns, node] = ready.top();
    ready.pop();
    while (nodes[by_answer[first_waiting]].placed) {
      ++first_waiting;
    }
    if (nodes[by_answer[first_waiting]].answered_ns <= sent_ns) {
      return false;
    }
    nodes[node].placed = true;
    for (const std::size_t next : nodes[node].next) {
      if (--nodes[next].before == 0) {
        offer(next);
      }
    }
  }
  return true;
}

}  // namespace crashpoint::oracle
