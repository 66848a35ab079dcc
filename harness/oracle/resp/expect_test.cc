#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/oracle/resp/history_for_test.h"
#include "harness/oracle/resp/judge.h"

namespace crashpoint::oracle {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

auto differs(const std::string& key, const std::string& expected, const std::string& found) {
  return AllOf(Field(&KeyDifference::key, key), Field(&KeyDifference::expected, expected),
               Field(&KeyDifference::found, found));
}

TEST(Expectations, HoldWhatIsNamedAndIgnoreTheRest) {
  const target::State state =
      state_of({{"a", "10"}, {"l", target::List{"x", "y"}}, {"other", "?"}});
  const Expectations expected{.values = {{{0, "a"}, "10"}, {{0, "l"}, target::List{"x", "y"}}},
                              .types = {{{0, "l"}, "list"}},
                              .absent = {{0, "gone"}},
                              .ttls = {{{0, "a"}, {.none = true}}},
                              .dbsize = {{0, 3}, {1, 0}}};
  EXPECT_EQ(judge_expectations(state, expected).outcome, Outcome::kPass);
}

TEST(Expectations, EachThatFailsIsToldApart) {
  const target::State state = state_of({{"a", "10"}, {"l", target::List{"x"}}});
  const Expectations expected{.values = {{{0, "a"}, "11"}, {{0, "b"}, "1"}},
                              .types = {{{0, "l"}, "hash"}},
                              .absent = {{0, "a"}},
                              .ttls = {{{0, "a"}, {.min_ms = 5}}},
                              .dbsize = {{0, 1}}};
  const Verdict verdict = judge_expectations(state, expected);
  EXPECT_EQ(verdict.outcome, Outcome::kViolation);
  EXPECT_EQ(verdict.summary, "6 expectations are not met");
  EXPECT_THAT(
      verdict.differences,
      ElementsAre(differs("a", "\"11\"", "\"10\""), differs("b", "\"1\"", "absent"),
                  differs("l", "a hash", "list of 1: [0]=\"x\""), differs("a", "absent", "\"10\""),
                  differs("a", "5 to any ms left", "no deadline"),
                  differs("(size)", "1 key", "2 keys")));
}

TEST(Expectations, AreDueOnceAcknowledgedCommandsMadeThemTrue) {
  HistoryForTest test;
  const auto first = test.send(0, {"INCR", "n"});
  test.answer(first, integer_reply(1));
  const auto second = test.send(0, {"INCR", "n"});
  const workload::History early = test.history();
  const Expectations expected{.values = {{{0, "n"}, "2"}}};
  const Verdict too_early = Judge(early).expectations(state_of({{"n", "1"}}), expected);
  EXPECT_EQ(too_early.outcome, Outcome::kInconclusive);
  EXPECT_THAT(too_early.summary, ::testing::HasSubstr("1 command had been acknowledged"));
  EXPECT_EQ(Judge(early).expectations(state_of({{"n", "2"}}), expected).outcome, Outcome::kPass);

  test.answer(second, integer_reply(2));
  const workload::History late = test.history();
  EXPECT_EQ(Judge(late).expectations(state_of({{"n", "1"}}), expected).outcome,
            Outcome::kViolation);
}

TEST(Expectations, ThatCameTrueAndAreNotMetCountWhateverElseIsTooEarly) {
  HistoryForTest test;
  test.answer(test.send(0, {"SET", "a", "1"}), ok_reply());
  const workload::History history = test.history();
  const Expectations expected{.values = {{{0, "a"}, "1"}, {{0, "later"}, "1"}}};
  const Verdict verdict = Judge(history).expectations(state_of({}), expected);
  EXPECT_EQ(verdict.outcome, Outcome::kViolation);
  EXPECT_THAT(verdict.differences, ElementsAre(differs("a", "\"1\"", "absent")));
}

TEST(Expectations, OfWhatTheServerHeldAtFirstAreAlwaysDue) {
  const workload::History history = HistoryForTest().history();
  const Expectations expected{.values = {{{0, "a"}, "1"}}};
  const Judge unknown(history, {}, /*base_is_whole=*/false);
  EXPECT_EQ(unknown.expectations(state_of({}), expected).outcome, Outcome::kViolation);
  const Judge known(history, state_of({{"a", "1"}}));
  EXPECT_EQ(known.expectations(state_of({}), expected).outcome, Outcome::kViolation);
}

TEST(Expectations, OfLongValuesTellWhereTheyDiffer) {
  const std::string one(1000, 'a');
  std::string other = one;
  other[700] = 'b';
  const Verdict verdict =
      judge_expectations(state_of({{"a", other}}), {.values = {{{0, "a"}, one}}});
  EXPECT_THAT(verdict.differences[0].found,
              ::testing::HasSubstr("(1000 bytes)\", another byte at 700"));
}

TEST(Expectations, OfLargeCollectionsShowOnlyWhatDiffers) {
  target::Set expected;
  for (int member = 0; member < 100; ++member) {
    expected.insert("m" + std::to_string(member));
  }
  target::Set found = expected;
  found.erase("m42");
  found.insert("x");
  const Verdict verdict =
      judge_expectations(state_of({{"s", found}}), {.values = {{{0, "s"}, expected}}});
  EXPECT_THAT(verdict.differences,
              ElementsAre(differs("s", "set of 100, with \"m42\"", "set of 100, with \"x\"")));
}

TEST(Expectations, OfATtlAllowForTheTimeTheReadingTook) {
  target::State state;
  state.entries[{0, "a"}] = {.value = "1", .expire_at_ms = 10'000};
  state.observed_from_ms = 4'000;
  state.observed_to_ms = 4'100;
  const auto outcome = [&](std::int64_t min_ms, std::int64_t max_ms) {
    return judge_expectations(state, {.ttls = {{{0, "a"}, {.min_ms = min_ms, .max_ms = max_ms}}}})
        .outcome;
  };
  EXPECT_EQ(outcome(6'000, 7'000), Outcome::kPass);
  EXPECT_EQ(outcome(5'000, 5'900), Outcome::kPass);
  EXPECT_EQ(outcome(6'001, 7'000), Outcome::kViolation);
  EXPECT_EQ(outcome(0, 5'899), Outcome::kViolation);
}

TEST(SameState, MustHoldTheSameKeysValuesAndDeadlines) {
  target::State one = state_of({{"a", "1"}, {"h", target::Hash{{"f", "1"}}}});
  one.entries[{0, "t"}] = {.value = "x", .expire_at_ms = 1'000'000};
  EXPECT_EQ(judge_same(one, one, "restart", "the same").outcome, Outcome::kPass);
  target::State other = one;
  other.entries.erase({0, "a"});
  other.entries[{0, "b"}] = {.value = "2", .expire_at_ms = {}};
  other.entries[{0, "t"}].expire_at_ms = 1'000'001;
  const Verdict verdict = judge_same(one, other, "restart", "the same");
  EXPECT_EQ(verdict.check, "restart");
  EXPECT_EQ(verdict.summary, "3 keys differ");
  EXPECT_THAT(verdict.differences, ElementsAre(differs("a", "\"1\"", "absent"),
                                               differs("t", "\"x\", expires at 1000000 ms",
                                                       "\"x\", expires at 1000001 ms"),
                                               differs("b", "absent", "\"2\"")));
}

TEST(SameState, LetsKeysExpireInBetween) {
  target::State before;
  before.entries[{0, "t"}] = {.value = "x", .expire_at_ms = 1'000};
  target::State after;
  after.observed_from_ms = 900;
  after.observed_to_ms = 950;
  EXPECT_EQ(judge_same(before, after, "restart", "").outcome, Outcome::kPass)
      << "so near its deadline either is right";
  after.observed_to_ms = 920;
  after.observed_from_ms = 900;
  EXPECT_EQ(judge_same(before, after, "restart", "").outcome, Outcome::kViolation);
}

}  // namespace
}  // namespace crashpoint::oracle
