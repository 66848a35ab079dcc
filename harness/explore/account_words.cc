#include "harness/explore/account_words.h"

#include <fmt/format.h>

#include <cstdint>
#include <map>

#include "harness/base/text.h"

namespace crashpoint::explore {
namespace {

using oracle::CrashKind;
using oracle::Outcome;
using oracle::Verdict;

std::string describe(SkipReason reason) {
  switch (reason) {
    case SkipReason::kSameDirectory:
      return "equal to another state, and judged with it";
    case SkipReason::kThinnedOut:
      return "thinned out: one of many operations left out";
    case SkipReason::kSameShape:
      return "pruned: states of the same shape are tried";
    case SkipReason::kMaxStates:
      return "not tried: max_states reached (lower bound)";
    case SkipReason::kBudget:
      return "not tried: the time was over (lower bound)";
  }
  return {};
}

std::map<std::string, std::uint64_t> describe(const std::map<SkipReason, std::uint64_t>& skipped) {
  std::map<std::string, std::uint64_t> words;
  for (const auto& [reason, count] : skipped) {
    words.emplace(describe(reason), count);
  }
  return words;
}

std::map<std::string, std::uint64_t> kinds_of(const StateAccount& account) {
  std::map<std::string, std::uint64_t> kinds;
  for (const auto& [phase, count] : account.tried_in) {
    kinds.emplace(to_string(phase), count);
  }
  if (account.reordered > 0) {
    kinds.emplace("bytes of one file without earlier ones of another", account.reordered);
  }
  return kinds;
}

}  // namespace

std::string name_of(CrashKind kind) {
  return kind == CrashKind::kProcessKill ? "process kill" : "power loss";
}

report::StateCounts counts_of(const StateAccount& account) {
  return {.crash = account.kind == CrashKind::kProcessKill ? "process-kill" : "power-loss",
          .profile = account.profile,
          .points = account.points,
          .permitted = account.permitted,
          .permitted_exactly = account.permitted_exactly,
          .tried = account.tried,
          .alike = account.alike,
          .kinds = kinds_of(account),
          .violating = account.violating,
          .inconclusive = account.inconclusive,
          .findings = account.findings,
          .skipped = describe(account.skipped)};
}

Verdict verdict_of(const StateAccount& account, const std::string& promise,
                   const std::string& why_inconclusive) {
  Verdict verdict;
  verdict.check = "guarantee";
  verdict.promise = fmt::format("after a {}: {}", name_of(account.kind), promise);
  verdict.summary = fmt::format("kept in {} at {}", counted(account.tried, "distinct crash state"),
                                counted(account.points, "crash point"));
  if (const auto left = account.skipped.find(SkipReason::kBudget); left != account.skipped.end()) {
    verdict.summary +=
        fmt::format("; then the time was over, with {} or more left out", left->second);
  }
  if (account.inconclusive > 0) {
    verdict.outcome = Outcome::kInconclusive;
    verdict.summary = fmt::format("of {} {} could not be judged: {}",
                                  counted(account.tried, "distinct crash state"),
                                  account.inconclusive, why_inconclusive);
  }
  if (account.time_over_at) {
    // What was not looked at may be where the promise is broken.
    verdict.outcome = Outcome::kInconclusive;
    verdict.summary = fmt::format(
        "the time for this case (\"for\") was over at crash point {} of {}, after {}: give it "
        "more, or a smaller workload",
        *account.time_over_at + 1, account.points, counted(account.tried, "crash state"));
  }
  return verdict;
}

Verdict interrupted(const Exploration& exploration) {
  Verdict verdict;
  verdict.check = "harness";
  verdict.outcome = Outcome::kInconclusive;
  verdict.summary = fmt::format("the run was interrupted when {} of this case had been tried",
                                counted(exploration.recovered, "crash state"));
  return verdict;
}

void doubt_violation(Verdict& verdict, const std::string& doubt) {
  if (!doubt.empty()) {
    verdict.outcome = Outcome::kInconclusive;
    verdict.summary = fmt::format(
        "the trace does not explain the directory ({}), so this may be no violation: {}", doubt,
        verdict.summary);
  }
}

void doubt_pass(Verdict& verdict, const std::string& doubt) {
  if (verdict.outcome == Outcome::kPass && !doubt.empty()) {
    verdict.outcome = Outcome::kInconclusive;
    verdict.summary =
        fmt::format("the trace does not explain the directory ({}), so this proves nothing: {}",
                    doubt, verdict.summary);
  }
}

}  // namespace crashpoint::explore
