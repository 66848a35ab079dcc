// What recoveries brought back, each distinct result once, and since when in the run it is too little.
//
// Thousands of crash states recover to the same few states. One that satisfies the promise at a crash
// point and not at a later one was overtaken by what was acknowledged between them: what must survive
// only grows along the run, so the first point at which it is a violation is found by bisection.
//
// Threads    intern() from any thread; the rest from one, once no more come in.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "harness/crash/points.h"
#include "harness/explore/state_judge.h"
#include "harness/oracle/derive_guarantee.h"
#include "harness/recovery/recoverer.h"

namespace crashpoint::explore {

using ResultId = std::uint32_t;

// Crash points by number: first to last, both included.
struct PointRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

class RecoveredStates {
 public:
  using Promises = std::map<oracle::CrashKind, oracle::Guarantee>;

  // Borrows `judge`.
  RecoveredStates(const StateJudge& judge, Promises promises, oracle::Expectations expected,
                  std::vector<crash::CrashPoint> points, bool must_start);

  ResultId intern(recovery::Recovered recovered);
  [[nodiscard]] const recovery::Recovered& result(ResultId id) const { return *results_[id]; }

  // Of a crash of that kind at that point, from which the target recovered to this.
  [[nodiscard]] const oracle::Verdict& verdict(ResultId id, oracle::CrashKind kind,
                                               std::uint32_t point);
  // The first of these points at which it is a violation.
  [[nodiscard]] std::optional<std::uint32_t> first_violation(ResultId id, oracle::CrashKind kind,
                                                             std::span<const PointRange> points);
  // Why it cannot be judged at some of these points; nullptr if it can.
  [[nodiscard]] const oracle::Verdict* inconclusive(ResultId id, oracle::CrashKind kind,
                                                    std::span<const PointRange> points);

  [[nodiscard]] double judge_ms() const { return judge_ms_; }

 private:
  [[nodiscard]] oracle::Verdict judge(ResultId id, oracle::CrashKind kind, std::uint32_t point);
  [[nodiscard]] bool violates(ResultId id, oracle::CrashKind kind, std::uint32_t point) {
    return verdict(id, kind, point).outcome == oracle::Outcome::kViolation;
  }

  const StateJudge& judge_;
  Promises promises_;
  oracle::Expectations expected_;
  std::vector<crash::CrashPoint> points_;
  bool must_start_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<recovery::Recovered>> results_;
  std::unordered_map<std::uint64_t, ResultId> by_digest_;
  std::map<std::tuple<ResultId, oracle::CrashKind, std::uint32_t>, oracle::Verdict> verdicts_;
  double judge_ms_ = 0;
};

}  // namespace crashpoint::explore
