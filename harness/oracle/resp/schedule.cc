#include "harness/oracle/resp/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "harness/base/text.h"
#include "harness/target/resp_value.h"

namespace crashpoint::oracle {
namespace {

using target::RespValue;
using workload::Operation;

// What a client's connection is in the middle of.
struct Transaction {
  bool open = false;
  bool aborted = false;   // a command was refused when it was queued
  bool watching = false;  // EXEC may come to nothing
  std::vector<const Operation*> queued;

  void close() { *this = {}; }
};

bool is(const Operation& operation, std::string_view name) {
  return same_word(operation.arguments.front(), name);
}

}  // namespace

// Which lane touches which key, while an epoch is put together.
class KeyOwners {
 public:
  explicit KeyOwners(std::size_t key_count) : uses_(key_count) {}

  struct Conflict {
    KeyId key = 0;
    bool everything = false;
  };

  void clear() {
    ++stamp_;
    global_lane_.reset();
    touching_lane_.reset();
    several_touch_ = false;
  }

  // What stands against `lane` making this call as well; empty when nothing does.
  std::optional<Conflict> add(const ScheduledCall& call, std::span<const KeyId> keys,
                              std::uint16_t lane) {
    if (rests_on_everything(*call.command, *call.arguments)) {
      const bool alone = !several_touch_ && touching_lane_.value_or(lane) == lane;
      if (!alone) {
        return Conflict{.everything = true};
      }
      global_lane_ = touching_lane_ = lane;
    }
    if (keys.empty()) {
      return std::nullopt;
    }
    if (global_lane_ && *global_lane_ != lane) {
      return Conflict{.key = keys.front(), .everything = true};
    }
    several_touch_ = several_touch_ || touching_lane_.value_or(lane) != lane;
    touching_lane_ = lane;
    for (const KeyId key : keys) {
      Use& use = uses_[key];
      const Sharing sharing = sharing_of(*call.command);
      if (use.stamp != stamp_) {
        use = {.stamp = stamp_, .lane = lane, .sharing = sharing};
        continue;
      }
      const bool shareable = sharing != Sharing::kNone && use.sharing == sharing;
      if ((use.lane != lane || use.is_shared) && !shareable) {
        return Conflict{.key = key};
      }
      use.is_shared = use.is_shared || use.lane != lane;
      if (!shareable) {
        use.sharing = Sharing::kNone;
      }
    }
    return std::nullopt;
  }

  void assign(Epoch& epoch) const {
    epoch.other_owner = global_lane_.value_or(Epoch::kNobody);
    epoch.owners.assign(uses_.size(), epoch.other_owner);
    for (std::size_t key = 0; key < uses_.size(); ++key) {
      const Use& use = uses_[key];
      if (use.stamp != stamp_) {
        continue;
      }
      epoch.owners[key] = use.is_shared ? Epoch::kShared : use.lane;
      if (use.is_shared) {
        epoch.shared.emplace_back(static_cast<KeyId>(key), use.sharing);
      }
    }
  }

