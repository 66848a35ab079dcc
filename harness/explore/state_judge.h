// What exploration asks of an oracle: is what came back what was promised? One for each kind of target.
#pragma once

#include <cstdint>
#include <string>

#include "harness/oracle/crash_moment.h"
#include "harness/oracle/dump/dump_judge.h"
#include "harness/oracle/guarantee.h"
#include "harness/oracle/resp/judge.h"
#include "harness/oracle/verdict.h"
#include "harness/recovery/recoverer.h"

namespace crashpoint::explore {

// Of targets that started. Const members may be called from several threads at once.
class StateJudge {
 public:
  StateJudge() = default;
  StateJudge(const StateJudge&) = delete;
  StateJudge& operator=(const StateJudge&) = delete;
  virtual ~StateJudge() = default;

  // In words: what a target breaks that does not recover.
  [[nodiscard]] virtual std::string promise_to_start() const = 0;
  // Of all of the data that a verdict can depend on.
  [[nodiscard]] virtual std::uint64_t digest(const recovery::Recovered& recovered) const = 0;
  [[nodiscard]] virtual oracle::Verdict guarantee(const recovery::Recovered& recovered,
                                                  const oracle::Guarantee& promised,
                                                  const oracle::CrashMoment& crash) const = 0;
  // Asked only where something is expected.
  [[nodiscard]] virtual oracle::Verdict expectations(const recovery::Recovered& recovered,
                                                     const oracle::Expectations& expected,
                                                     const oracle::CrashMoment& crash) const = 0;
};

// Of a server that speaks RESP, by its history. Borrows `judge`.
class RespStateJudge : public StateJudge {
 public:
  explicit RespStateJudge(const oracle::Judge& judge) : judge_(judge) {}
  [[nodiscard]] std::string promise_to_start() const override;
  // When the state was read is left out: it plays a part only for keys near their deadline, and then the first
  // reading stands for the others.
  [[nodiscard]] std::uint64_t digest(const recovery::Recovered& recovered) const override;
  [[nodiscard]] oracle::Verdict guarantee(const recovery::Recovered& recovered,
                                          const oracle::Guarantee& promised,
                                          const oracle::CrashMoment& crash) const override;
  [[nodiscard]] oracle::Verdict expectations(const recovery::Recovered& recovered,
                                             const oracle::Expectations& expected,
                                             const oracle::CrashMoment& crash) const override;

 private:
  const oracle::Judge& judge_;
};

// Of any other program, by its dumps. Borrows `judge`.
class DumpStateJudge : public StateJudge {
 public:
  explicit DumpStateJudge(const oracle::DumpJudge& judge) : judge_(judge) {}
  [[nodiscard]] std::string promise_to_start() const override;
  [[nodiscard]] std::uint64_t digest(const recovery::Recovered& recovered) const override;
  [[nodiscard]] oracle::Verdict guarantee(const recovery::Recovered& recovered,
                                          const oracle::Guarantee& promised,
                                          const oracle::CrashMoment& crash) const override;
  // Keys are what RESP has: a scenario cannot expect any of such a program.
  [[nodiscard]] oracle::Verdict expectations(const recovery::Recovered& recovered,
                                             const oracle::Expectations& expected,
                                             const oracle::CrashMoment& crash) const override;

 private:
  const oracle::DumpJudge& judge_;
};

}  // namespace crashpoint::explore
