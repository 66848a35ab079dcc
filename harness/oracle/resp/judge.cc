#include "harness/oracle/resp/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/text.h"
#include "harness/oracle/resp/command_table.h"
#include "harness/oracle/resp/describe.h"
#include "harness/oracle/resp/explain.h"
#include "harness/oracle/resp/prepared.h"
#include "harness/oracle/resp/search.h"

namespace crashpoint::oracle {
namespace {

using workload::Operation;
using workload::Snapshot;

bool acked_at(const Operation& operation, const CrashMoment& crash) {
  if (!operation.is_acked()) {
    return false;
  }
  return crash.position == trace::kNever || operation.acked < crash.position;
}

// The snapshots whose data may be what is recovered: the last one known to be complete and every
// later one. Empty `first` stands for what was there before the first command.
struct Snapshots {
  std::vector<Snapshot> allowed;
  bool any_complete = false;
};

Snapshots allowed_snapshots(const workload::History& history, std::int64_t crash_ns) {
  Snapshots result;
  for (const Snapshot& snapshot : history.snapshots) {
    if (snapshot.from_ns > crash_ns) {
      break;
    }
    const bool complete = snapshot.completed_ns != 0 && snapshot.completed_ns <= crash_ns;
    if (complete) {
      result.allowed.clear();
      result.any_complete = true;
    }
    result.allowed.push_back(snapshot);
  }
  return result;
}

}  // namespace

struct Judge::Impl {
  Impl(const workload::History& history, target::State base, bool whole)
      : prepared(history, std::move(base)), base_is_whole(whole) {}
  Prepared prepared;
  bool base_is_whole;

