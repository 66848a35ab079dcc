// How the time that an exploration may take is shared out. Internal to explore.cc.
#pragma once

#include <chrono>
#include <optional>

#include "harness/base/clock.h"

namespace crashpoint::explore {

// Without a budget nothing is ever over.
class TimeBudget {
 public:
  TimeBudget() = default;
  // From now on. `lives`: some of it is for lives that go on, after all states are tried.
  TimeBudget(std::chrono::milliseconds budget, bool lives) {
    if (budget.count() == 0) {
      return;
    }
    const SteadyClock::time_point begin = SteadyClock::now();
    lives_end_ = begin + budget;
    states_end_ = *lives_end_ - (lives ? budget / kShareOfLives : std::chrono::milliseconds(0));
    counting_end_ = *states_end_ + budget / kShareOfCounting;
  }

  [[nodiscard]] bool is_limited() const { return lives_end_.has_value(); }
  // No new state is tried any more,
  [[nodiscard]] bool is_over_for_states() const { return is_over(states_end_); }
  // nor counted,
  [[nodiscard]] bool is_over_for_counting() const { return is_over(counting_end_); }
  // nor lived on.
  [[nodiscard]] bool is_over_for_lives() const { return is_over(lives_end_); }

 private:
  using End = std::optional<SteadyClock::time_point>;

  // Of the budget, what is left for lives that go on; and what may be spent beyond the time for states to
  // count those left out.
  static constexpr int kShareOfLives = 4;
  static constexpr int kShareOfCounting = 4;

  static bool is_over(const End& end) { return end && SteadyClock::now() >= *end; }

  End states_end_;
  End counting_end_;
  End lives_end_;
};

}  // namespace crashpoint::explore