 private:
  struct Use {
    std::uint32_t stamp = 0;
    std::uint16_t lane = 0;
    Sharing sharing = Sharing::kNone;  // how it could be, by all that touched it so far
    bool is_shared = false;
  };
  std::vector<Use> uses_;
  std::uint32_t stamp_ = 1;
  std::optional<std::uint16_t> global_lane_;    // the one that touches every key
  std::optional<std::uint16_t> touching_lane_;  // one that touches any
  bool several_touch_ = false;
};

Schedule::Schedule(const workload::History& history, Model& model) : history_(history) {
  collect_calls();
  name_keys(model);
  form_epochs(model.key_count());
}

TimeWindow Schedule::when(std::size_t at) const {
  const Operation& operation = history_.operations[at];
  const std::int64_t end = operation.is_acked() ? operation.answered_ns() : history_.ended_ns;
  const auto to_unix = [&](std::int64_t ns) {
    return history_.began_unix_ms + (ns - history_.began_ns) / 1'000'000;
  };
  return {.from_ms = to_unix(operation.sent_ns), .to_ms = to_unix(end) + 1};
}

void Schedule::collect_calls() {
  Transaction transaction;
  std::uint32_t client = 0;
  first_call_.reserve(history_.operations.size() + 1);
  const auto add = [&](const Operation& operation, const RespValue* reply, bool undetermined) {
    if (reply != nullptr && reply->is_error()) {
      return;
    }
    const std::string& name = operation.arguments.front();
    const Command* command = find_writing_command(name);
    if (command != nullptr) {
      calls_.push_back({.command = command,
                        .database = operation.database,
                        .arguments = &operation.arguments,
                        .reply = reply,
                        .undetermined = undetermined});
    } else if (unmodelled_.empty() && !is_known_without_effect(name)) {
      unmodelled_ =
          fmt::format("client {} #{} {}", operation.client, operation.index, shorten(name));
    }
  };
  for (const Operation& operation : history_.operations) {
    first_call_.push_back(calls_.size());
    if (operation.arguments.empty()) {
      continue;
    }
    if (operation.client != client) {
      transaction.close();
    }
    client = operation.client;
    const RespValue* reply = operation.reply ? &*operation.reply : nullptr;
    const bool failed = reply != nullptr && reply->is_error();
    if (is(operation, "MULTI")) {
      transaction.open = transaction.open || !failed;  // refused: what follows is no transaction
    } else if (is(operation, "DISCARD") || is(operation, "RESET")) {
      transaction.close();
    } else if (is(operation, "WATCH") && !transaction.open) {
      transaction.watching = true;
    } else if (is(operation, "UNWATCH") && !transaction.open) {
      transaction.watching = false;
    } else if (is(operation, "EXEC")) {
      const bool ran = reply == nullptr ? transaction.open && !transaction.aborted
                                        : reply->kind == RespValue::Kind::kArray &&
                                              reply->items.size() == transaction.queued.size();
      for (std::size_t at = 0; ran && at < transaction.queued.size(); ++at) {
        add(*transaction.queued[at], reply == nullptr ? nullptr : &reply->items[at],
            reply == nullptr && transaction.watching);
      }
      transaction.close();
    } else if (transaction.open) {
      transaction.aborted = transaction.aborted || failed;
      if (!failed) {
        transaction.queued.push_back(&operation);
      }
    } else {
      add(operation, reply, false);
    }
  }
  first_call_.push_back(calls_.size());
}

void Schedule::name_keys(Model& model) {
  std::vector<target::Key> keys;
  first_key_.reserve(calls_.size() + 1);
  for (ScheduledCall& call : calls_) {
    first_key_.push_back(keys_.size());
    keys.clear();
    append_keys(*call.command, *call.arguments, call.database, keys);
    for (const target::Key& key : keys) {
      keys_.push_back(model.id_of(key));
    }
    if (!keys.empty()) {
      call.key = keys_[first_key_.back()];
    }
  }
  first_key_.push_back(keys_.size());
}

void Schedule::form_epochs(std::size_t key_count) {
  const std::vector<Operation>& operations = history_.operations;
  std::vector<std::size_t> order(operations.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Operations lie by client and index: stable keeps each client's order.
  std::ranges::stable_sort(order, {}, [&](std::size_t at) { return operations[at].sent_ns; });

  KeyOwners owners(key_count);
  std::map<std::uint32_t, std::uint16_t> lanes;
  const auto fits = [&](std::span<const std::size_t> piece) {
    for (const std::size_t at : piece) {
      if (first_call_[at] == first_call_[at + 1]) {
        continue;
      }
      const auto next = static_cast<std::uint16_t>(lanes.size());
      const std::uint16_t lane = lanes.try_emplace(operations[at].client, next).first->second;
      for (std::size_t call = first_call_[at]; call < first_call_[at + 1]; ++call) {
        if (owners.add(calls_[call], keys(call), lane)) {
          return false;
        }
      }
    }
    return true;
  };

  std::size_t epoch_begin = 0;
  const auto close = [&](std::size_t end) {
    if (end > epoch_begin) {
      epochs_.push_back(
          make_epoch(std::span(order).subspan(epoch_begin, end - epoch_begin), key_count));
    }
    epoch_begin = end;
    owners.clear();
    lanes.clear();
  };
  // Pieces end where nothing is in flight. An epoch takes in pieces as long as no key changes hands.
  constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    std::int64_t answered = std::numeric_limits<std::int64_t>::min();
    while (end < order.size() && (end == begin || operations[order[end]].sent_ns < answered)) {
      const Operation& operation = operations[order[end++]];
      answered = std::max(answered, operation.is_acked() ? operation.answered_ns() : kNever);
    }
    const auto piece = std::span(order).subspan(begin, end - begin);
    if (!fits(piece)) {
      close(begin);
      if (!fits(piece)) {
        close(end);  // make_epoch() says why it cannot be decided
      }
    }
    begin = end;
  }
  close(order.size());
  if (epochs_.empty()) {
    epochs_.push_back({});
  }
}

Epoch Schedule::make_epoch(std::span<const std::size_t> operations, std::size_t key_count) const {
  Epoch epoch;
  std::map<std::uint32_t, Lane> lanes;
  for (const std::size_t at : operations) {
    const std::uint32_t client = history_.operations[at].client;
    Lane& lane =
        lanes.try_emplace(client, Lane{.client = client, .first = at, .count = 0}).first->second;
    lane.first = std::min(lane.first, at);
    ++lane.count;
  }
  for (const auto& [client, lane] : lanes) {
    epoch.lanes.push_back(lane);
  }
  if (epoch.lanes.size() == 1) {
    epoch.other_owner = 0;
    return epoch;
  }

  KeyOwners owners(key_count);
  for (std::size_t lane = 0; lane < epoch.lanes.size(); ++lane) {
    for (std::size_t at = epoch.lanes[lane].first;
         at < epoch.lanes[lane].first + epoch.lanes[lane].count; ++at) {
      for (std::size_t call = first_call_[at]; call < first_call_[at + 1]; ++call) {
        if (!owners.add(calls_[call], keys(call), static_cast<std::uint16_t>(lane)) ||
            !epoch.undecidable.empty()) {
          continue;
        }
        epoch.undecidable = fmt::format(
            "client {} #{} {} touches what another client writes at the same time",
            epoch.lanes[lane].client, history_.operations[at].index, calls_[call].command->name);
      }
    }
  }
  owners.assign(epoch);
  return epoch;
}

}  // namespace crashpoint::oracle
