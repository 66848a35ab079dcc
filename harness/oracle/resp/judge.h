// Holds a recovered state against what was promised.
//
// A history is prepared once and then judges any number of recovered states, at any crash points of
// that run. The work on a state is one pass over its keys; only a miss costs more, to explain it.
//
// What decides     The recovered state must be the state after some cut of the history: a prefix
//                  per client, closed under real-time order (B in the cut and A answered before B
//                  was sent: A is in the cut), that holds everything the guarantee requires and
//                  nothing sent after the crash. Commands in flight may be in or out, each wholly.
// Several clients  are decided exactly where no two of them touch the same key at the same time,
//                  and on shared lists with unique appended values and shared counters. Anything
//                  else is inconclusive, and says why; it is never guessed.
// Expiry           A key may be gone once its deadline can have passed, and must be once it surely
//                  has.
// Threads          Const members may be called from several threads at once.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "harness/oracle/crash_moment.h"
#include "harness/oracle/guarantee.h"
#include "harness/oracle/verdict.h"
#include "harness/target/state.h"
#include "harness/workload/history.h"

namespace crashpoint::oracle {

class Judge {
 public:
  // `base` is what the server held before the first command; not `base_is_whole`: it held more. Borrows
  // `history`, which must outlive the judge.
  explicit Judge(const workload::History& history, target::State base = {},
                 bool base_is_whole = true);
  ~Judge();
  Judge(Judge&&) noexcept;
  Judge& operator=(Judge&&) noexcept;

  // check "guarantee".
  [[nodiscard]] Verdict guarantee(const target::State& recovered, const Guarantee& promised,
                                  const CrashMoment& crash = {}) const;

  // check "expect": judge_expectations() for what the history itself had made true by the crash, that
  // is, by a command acknowledged before it. Inconclusive where all that is not met was never so: the
  // crash came too early, or the scenario expects what it never wrote. Without a whole base
  // everything counts as having been so.
  [[nodiscard]] Verdict expectations(const target::State& recovered, const Expectations& expected,
                                     const CrashMoment& crash = {}) const;

  // check "replies": every reply is what the command's documented meaning gives.
  [[nodiscard]] const Verdict& replies() const;

  // The state after every command that was answered, for a run that did not crash. Commands in
  // flight are left out.
  [[nodiscard]] target::State final_state() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Whether the judge knows what `command` does to data. One that it does not know, and that succeeds,
// makes every guarantee of its history inconclusive.
[[nodiscard]] bool has_model(const workload::Arguments& command);

// check "expect": the explicit state of a scenario, whatever the history says.
[[nodiscard]] Verdict judge_expectations(const target::State& recovered,
                                         const Expectations& expected);

// Two readings of what must be the same data: another start, another reader. Keys whose deadline
// passed between the two may be gone from the later one. `check` and `promise` go into the verdict.
[[nodiscard]] Verdict judge_same(const target::State& expected, const target::State& found,
                                 std::string check, std::string promise);

}  // namespace crashpoint::oracle