  [[nodiscard]] std::int64_t crash_ns(const CrashMoment& crash) const {
    return std::min(crash.at_ns, prepared.history().ended_ns);
  }
  [[nodiscard]] Bounds bounds(const Guarantee& promised, const CrashMoment& crash) const;
  // Whether `wanted` said yes to what a key held, at first or by a command acked before the crash.
  [[nodiscard]] bool had(const target::Key& key, const std::function<bool(Digest)>& wanted,
                         const CrashMoment& crash) const;
  void judge_prefix(const Recovered& recovered, const Guarantee& promised, const CrashMoment& crash,
                    Verdict& verdict) const;
  void judge_snapshot(const Recovered& recovered, const Guarantee& promised,
                      const CrashMoment& crash, Verdict& verdict) const;
  [[nodiscard]] bool is_inconclusive(const Found& found, Verdict& verdict) const;
};

// What a durable, buffered or plain prefix must and may hold.
Bounds Judge::Impl::bounds(const Guarantee& promised, const CrashMoment& crash) const {
  const std::int64_t at_ns = crash_ns(crash);
  Bounds bounds;
  bounds.possible = [at_ns](const Operation& operation) { return operation.sent_ns <= at_ns; };
  switch (promised.kind) {
    case Guarantee::Kind::kDurable:
      bounds.required = [crash](const Operation& operation) { return acked_at(operation, crash); };
      break;
    case Guarantee::Kind::kBuffered: {
      const auto window_ns = static_cast<std::int64_t>(promised.seconds * 1e9);
      const std::int64_t limit_ns = std::min(at_ns, crash.sync_began_ns) - window_ns;
      bounds.required = [crash, limit_ns](const Operation& operation) {
        return acked_at(operation, crash) && operation.acked_ns < limit_ns;
      };
      break;
    }
    case Guarantee::Kind::kPrefix:
    case Guarantee::Kind::kSnapshot:
    case Guarantee::Kind::kNone:
      bounds.required = [](const Operation&) { return false; };
      break;
  }
  return bounds;
}

bool Judge::Impl::is_inconclusive(const Found& found, Verdict& verdict) const {
  if (!found.undecidable.empty()) {
    verdict.outcome = Outcome::kInconclusive;
    verdict.summary = "cannot be decided: " + found.undecidable;
    return true;
  }
  if (prepared.replies().outcome == Outcome::kViolation) {
    verdict.outcome = Outcome::kInconclusive;
    verdict.summary = "the data is that of no cut of the history, but before the crash already " +
                      prepared.replies().summary;
    return true;
  }
  return false;
}

void Judge::Impl::judge_prefix(const Recovered& recovered, const Guarantee& promised,
                               const CrashMoment& crash, Verdict& verdict) const {
  const Bounds wanted = bounds(promised, crash);
  Found found = find_cut(prepared, recovered, wanted);
  if (found.cut) {
    verdict.summary = "the data is the one " + describe_cut(prepared, *found.cut);
    return;
  }
  if (is_inconclusive(found, verdict)) {
    return;
  }
  verdict.outcome = Outcome::kViolation;
  const Situation situation{
      .prepared = prepared, .recovered = recovered, .bounds = wanted, .crash_ns = crash_ns(crash)};
  found = find_cut(prepared, recovered, bounds({.kind = Guarantee::Kind::kPrefix}, crash));
  if (found.cut) {
    explain_lost(situation, *found.cut, verdict);
    verdict.summary =
        counted(verdict.lost_count, "acknowledged command is", "acknowledged commands are") +
        " lost: the data is an older one";
    return;
  }
  explain_nearest(situation, verdict);
  if (verdict.lost_count > 0) {
    verdict.summary =
        counted(verdict.lost_count, "acknowledged command is", "acknowledged commands are") +
        " lost, and the rest is no prefix of the history";
  } else {
    verdict.summary = "the data is that of no prefix of the history";
  }
  if (verdict.difference_count > 0) {
    verdict.summary += ": " + counted(verdict.difference_count, "key differs", "keys differ");
  }
}

void Judge::Impl::judge_snapshot(const Recovered& recovered, const Guarantee& promised,
                                 const CrashMoment& crash, Verdict& verdict) const {
  const std::int64_t at_ns = crash_ns(crash);
  const Snapshots snapshots = allowed_snapshots(prepared.history(), at_ns);
  const auto nothing = [](const Operation&) { return false; };
  const auto answered_by = [](std::int64_t ns) {
    return [ns](const Operation& operation) {
      return operation.is_acked() && operation.answered_ns() <= ns;
    };
  };
  const auto sent_by = [](std::int64_t ns) {
    return [ns](const Operation& operation) { return operation.sent_ns <= ns; };
  };
  std::vector<std::pair<std::string, Bounds>> moments;
  if (!snapshots.any_complete) {
    moments.emplace_back("what was there before the first command",
                         Bounds{.required = nothing, .possible = nothing});
  }
  for (const Snapshot& snapshot : snapshots.allowed) {
    moments.emplace_back(snapshot.what,
                         Bounds{.required = answered_by(snapshot.from_ns),
                                .possible = sent_by(std::min(snapshot.to_ns, at_ns))});
  }
  if (promised.unlisted_snapshots) {
    const std::function<bool(const Operation&)> required =
        snapshots.any_complete
            ? std::function<bool(const Operation&)>(answered_by(snapshots.allowed.front().from_ns))
            : nothing;
    moments.emplace_back("a snapshot taken unasked",
                         Bounds{.required = required, .possible = sent_by(at_ns)});
  }
  Found undecided;
  for (const auto& [what, wanted] : moments) {
    const Found found = find_cut(prepared, recovered, wanted);
    if (found.cut) {
      verdict.summary =
          fmt::format("the data is that of {}, {}", what, describe_cut(prepared, *found.cut));
      return;
    }
    if (!found.undecidable.empty()) {
      undecided = found;
    }
  }
  if (is_inconclusive(undecided, verdict)) {
    return;
  }
  verdict.outcome = Outcome::kViolation;
  const Situation situation{.prepared = prepared,
                            .recovered = recovered,
                            .bounds = moments.front().second,
                            .crash_ns = at_ns};
  const Found prefix =
      find_cut(prepared, recovered, bounds({.kind = Guarantee::Kind::kPrefix}, crash));
  const std::string promise =
      snapshots.any_complete ? "the last snapshot reported complete (" + moments.front().first + ")"
                             : moments.front().first;
  if (prefix.cut) {
    explain_lost(situation, *prefix.cut, verdict);
    verdict.summary =
        fmt::format("the data is neither that of {} nor of a later snapshot: it is the one {}",
                    promise, describe_cut(prepared, *prefix.cut));
    return;
  }
  explain_nearest(situation, verdict);
  verdict.summary =
      fmt::format("the data is neither that of {} nor of a later snapshot: {}", promise,
                  counted(verdict.difference_count, "key differs", "keys differ"));
}

Judge::Judge(const workload::History& history, target::State base, bool base_is_whole)
    : impl_(std::make_unique<Impl>(history, std::move(base), base_is_whole)) {}
Judge::~Judge() = default;
Judge::Judge(Judge&&) noexcept = default;
Judge& Judge::operator=(Judge&&) noexcept = default;

Verdict Judge::guarantee(const target::State& recovered, const Guarantee& promised,
                         const CrashMoment& crash) const {
  Verdict verdict;
  verdict.check = "guarantee";
  verdict.promise = describe(promised);
  if (promised.kind == Guarantee::Kind::kNone) {
    return verdict;
  }
  const Recovered digests(impl_->prepared, recovered);
  if (promised.kind == Guarantee::Kind::kSnapshot) {
    impl_->judge_snapshot(digests, promised, crash, verdict);
  } else {
    impl_->judge_prefix(digests, promised, crash, verdict);
  }
  return verdict;
}

const Verdict& Judge::replies() const {
  return impl_->prepared.replies();
}

bool has_model(const workload::Arguments& command) {
  return command.empty() || find_writing_command(command.front()) != nullptr ||
         is_known_without_effect(command.front());
}

bool Judge::Impl::had(const target::Key& key, const std::function<bool(Digest)>& wanted,
                      const CrashMoment& crash) const {
  const std::optional<KeyId> id = prepared.model().find_id(key);
  if (!id) {
    return false;
  }
  const std::vector<Digest>& base = prepared.base_digests();
  if (*id < base.size() && wanted(base[*id])) {
    return true;
  }
  const std::vector<Epoch>& schedule = prepared.schedule().epochs();
  for (std::size_t number = 0; number < schedule.size(); ++number) {
    const PreparedEpoch& epoch = prepared.epochs()[number];
    if (std::ranges::find(epoch.shared, *id, &SharedKey::key) != epoch.shared.end()) {
      return true;  // by several clients: not followed
    }
    for (std::size_t lane = 0; lane < epoch.lanes.size(); ++lane) {
      const auto made = [&](const Version& version) {
        const std::size_t operation = schedule[number].lanes[lane].first + version.cut - 1;
        return version.key == *id && wanted(version.digest) &&
               acked_at(prepared.history().operations[operation], crash);
      };
      if (std::ranges::any_of(epoch.lanes[lane].versions, made)) {
        return true;
      }
    }
  }
  return false;
}

Verdict Judge::expectations(const target::State& recovered, const Expectations& expected,
                            const CrashMoment& crash) const {
  Verdict verdict = judge_expectations(recovered, expected);
  if (verdict.outcome == Outcome::kPass || !impl_->base_is_whole) {
    return verdict;
  }
  Expectations due = expected;
  std::string too_early;
  const auto drop = [&](const target::Key& key, const std::function<bool(Digest)>& wanted) {
    const bool never = !impl_->had(key, wanted, crash);
    if (never && too_early.empty()) {
      too_early = escape(key.name);
    }
    return never;
  };
  std::erase_if(due.values, [&](const auto& entry) {
    const target::Key& key = entry.first;
    return drop(key, [&](Digest held) {
      return held == digest_entry(key, {.value = entry.second, .expire_at_ms = std::nullopt}) ||
             held == digest_entry(key, {.value = entry.second, .expire_at_ms = 1});
    });
  });
  std::erase_if(due.types, [&](const auto& entry) {
    return drop(entry.first, [](Digest held) { return held != 0; });
  });
  if (too_early.empty()) {
    return verdict;
  }
  due.ttls.clear();
  due.dbsize.clear();
  Verdict of_due = judge_expectations(recovered, due);
  if (of_due.outcome != Outcome::kPass) {
    return of_due;
  }
  const auto acked =
      std::ranges::count_if(impl_->prepared.history().operations,
                            [&](const Operation& operation) { return acked_at(operation, crash); });
  verdict.outcome = Outcome::kInconclusive;
  verdict.summary = fmt::format(
      "'{}' never held what the scenario expects, for the crash came when {} had been acknowledged "
      "(a fault is in force from the start of the target; \"from_step\": 0 arms it with the "
      "workload)",
      too_early, counted(static_cast<std::uint64_t>(acked), "command"));
  return verdict;
}

target::State Judge::final_state() const {
  const std::vector<Epoch>& epochs = impl_->prepared.schedule().epochs();
  std::vector<std::uint32_t> cuts;
  for (const Lane& lane : epochs.back().lanes) {
    cuts.push_back(count_prefix(impl_->prepared, lane,
                                [](const Operation& operation) { return operation.is_acked(); }));
  }
  return impl_->prepared.replay(epochs.size() - 1, cuts)->state();
}

}  // namespace crashpoint::oracle
