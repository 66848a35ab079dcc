#include "harness/explore/settler.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace crashpoint::explore {
namespace {

using trace::Question;

class SettlerTest : public testing::Test {
 protected:
  static crash::CrashImage image(const std::string& log, const std::string& other = "") {
    return crash::share(crash::image_of({{"log", log}, {"other", other}}));
  }

  // A recovery that read the log and nothing else.
  static recovery::Recovered read_log(const std::string& trouble) {
    recovery::Recovered recovered;
    recovered.trouble = trouble;
    recovered.asked = {{Question::Of::kContent, "log"}};
    return recovered;
  }

  std::string trouble_of(JobId job) const {
    return results_.result(settler_.result(job).result).trouble;
  }

  workload::History history_;
  oracle::Judge judge_{history_, {}, true};
  RespStateJudge state_judge_{judge_};
  RecoveredStates results_{state_judge_, {}, {}, {}, true};
  Settler settler_{results_, true};
};

TEST_F(SettlerTest, StatesAreSettledInOrderWhateverTheOrderTheyEndIn) {
  settler_.add(JobId::state(1), image("a", "1"), read_log("second"));
  EXPECT_EQ(settler_.counts().settled, 0U);
  settler_.add(JobId::state(0), image("a", "0"), read_log("first"));
  EXPECT_EQ(settler_.counts().settled, 2U);
  EXPECT_EQ(settler_.counts().recovered, 1U);
  EXPECT_FALSE(settler_.result(JobId::state(0)).equivalent);
  EXPECT_TRUE(settler_.result(JobId::state(1)).equivalent);
  EXPECT_EQ(trouble_of(JobId::state(1)), "first") << "the first state stands for the second";
}

TEST_F(SettlerTest, AStateThatASettledOneStandsForNeedsNoRecovery) {
  settler_.add(JobId::state(0), image("a"), read_log("a"));
  EXPECT_FALSE(settler_.is_needed(JobId::state(1), image("a", "not read")));
  EXPECT_TRUE(settler_.is_needed(JobId::state(1), image("b")));
  settler_.add(JobId::state(1), image("a", "not read"), std::nullopt);
  EXPECT_EQ(trouble_of(JobId::state(1)), "a");
}

TEST_F(SettlerTest, WithoutSharingEveryStateKeepsItsOwnResult) {
  Settler alone(results_, false);
  alone.add(JobId::state(0), image("a"), read_log("first"));
  EXPECT_TRUE(alone.is_needed(JobId::state(1), image("a")));
  alone.add(JobId::state(1), image("a"), read_log("second"));
  EXPECT_FALSE(alone.result(JobId::state(1)).equivalent);
  EXPECT_EQ(alone.counts().recovered, 2U);
}

TEST_F(SettlerTest, TrialsAreSettledTogetherAndAreNoStates) {
  settler_.add(JobId::state(0), image("a"), read_log("a"));
  EXPECT_TRUE(settler_.settle_if_known(JobId::trial(0), image("a", "not read")));
  EXPECT_FALSE(settler_.settle_if_known(JobId::trial(1), image("b")));
  settler_.add(JobId::trial(2), image("b", "not read"), read_log("later"));
  EXPECT_FALSE(settler_.settle_if_known(JobId::trial(3), image("b"))) << "not settled yet";
  settler_.add(JobId::trial(1), image("b"), read_log("b"));
  settler_.settle_trials();
  EXPECT_EQ(trouble_of(JobId::trial(0)), "a");
  EXPECT_EQ(trouble_of(JobId::trial(1)), "b");
  EXPECT_EQ(trouble_of(JobId::trial(2)), "b") << "trial 1 stands for it, though it ended later";
  EXPECT_EQ(settler_.counts().settled, 1U);
}

TEST_F(SettlerTest, AJobThatEndsTwiceIsABug) {
  settler_.add(JobId::state(0), image("a"), read_log("a"));
  EXPECT_DEATH(settler_.add(JobId::state(0), image("a"), read_log("a")), "state 0");
}

TEST_F(SettlerTest, AResultBeforeItsTimeIsABug) {
  settler_.add(JobId::state(1), image("a"), read_log("a"));
  EXPECT_DEATH((void)settler_.result(JobId::state(1)), "state 1");
}

}  // namespace
}  // namespace crashpoint::explore
