#include "harness/oracle/resp/prepared.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "harness/base/text.h"
#include "harness/oracle/resp/describe.h"
#include "harness/target/resp_client.h"

namespace crashpoint::oracle {
namespace {

bool is_shared(const Epoch& epoch, const ScheduledCall& call) {
  return call.key && epoch.owner(*call.key) == Epoch::kShared;
}

// Runs operation `at` of the history on `model` and hands each call with what it changed to `seen`.
// Calls on shared keys are not run.
template <typename Seen>
void run_operation(const Schedule& schedule, const Epoch& epoch, Model& model, std::size_t at,
                   Seen seen) {
  for (const ScheduledCall& call : schedule.calls(at)) {
    if (is_shared(epoch, call)) {
      seen(call, Executed{});
    } else if (call.undetermined) {
      std::vector<target::Key> keys;
      append_keys(*call.command, *call.arguments, call.database, keys);
      seen(call, Executed{.reply = std::nullopt, .changes = model.forget(keys)});
    } else {
      seen(call, model.execute({.database = call.database,
                                .arguments = *call.arguments,
                                .reply = call.reply,
                                .when = schedule.when(at)}));
    }
  }
}

void put_shared(Model& model, const SharedKey& shared, const std::vector<std::uint32_t>& cuts) {
  if (std::optional<target::Value> value = shared.value_at(cuts)) {
    model.put(shared.key(), std::move(*value));
  }
}

}  // namespace

Prepared::Prepared(const workload::History& history, target::State base)
    : history_(history), base_(std::move(base)), model_(base_), schedule_(history, model_) {
  replies_.check = "replies";
  replies_.promise = "every reply is what the command's documented meaning gives";
  for (KeyId key = 0; key < model_.key_count(); ++key) {
    base_digests_.push_back(model_.digest_of(key));
    if (const std::optional<TimeWindow>& deadline = model_.deadline_of(key)) {
      special_[key] = {.key = key, .digest = model_.digest_of(key), .deadline = deadline};
    }
  }
  epochs_.resize(schedule_.epochs().size());
  for (std::size_t number = 0; number < epochs_.size(); ++number) {
    prepare_epoch(number);
  }
}

void Prepared::prepare_epoch(std::size_t number) {
  const Epoch& plan = schedule_.epochs()[number];
  PreparedEpoch& epoch = epochs_[number];
  epoch.lanes.resize(plan.lanes.size());
  epoch.undecidable = plan.undecidable;
  if (number > 0 && !epochs_[number - 1].undecidable.empty()) {
    epoch.undecidable = epochs_[number - 1].undecidable;
  }
  if (number == 0 && !schedule_.unmodelled().empty()) {
    epoch.undecidable = schedule_.unmodelled() + " is a command the oracle has no model of";
  }

  for (const auto& [key, special] : special_) {
    const std::uint16_t owner = plan.owner(key);
    if (owner == Epoch::kShared) {
      continue;  // settle_shared() refuses it
    }
    (owner == Epoch::kNobody ? epoch.rest_specials : epoch.lanes[owner].specials)
        .push_back(special);
  }
  std::vector<Digest> sums(plan.lanes.size());
  epoch.rest = model_.digest();
  for (KeyId key = 0; key < model_.key_count(); ++key) {
    const std::uint16_t owner = plan.owner(key);
    if (owner == Epoch::kNobody) {
      continue;
    }
    epoch.rest -= model_.digest_of(key);
    if (owner != Epoch::kShared) {
      sums[owner] += model_.digest_of(key);
    }
  }
  for (const auto& [key, sharing] : plan.shared) {
    epoch.shared.emplace_back(key, sharing);
  }
  for (std::size_t lane = 0; lane < plan.lanes.size(); ++lane) {
    prepare_lane(number, lane, sums[lane]);
  }
  settle_shared(epoch);
}

void Prepared::settle_shared(PreparedEpoch& epoch) {
  std::vector<std::uint32_t> all;
  for (const PreparedLane& lane : epoch.lanes) {
    all.push_back(static_cast<std::uint32_t>(lane.digests.size() - 1));
  }
  for (SharedKey& shared : epoch.shared) {
    const KeyId key = shared.key();
    const SharedKey::Problem problem = shared.settle(model_.entry_of(key), !model_.is_unknown(key));
    if (!problem.text.empty() && epoch.undecidable.empty()) {
      epoch.undecidable = fmt::format("several clients write {} at the same time, and {}",
                                      describe_key(model_.key_of(key)), problem.text);
      if (problem.in_replies && replies_.outcome == Outcome::kPass) {
        replies_.outcome = Outcome::kViolation;
        replies_.summary = epoch.undecidable;
      }
    }
    put_shared(model_, shared, all);
    epoch.shared_after.emplace_back(key, model_.digest_of(key));
  }
}

void Prepared::prepare_lane(std::size_t number, std::size_t lane, Digest digest) {
  const Epoch& epoch_plan = schedule_.epochs()[number];
  const Lane& plan = epoch_plan.lanes[lane];
  PreparedEpoch& epoch = epochs_[number];
  PreparedLane& prepared = epoch.lanes[lane];
  std::map<KeyId, std::size_t> open;  // the special that is a key's version so far
  for (std::size_t at = 0; at < prepared.specials.size(); ++at) {
    open[prepared.specials[at].key] = at;
  }

  const auto note = [&](const Change& change, std::uint32_t cut) {
    digest += change.after - change.before;
    if (const auto found = open.find(change.key); found != open.end()) {
      prepared.specials[found->second].to = cut;
      open.erase(found);
      special_.erase(change.key);
    }
    Version version{.cut = cut, .key = change.key, .digest = change.after};
    if (change.deadline || change.unknown) {
      const Special special{.key = change.key,
                            .from = cut,
                            .digest = change.after,
                            .deadline = change.deadline,
                            .unknown = change.unknown,
                            .plausible = change.plausible};
      version.special = static_cast<std::int32_t>(prepared.specials.size());
      open[change.key] = prepared.specials.size();
      prepared.specials.push_back(special);
      special_[change.key] = special;
      special_[change.key].from = 0;  // of whatever epoch comes next
    }
    prepared.versions.push_back(version);
  };
  prepared.digests.reserve(plan.count + 1);
  prepared.digests.push_back(digest);
  for (std::size_t index = 0; index < plan.count; ++index) {
    const workload::Operation& operation = history_.operations[plan.first + index];
    const auto cut = static_cast<std::uint32_t>(index + 1);
    const auto seen = [&](const ScheduledCall& call, const Executed& executed) {
      if (is_shared(epoch_plan, call)) {
        std::ranges::find(epoch.shared, *call.key, &SharedKey::key)
            ->add({.lane = lane,
                   .cut = cut,
                   .operation = &operation,
                   .arguments = call.arguments,
                   .reply = call.reply});
        return;
      }
      if (epoch.undecidable.empty()) {
        check_reply(operation, call, executed);
      }
      for (const Change& change : executed.changes) {
        note(change, cut);
      }
    };
    run_operation(schedule_, epoch_plan, model_, plan.first + index, seen);
    prepared.digests.push_back(digest);
  }
  prepared.prints.reserve(prepared.digests.size());
  std::ranges::transform(prepared.digests, std::back_inserter(prepared.prints), print_of);
  for (const auto& [key, at] : open) {
    prepared.specials[at].to = static_cast<std::uint32_t>(plan.count + 1);
  }
}

void Prepared::check_reply(const workload::Operation& operation, const ScheduledCall& call,
                           const Executed& executed) {
  if (call.reply == nullptr || !executed.reply || *executed.reply == *call.reply) {
    return;
  }
  const std::string command = fmt::format("client {} #{} {}", operation.client, operation.index,
                                          describe_command(*call.arguments));
  const std::string expected = shorten(target::encode_reply(*executed.reply));
  const std::string found = shorten(target::encode_reply(*call.reply));
  if (replies_.difference_count++ < Verdict::kShown) {
    replies_.differences.push_back({operation.database, command, expected, found});
  }
  if (replies_.outcome == Outcome::kViolation) {
    return;
  }
  replies_.outcome = Outcome::kViolation;
  replies_.summary = fmt::format("{} was answered {}, expected is {}", command, found, expected);
}

std::unique_ptr<Model> Prepared::replay(std::size_t epoch,
                                        const std::vector<std::uint32_t>& cuts) const {
  auto model = std::make_unique<Model>(base_);
  // The same numbers for the same keys.
  for (KeyId key = 0; key < model_.key_count(); ++key) {
    (void)model->id_of(model_.key_of(key));
  }
  const auto ignore = [](const ScheduledCall&, const Executed&) {};
  for (std::size_t number = 0; number <= epoch; ++number) {
    const Epoch& plan = schedule_.epochs()[number];
    const std::vector<Lane>& lanes = plan.lanes;
    std::vector<std::uint32_t> taken;
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      const std::size_t cut = number < epoch ? lanes[lane].count : cuts[lane];
      taken.push_back(static_cast<std::uint32_t>(cut));
      for (std::size_t index = 0; index < cut; ++index) {
        run_operation(schedule_, plan, *model, lanes[lane].first + index, ignore);
      }
    }
    for (const SharedKey& shared : epochs_[number].shared) {
      put_shared(*model, shared, taken);
    }
  }
  return model;
}

}  // namespace crashpoint::oracle
