#include "harness/explore/recovered_states.h"

#include <string>
#include <utility>

#include "harness/base/clock.h"
#include "harness/oracle/resp/digest.h"

namespace crashpoint::explore {
namespace {

using oracle::Outcome;
using oracle::Verdict;

// Of all that a verdict can depend on.
std::uint64_t digest_of(const StateJudge& judge, const recovery::Recovered& recovered) {
  if (!recovered.started) {
    return oracle::hash_bytes("did not start: " + recovered.trouble);
  }
  std::uint64_t digest = judge.digest(recovered);
  for (const Verdict& check : recovered.checks) {
    if (check.outcome != Outcome::kPass) {
      digest += oracle::hash_field(check.check, check.summary);
    }
  }
  return digest;
}

}  // namespace

RecoveredStates::RecoveredStates(const StateJudge& judge, Promises promises,
                                 oracle::Expectations expected,
                                 std::vector<crash::CrashPoint> points, bool must_start)
    : judge_(judge),
      promises_(std::move(promises)),
      expected_(std::move(expected)),
      points_(std::move(points)),
      must_start_(must_start) {}

ResultId RecoveredStates::intern(recovery::Recovered recovered) {
  const std::uint64_t digest = digest_of(judge_, recovered);
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = by_digest_.try_emplace(digest, static_cast<ResultId>(results_.size()));
  if (is_new) {
    results_.push_back(std::make_unique<recovery::Recovered>(std::move(recovered)));
  }
  return at->second;
}

const Verdict& RecoveredStates::verdict(ResultId id, oracle::CrashKind kind, std::uint32_t point) {
  const std::tuple key(id, kind, point);
  const auto known = verdicts_.find(key);
  if (known != verdicts_.end()) {
    return known->second;
  }
  const auto begin = SteadyClock::now();
  Verdict verdict = judge(id, kind, point);
  judge_ms_ += ms_since(begin);
  return verdicts_.emplace(key, std::move(verdict)).first->second;
}

Verdict RecoveredStates::judge(ResultId id, oracle::CrashKind kind, std::uint32_t point) {
  const recovery::Recovered& recovered = *results_[id];
  if (!recovered.started) {
    Verdict verdict;
    verdict.check = "start";
    verdict.promise = judge_.promise_to_start();
    verdict.outcome = must_start_ ? Outcome::kViolation : Outcome::kPass;
    verdict.summary = recovered.trouble;
    return verdict;
  }
  for (const Verdict& check : recovered.checks) {
    if (check.outcome == Outcome::kViolation) {
      return check;
    }
  }
  const crash::CrashPoint& moment = points_[point];
  const oracle::CrashMoment crash{
      .position = moment.position, .at_ns = moment.at_ns, .sync_began_ns = moment.sync_began_ns};
  Verdict listed;
  if (!expected_.empty()) {
    listed = judge_.expectations(recovered, expected_, crash);
    if (listed.outcome == Outcome::kViolation) {
      return listed;
    }
    if (point + 1 < points_.size()) {
      listed.outcome = Outcome::kPass;  // not yet so at this point
    }
  }
  Verdict verdict = judge_.guarantee(recovered, promises_.at(kind), crash);
  if (verdict.outcome == Outcome::kPass) {
    for (const Verdict& check : recovered.checks) {
      if (check.outcome == Outcome::kInconclusive) {
        return check;
      }
    }
    if (listed.outcome == Outcome::kInconclusive) {
      return listed;
    }
  }
  return verdict;
}

std::optional<std::uint32_t> RecoveredStates::first_violation(ResultId id, oracle::CrashKind kind,
                                                              std::span<const PointRange> points) {
  std::optional<std::uint32_t> first;
  for (const PointRange& range : points) {
    if (first && *first <= range.first) {
      continue;
    }
    if (violates(id, kind, range.first)) {
      first = range.first;
      continue;
    }
    if (!violates(id, kind, range.last)) {
      continue;
    }
    std::uint32_t kept = range.first;
    std::uint32_t broken = range.last;
    while (broken - kept > 1) {
      const std::uint32_t middle = kept + (broken - kept) / 2;
      (violates(id, kind, middle) ? broken : kept) = middle;
    }
    first = first ? std::min(*first, broken) : broken;
  }
  return first;
}

const Verdict* RecoveredStates::inconclusive(ResultId id, oracle::CrashKind kind,
                                             std::span<const PointRange> points) {
  for (const PointRange& range : points) {
    for (const std::uint32_t point : {range.first, range.last}) {
      const Verdict& found = verdict(id, kind, point);
      if (found.outcome == Outcome::kInconclusive) {
        return &found;
      }
    }
  }
  return nullptr;
}

}  // namespace crashpoint::explore
