// Each guarantee with a state that keeps it and states that break it.
#include "harness/oracle/resp/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/oracle/resp/history_for_test.h"

namespace crashpoint::oracle {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = Guarantee::Kind;

constexpr Guarantee kDurable{.kind = Kind::kDurable};
constexpr Guarantee kPrefix{.kind = Kind::kPrefix};
constexpr Guarantee kSnapshot{.kind = Kind::kSnapshot};

Guarantee buffered(double seconds) {
  return {.kind = Kind::kBuffered, .seconds = seconds};
}

Verdict judge(const HistoryForTest& written, const target::State& recovered,
              const Guarantee& promised, target::State base = {}) {
  const workload::History history = written.history();
  const Judge judge(history, std::move(base));
  EXPECT_EQ(judge.replies().outcome, Outcome::kPass) << judge.replies().summary;
  return judge.guarantee(recovered, promised);
}

#define EXPECT_PASS(verdict)                                                   \
  do {                                                                         \
    const Verdict v_ = (verdict);                                              \
    EXPECT_EQ(v_.outcome, Outcome::kPass) << v_.summary << "\n" << v_.nearest; \
  } while (false)

// a=1, b=2, a=3 by one client, the last not answered.
HistoryForTest three_sets() {
  HistoryForTest h;
  h.set(0, "a", "1");
  h.set(0, "b", "2");
  h.send(0, {"SET", "a", "3"});
  return h;
}

// --- durable ---

TEST(Durable, HoldsWhenEveryAckedCommandIsThere) {
  EXPECT_PASS(judge(three_sets(), state_of({{"a", "1"}, {"b", "2"}}), kDurable));
}

TEST(Durable, ACommandInFlightMayBeThere) {
  EXPECT_PASS(judge(three_sets(), state_of({{"a", "3"}, {"b", "2"}}), kDurable));
}

TEST(Durable, ALostTailNamesTheLostCommands) {
  HistoryForTest h = three_sets();
  h.pass_ms(40);
  const Verdict verdict = judge(h, state_of({{"a", "1"}}), kDurable);
  EXPECT_EQ(verdict.outcome, Outcome::kViolation);
  EXPECT_EQ(verdict.check, "guarantee");
  EXPECT_EQ(verdict.promise, "every acknowledged command survives");
  EXPECT_EQ(verdict.summary, "1 acknowledged command is lost: the data is an older one");
  ASSERT_THAT(verdict.lost, SizeIs(1));
  EXPECT_EQ(verdict.lost[0].command, "SET b 2");
  EXPECT_EQ(verdict.lost[0].index, 1U);
  EXPECT_EQ(verdict.lost[0].acked_ms, 4);
  EXPECT_EQ(verdict.lost[0].before_crash_ms, 41);
  EXPECT_EQ(verdict.nearest, "the state is the one after 1 of 3 commands");
}

TEST(Durable, AHoleInTheHistoryNamesTheFirstCommandThatIsMissing) {
  HistoryForTest h;
  h.set(0, "a", "1");
  h.set(0, "b", "2");
  h.set(0, "c", "3");
  const Verdict verdict = judge(h, state_of({{"a", "1"}, {"c", "3"}}), kDurable);
  EXPECT_EQ(verdict.outcome, Outcome::kViolation);
  EXPECT_THAT(verdict.summary,
              HasSubstr("1 acknowledged command is lost, and the rest is no prefix"));
  EXPECT_THAT(verdict.lost, ElementsAre(Field(&LostCommand::command, "SET b 2")));
  EXPECT_THAT(verdict.differences, ElementsAre(AllOf(Field(&KeyDifference::key, "b"),
                                                     Field(&KeyDifference::expected, "\"2\""),
                                                     Field(&KeyDifference::found, "absent"))));
  EXPECT_THAT(verdict.nearest,
              HasSubstr("after 3 of 3 commands, from which 1 key differs; the first command that "
                        "is not there is client 0 #1 SET b 2 (acknowledged"));
}

TEST(Durable, DataThatNobodyWroteIsAViolation) {
  const Verdict foreign =
      judge(three_sets(), state_of({{"a", "1"}, {"b", "2"}, {"x", "?"}}), kDurable);
  EXPECT_EQ(foreign.outcome, Outcome::kViolation);
  EXPECT_THAT(foreign.differences, ElementsAre(AllOf(Field(&KeyDifference::key, "x"),
                                                     Field(&KeyDifference::expected, "absent"))));
  const Verdict torn = judge(three_sets(), state_of({{"a", "1"}, {"b", "2\x01"}}), kDurable);
  EXPECT_EQ(torn.outcome, Outcome::kViolation);
  EXPECT_THAT(torn.differences, ElementsAre(Field(&KeyDifference::found, "\"2\\x01\"")));
}

TEST(Durable, AFailedCommandHasNoEffectAndIsNotMissed) {
  HistoryForTest h;
  h.set(0, "a", "1");
  h.run(0, {"SET", "a", "2"}, error_reply("MISCONF Errors writing to the AOF file"));
  EXPECT_PASS(judge(h, state_of({{"a", "1"}}), kDurable));
  EXPECT_EQ(judge(h, state_of({{"a", "2"}}), kDurable).outcome, Outcome::kViolation);
}

TEST(Durable, CountsOnlyWhatWasAckedByTheCrashPoint) {
  HistoryForTest h;
  h.set(0, "a", "1");  // acked at position 2
  h.set(0, "a", "2");  // sent at 3 ms, acked at position 4
  h.set(0, "a", "3");
  const workload::History history = h.history();
  const Judge judge(history);
  const CrashMoment before_ack{.position = 4, .at_ns = 4 * kMs};
  EXPECT_PASS(judge.guarantee(state_of({{"a", "1"}}), kDurable, before_ack));
  EXPECT_PASS(judge.guarantee(state_of({{"a", "2"}}), kDurable, before_ack));
  EXPECT_EQ(judge.guarantee(state_of({{"a", "3"}}), kDurable, before_ack).outcome,
            Outcome::kViolation)
      << "it was not even sent";
  EXPECT_EQ(
      judge.guarantee(state_of({{"a", "1"}}), kDurable, {.position = 5, .at_ns = 5 * kMs}).outcome,
      Outcome::kViolation);
}

TEST(Durable, StartsFromWhatWasThereBefore) {
  HistoryForTest h;
  h.set(0, "a", "1");
  const target::State base = state_of({{"old", target::List{"x", "y"}}});
  EXPECT_PASS(judge(h, state_of({{"a", "1"}, {"old", target::List{"x", "y"}}}), kDurable, base));
  EXPECT_EQ(judge(h, state_of({{"a", "1"}}), kDurable, base).outcome, Outcome::kViolation);
}

TEST(Durable, AThousandLostCommandsAreCountedAndTheFirstShown) {
  HistoryForTest h;
  for (int number = 0; number < 1000; ++number) {
    h.set(0, "key" + std::to_string(number), "v");
  }
  const Verdict verdict = judge(h, {}, kDurable);
  EXPECT_EQ(verdict.lost_count, 1000U);
  EXPECT_THAT(verdict.lost, SizeIs(Verdict::kShown));
  EXPECT_EQ(verdict.lost[0].command, "SET key0 v");
}

// --- transactions ---

HistoryForTest transaction(bool executed) {
  HistoryForTest h;
  h.run(0, {"MULTI"}, ok_reply());
  h.run(0, {"SET", "a", "1"}, queued_reply());
  h.run(0, {"RPUSH", "l", "x"}, queued_reply());
  const auto exec = h.send(0, {"EXEC"});
  if (executed) {
    h.answer(exec, array_reply({ok_reply(), integer_reply(1)}));
  }
  return h;
}

TEST(Transaction, IsThereWholeOrNotAtAll) {
  const target::State whole = state_of({{"a", "1"}, {"l", target::List{"x"}}});
  EXPECT_PASS(judge(transaction(true), whole, kDurable));
  EXPECT_PASS(judge(transaction(false), whole, kDurable));
  EXPECT_PASS(judge(transaction(false), {}, kDurable));
  EXPECT_EQ(judge(transaction(false), state_of({{"a", "1"}}), kDurable).outcome,
            Outcome::kViolation);
  EXPECT_EQ(judge(transaction(true), {}, kDurable).outcome, Outcome::kViolation);
  EXPECT_EQ(judge(transaction(true), {}, kPrefix).outcome, Outcome::kPass);
  EXPECT_EQ(judge(transaction(true), state_of({{"l", target::List{"x"}}}), kPrefix).outcome,
            Outcome::kViolation);
}

TEST(Transaction, OfWhichAPartIsThereIsNamed) {
  const Verdict verdict = judge(transaction(true), state_of({{"a", "1"}}), kDurable);
  EXPECT_THAT(verdict.nearest, HasSubstr("only a part is there of client 0 #3 EXEC (acknowledged"));
  EXPECT_THAT(verdict.lost, ElementsAre(Field(&LostCommand::command, "EXEC")));
}

TEST(Transaction, ThatWasAbortedHasNoEffect) {
  HistoryForTest h;
  h.run(0, {"WATCH", "a"}, ok_reply());
  h.run(0, {"MULTI"}, ok_reply());
  h.run(0, {"SET", "a", "1"}, queued_reply());
  h.run(0, {"EXEC"}, {.kind = target::RespValue::Kind::kNullArray});
  EXPECT_PASS(judge(h, {}, kDurable));
  EXPECT_EQ(judge(h, state_of({{"a", "1"}}), kDurable).outcome, Outcome::kViolation);
}

TEST(Transaction, OfWhichOneCommandFailedKeepsTheOthers) {
  HistoryForTest h;
  h.run(0, {"MULTI"}, ok_reply());
  h.run(0, {"SET", "a", "x"}, queued_reply());
  h.run(0, {"INCR", "a"}, queued_reply());
  h.run(0, {"EXEC"}, array_reply({ok_reply(), error_reply("ERR value is not an integer")}));
  EXPECT_PASS(judge(h, state_of({{"a", "x"}}), kDurable));
}

TEST(Transaction, ThatWasDiscardedHasNoEffect) {
  HistoryForTest h;
  h.run(0, {"MULTI"}, ok_reply());
  h.run(0, {"SET", "a", "1"}, queued_reply());
  h.run(0, {"DISCARD"}, ok_reply());
  EXPECT_PASS(judge(h, {}, kDurable));
}

TEST(Transaction, WhoseMultiWasRefusedIsNone) {
  HistoryForTest h;
  h.run(0, {"MULTI"}, error_reply("ERR unknown command"));
  h.run(0, {"SET", "a", "1"}, ok_reply());
  h.run(0, {"SET", "b", "1"}, ok_reply());
  h.run(0, {"EXEC"}, error_reply("ERR unknown command"));
  EXPECT_PASS(judge(h, state_of({{"a", "1"}, {"b", "1"}}), kDurable));
  EXPECT_EQ(judge(h, state_of({{"a", "1"}}), kDurable).outcome, Outcome::kViolation);
  EXPECT_PASS(judge(h, state_of({{"a", "1"}}), kPrefix));
}

TEST(MultiKeyCommand, IsThereWholeOrNotAtAll) {
  HistoryForTest h;
  h.send(0, {"MSET", "a", "1", "b", "2"});
  EXPECT_PASS(judge(h, state_of({{"a", "1"}, {"b", "2"}}), kDurable));
  EXPECT_PASS(judge(h, {}, kDurable));
  EXPECT_EQ(judge(h, state_of({{"b", "2"}}), kDurable).outcome, Outcome::kViolation);
}

// --- buffered ---

TEST(Buffered, MayLoseWhatWasAckedWithinTheWindowOnly) {
  HistoryForTest h;
  h.set(0, "a", "1");
  h.pass_ms(1500);
  h.set(0, "b", "2");
  h.pass_ms(800);
  h.set(0, "c", "3");
  EXPECT_PASS(judge(h, state_of({{"a", "1"}, {"b", "2"}, {"c", "3"}}), buffered(1)));
  EXPECT_PASS(judge(h, state_of({{"a", "1"}, {"b", "2"}}), buffered(1)));
  EXPECT_PASS(judge(h, state_of({{"a", "1"}}), buffered(1)));
  const Verdict verdict = judge(h, {}, buffered(1));
  EXPECT_EQ(verdict.outcome, Outcome::kViolation);
  EXPECT_THAT(verdict.lost, ElementsAre(Field(&LostCommand::command, "SET a 1")));
  EXPECT_THAT(verdict.promise, HasSubstr("more than 1 s before the crash"));
}

// The last second and the sync then running: what that sync would have saved may be a little older.
TEST(Buffered, CountsFromTheBeginOfASyncThatWasRunning) {
  HistoryForTest h;
  h.set(0, "a", "1");
  h.pass_ms(900);
  const std::int64_t began_ns = h.history().ended_ns;
  h.pass_ms(900);
  const workload::History history = h.history();
  const Judge judge(history);
  EXPECT_EQ(judge.guarantee({}, buffered(1)).outcome, Outcome::kViolation);
  EXPECT_PASS(judge.guarantee({}, buffered(1), {.sync_began_ns = began_ns}));
  EXPECT_EQ(judge.guarantee({}, buffered(0.5), {.sync_began_ns = began_ns}).outcome,
            Outcome::kViolation);
}

TEST(Buffered, StillNeedsAPrefix) {
  HistoryForTest h;
  h.set(0, "a", "1");
  h.set(0, "b", "2");
  EXPECT_EQ(judge(h, state_of({{"b", "2"}}), buffered(60)).outcome, Outcome::kViolation);
}

// --- prefix ---

TEST(Prefix, TakesEveryPrefixAndNothingElse) {
  HistoryForTest h;
  h.set(0, "a", "1");
  h.run(0, {"INCR", "a"}, integer_reply(2));
  h.run(0, {"DEL", "a"}, integer_reply(1));
  h.set(0, "b", "2");
  EXPECT_PASS(judge(h, {}, kPrefix));
  EXPECT_PASS(judge(h, state_of({{"a", "1"}}), kPrefix));
  EXPECT_PASS(judge(h, state_of({{"a", "2"}}), kPrefix));
  EXPECT_PASS(judge(h, state_of({{"b", "2"}}), kPrefix));
  const Verdict verdict = judge(h, state_of({{"a", "2"}, {"b", "2"}}), kPrefix);
  EXPECT_EQ(verdict.outcome, Outcome::kViolation);
  EXPECT_THAT(verdict.lost, IsEmpty()) << "nothing was promised to survive";
  EXPECT_THAT(verdict.nearest,
              HasSubstr("the first command that is not there is client 0 #2 DEL a"));
}

// --- several clients ---

TEST(SeveralClients, AreCutIndependentlyWhereTimeAllows) {
  HistoryForTest h;
  const auto a = h.send(0, {"SET", "a", "1"});
  const auto b = h.send(1, {"SET", "b", "1"});
  h.answer(a, ok_reply());
  h.answer(b, ok_reply());
  EXPECT_PASS(judge(h, state_of({{"a", "1"}}), kPrefix));
  EXPECT_PASS(judge(h, state_of({{"b", "1"}}), kPrefix));
}

TEST(SeveralClients, AnswersOrderCommandsAcrossClients) {
  HistoryForTest h;
  // Client 2 keeps something in flight all the time.
  h.send(2, {"SET", "z", "1"});
  h.set(0, "a", "1");
  h.set(1, "b", "1");
  EXPECT_PASS(judge(h, state_of({{"a", "1"}}), kPrefix));
  EXPECT_PASS(judge(h, state_of({{"z", "1"}}), kPrefix));
  const Verdict verdict = judge(h, state_of({{"b", "1"}}), kPrefix);
  EXPECT_EQ(verdict.outcome, Outcome::kViolation) << "a was answered before b was sent";
  EXPECT_THAT(verdict.nearest, HasSubstr("client 1 #0 SET b 1 is in, and client 0 #0 SET a 1, "
                                         "answered before that was sent, is not"));
}

TEST(SeveralClients, MayWriteTheSameKeyOneAfterTheOther) {
  HistoryForTest h;
  h.set(0, "a", "1");
  h.set(1, "a", "2");
  h.set(0, "a", "3");
  EXPECT_PASS(judge(h, state_of({{"a", "3"}}), kDurable));
  EXPECT_PASS(judge(h, state_of({{"a", "2"}}), kPrefix));
  EXPECT_PASS(judge(h, state_of({{"a", "1"}}), kPrefix));
  EXPECT_EQ(judge(h, state_of({{"a", "2"}}), kDurable).outcome, Outcome::kViolation);
}

TEST(SeveralClients, WhoOverwriteEachOtherAtOnceCannotBeJudged) {
  HistoryForTest h;
  const auto one = h.send(0, {"SET", "a", "1"});
  const auto other = h.send(1, {"SET", "a", "2"});
  h.answer(one, ok_reply());
  h.answer(other, ok_reply());
  const Verdict verdict = judge(h, state_of({{"a", "1"}}), kDurable);
  EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
  EXPECT_THAT(verdict.summary,
              HasSubstr("client 1 #0 SET touches what another client writes at the same time"));
}

TEST(SeveralClients, AFlushOfEverythingStandsBetweenThem) {
  HistoryForTest h;
  h.set(0, "a", "1");
  h.set(1, "b", "1");
  h.run(7, {"FLUSHALL"}, ok_reply());
  h.set(1, "b", "2");
  EXPECT_PASS(judge(h, state_of({{"b", "2"}}), kDurable));
  EXPECT_PASS(judge(h, {}, kPrefix));
  EXPECT_EQ(judge(h, state_of({{"a", "1"}, {"b", "2"}}), kPrefix).outcome, Outcome::kViolation);
}

// --- keys that several clients write at once ---

// Two clients append to one list and count on one counter, in this order, all at the same time.
HistoryForTest shared_writers(bool last_is_answered) {
  HistoryForTest h;
  const auto a1 = h.send(0, {"RPUSH", "l", "a1"});
  const auto b1 = h.send(1, {"RPUSH", "l", "b1"});
  const auto a2 = h.send(0, {"INCR", "n"});
  const auto b2 = h.send(1, {"INCR", "n"});
  const auto a3 = h.send(0, {"RPUSH", "l", "a3"});
  h.answer(b1, integer_reply(1));
  h.answer(a1, integer_reply(2));
  h.answer(a2, integer_reply(1));
  h.answer(b2, integer_reply(2));
  if (last_is_answered) {
    h.answer(a3, integer_reply(3));
  }
  return h;
}

TEST(SharedKeys, AreRightAtEveryCutOfTheOrderTheyRanIn) {
  EXPECT_PASS(judge(shared_writers(true),
                    state_of({{"l", target::List{"b1", "a1", "a3"}}, {"n", "2"}}), kDurable));
  EXPECT_PASS(judge(shared_writers(false), state_of({{"l", target::List{"b1", "a1"}}, {"n", "2"}}),
                    kDurable));
  EXPECT_PASS(judge(shared_writers(false),
                    state_of({{"l", target::List{"b1", "a1", "a3"}}, {"n", "2"}}), kDurable));
  EXPECT_PASS(judge(shared_writers(true), state_of({{"l", target::List{"b1"}}}), kPrefix));
  EXPECT_PASS(judge(shared_writers(true), state_of({{"l", target::List{"b1", "a1"}}, {"n", "1"}}),
                    kPrefix));
  EXPECT_PASS(judge(shared_writers(true), {}, kPrefix));
}

TEST(SharedKeys, AreWrongAtNoCut) {
  const auto outcome = [](const target::State& state) {
    return judge(shared_writers(true), state, kPrefix).outcome;
  };
  EXPECT_EQ(outcome(state_of({{"l", target::List{"a1", "b1"}}})), Outcome::kViolation)
      << "the replies say otherwise";
  EXPECT_EQ(outcome(state_of({{"l", target::List{"a1"}}})), Outcome::kViolation)
      << "the reply to a1 says that one came before";
  EXPECT_EQ(outcome(state_of({{"n", "1"}})), Outcome::kViolation) << "a2 without a1";
  EXPECT_EQ(outcome(state_of({{"l", target::List{"b1", "a1", "a3"}}, {"n", "0"}})),
            Outcome::kViolation);
  EXPECT_EQ(outcome(state_of({{"l", target::List{"b1", "a1"}}, {"n", "3"}})), Outcome::kViolation);
  EXPECT_EQ(outcome(state_of({{"l", target::List{"b1", "x"}}})), Outcome::kViolation);
}

TEST(SharedKeys, ALostAppendIsNamed) {
  const Verdict verdict = judge(shared_writers(true),
                                state_of({{"l", target::List{"b1", "a1"}}, {"n", "2"}}), kDurable);
  EXPECT_EQ(verdict.outcome, Outcome::kViolation);
  EXPECT_THAT(verdict.lost, ElementsAre(Field(&LostCommand::command, "RPUSH l a3")));
  const Verdict hole = judge(shared_writers(true),
                             state_of({{"l", target::List{"b1", "a3"}}, {"n", "2"}}), kDurable);
  EXPECT_EQ(hole.outcome, Outcome::kViolation);
  EXPECT_THAT(hole.lost, ElementsAre(Field(&LostCommand::command, "RPUSH l a1")));
  EXPECT_THAT(hole.differences,
              ElementsAre(AllOf(Field(&KeyDifference::key, "l"),
                                Field(&KeyDifference::expected, HasSubstr("list of 3")),
                                Field(&KeyDifference::found, HasSubstr("list of 2")))));
}

TEST(SharedKeys, ALostIncrementIsNamed) {
  const Verdict verdict =
      judge(shared_writers(true), state_of({{"l", target::List{"b1", "a1", "a3"}}, {"n", "1"}}),
            kDurable);
  EXPECT_EQ(verdict.outcome, Outcome::kViolation);
  EXPECT_THAT(verdict.lost, ElementsAre(Field(&LostCommand::client, 1U)));
}

TEST(SharedKeys, CommandsInFlightFillTheGapsThatRepliesLeave) {
  HistoryForTest h;
  const auto a = h.send(0, {"INCR", "n"});
  h.send(1, {"INCR", "n"});
  h.send(2, {"INCR", "n"});
  h.answer(a, integer_reply(2));  // so one of the others ran before
  EXPECT_EQ(judge(h, state_of({{"n", "1"}}), kDurable).outcome, Outcome::kViolation);
  EXPECT_PASS(judge(h, state_of({{"n", "1"}}), kPrefix));
  EXPECT_PASS(judge(h, state_of({{"n", "2"}}), kDurable));
  EXPECT_PASS(judge(h, state_of({{"n", "3"}}), kDurable));
  EXPECT_EQ(judge(h, state_of({{"n", "4"}}), kDurable).outcome, Outcome::kViolation);
}

TEST(SharedKeys, WhichCommandInFlightIsInMustFitItsOtherKeys) {
  HistoryForTest h;
  h.send(0, {"SET", "a", "1"});
  h.send(0, {"INCR", "n"});
  h.send(1, {"SET", "b", "1"});
  h.send(1, {"INCR", "n"});
  EXPECT_PASS(judge(h, state_of({{"a", "1"}, {"n", "1"}}), kPrefix));
  EXPECT_PASS(judge(h, state_of({{"b", "1"}, {"n", "1"}}), kPrefix));
  EXPECT_PASS(judge(h, state_of({{"a", "1"}, {"b", "1"}, {"n", "2"}}), kPrefix));
  EXPECT_EQ(judge(h, state_of({{"a", "1"}, {"n", "2"}}), kPrefix).outcome, Outcome::kViolation);
  EXPECT_EQ(judge(h, state_of({{"n", "1"}}), kPrefix).outcome, Outcome::kViolation);
}

TEST(SharedKeys, AnOrderThatRunsInACircleIsAViolation) {
  HistoryForTest h;
  // 0: x1 to p, then x2 to q. 1: y2 to q, then y1 to p.
  h.send(0, {"RPUSH", "p", "x1"});
  h.send(0, {"RPUSH", "q", "x2"});
  h.send(1, {"RPUSH", "q", "y2"});
  h.send(1, {"RPUSH", "p", "y1"});
  EXPECT_PASS(judge(h, state_of({{"p", target::List{"x1", "y1"}}, {"q", target::List{"y2", "x2"}}}),
                    kPrefix));
  EXPECT_EQ(judge(h, state_of({{"p", target::List{"y1", "x1"}}, {"q", target::List{"x2", "y2"}}}),
                  kPrefix)
                .outcome,
            Outcome::kViolation);
}

TEST(SharedKeys, AnAppendMayNotStandBeforeOneAnsweredBeforeItWasSent) {
  HistoryForTest h;
  h.send(2, {"RPUSH", "l", "c"});  // keeps all in one epoch
  const auto a = h.send(0, {"RPUSH", "l", "a"});
  h.answer(a, error_reply("MISCONF no"));
  const auto b = h.send(0, {"RPUSH", "l", "b"});
  h.answer(b, integer_reply(1));
  h.send(1, {"RPUSH", "l", "d"});
  EXPECT_PASS(judge(h, state_of({{"l", target::List{"b", "d", "c"}}}), kDurable));
  EXPECT_EQ(judge(h, state_of({{"l", target::List{"d", "b"}}}), kDurable).outcome,
            Outcome::kViolation);
}

TEST(SharedKeys, CarryTheirValueIntoWhatFollows) {
  HistoryForTest h = shared_writers(true);
  h.run(0, {"RPUSH", "l", "last"}, integer_reply(4));
  h.run(0, {"LPOP", "l"}, bulk_reply("b1"));
  h.run(0, {"INCRBY", "n", "10"}, integer_reply(12));
  EXPECT_PASS(judge(h, state_of({{"l", target::List{"a1", "a3", "last"}}, {"n", "12"}}), kDurable));
  EXPECT_PASS(
      judge(h, state_of({{"l", target::List{"b1", "a1", "a3", "last"}}, {"n", "2"}}), kPrefix));
}

TEST(SharedKeys, RepliesThatContradictEachOtherAreNamed) {
  HistoryForTest h;
  const auto a = h.send(0, {"INCR", "n"});
  const auto b = h.send(1, {"INCR", "n"});
  h.answer(a, integer_reply(1));
  h.answer(b, integer_reply(1));
  const workload::History history = h.history();
  EXPECT_THAT(Judge(history).replies().summary, HasSubstr("two replies say the same count"));
}

TEST(SharedKeys, AnythingElseOnThemCannotBeJudged) {
  HistoryForTest h;
  h.send(0, {"RPUSH", "l", "same"});
  h.send(1, {"RPUSH", "l", "same"});
  EXPECT_EQ(judge(h, {}, kDurable).outcome, Outcome::kInconclusive);
  HistoryForTest other;
  other.send(0, {"RPUSH", "l", "x"});
  other.send(1, {"LPOP", "l"});
  EXPECT_EQ(judge(other, {}, kDurable).outcome, Outcome::kInconclusive);
}

TEST(SharedKeys, InATransactionAreInWithItOnly) {
  HistoryForTest h;
  h.run(0, {"MULTI"}, ok_reply());
  h.run(0, {"RPUSH", "l", "t1"}, queued_reply());
  h.run(0, {"SET", "a", "1"}, queued_reply());
  h.run(0, {"RPUSH", "l", "t2"}, queued_reply());
  h.send(0, {"EXEC"});
  h.send(1, {"RPUSH", "l", "x"});
  EXPECT_PASS(judge(h, state_of({{"l", target::List{"x", "t1", "t2"}}, {"a", "1"}}), kDurable));
  EXPECT_PASS(judge(h, state_of({{"l", target::List{"x"}}}), kDurable));
  EXPECT_EQ(
      judge(h, state_of({{"l", target::List{"t1", "x", "t2"}}, {"a", "1"}}), kDurable).outcome,
      Outcome::kViolation);
  EXPECT_EQ(judge(h, state_of({{"l", target::List{"t1", "t2"}}}), kDurable).outcome,
            Outcome::kViolation);
  EXPECT_EQ(judge(h, state_of({{"l", target::List{"t1"}}, {"a", "1"}}), kDurable).outcome,
            Outcome::kViolation);
}

TEST(ACommandWithoutAModel, MakesItInconclusiveRatherThanWrong) {
  HistoryForTest h;
  h.run(0, {"XADD", "s", "*", "f", "v"}, bulk_reply("1-1"));
  const Verdict verdict = judge(h, state_of({{"s", "?"}}), kDurable);
  EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
  EXPECT_THAT(verdict.summary,
              HasSubstr("client 0 #0 XADD is a command the oracle has no model of"));
}

// --- snapshot ---

// a=1, a snapshot of it, a=2, a snapshot of that (complete or not), a=3.
HistoryForTest two_snapshots(bool second_is_complete) {
  HistoryForTest h;
  for (const char* value : {"1", "2"}) {
    h.set(0, "a", value);
    const std::int64_t from_ns = h.now_ns() + kMs;
    h.run(9, {"BGSAVE"},
          {.kind = target::RespValue::Kind::kSimple, .text = "Background saving started"});
    const std::int64_t to_ns = h.now_ns();
    h.pass_ms(10);
    const bool complete = second_is_complete || value == std::string("1");
    h.add_snapshot({.from_ns = from_ns,
                    .to_ns = to_ns,
                    .completed_ns = complete ? h.now_ns() : 0,
                    .what = "BGSAVE"});
  }
  h.set(0, "a", "3");
  return h;
}

TEST(SnapshotGuarantee, TakesTheLastCompleteOne) {
  EXPECT_PASS(judge(two_snapshots(true), state_of({{"a", "2"}}), kSnapshot));
}

TEST(SnapshotGuarantee, TakesOneThatWasUnderWay) {
  EXPECT_PASS(judge(two_snapshots(false), state_of({{"a", "1"}}), kSnapshot));
  EXPECT_PASS(judge(two_snapshots(false), state_of({{"a", "2"}}), kSnapshot));
}

TEST(SnapshotGuarantee, RefusesAnOlderOneThanTheLastComplete) {
  const Verdict verdict = judge(two_snapshots(true), state_of({{"a", "1"}}), kSnapshot);
  EXPECT_EQ(verdict.outcome, Outcome::kViolation);
  EXPECT_THAT(verdict.lost, ElementsAre(Field(&LostCommand::command, "SET a 2")));
  EXPECT_THAT(verdict.summary,
              HasSubstr("neither that of the last snapshot reported complete (BGSAVE) nor of a "
                        "later snapshot: it is the one after 1 of 5 commands"));
}

TEST(SnapshotGuarantee, RefusesDataBetweenSnapshots) {
  EXPECT_EQ(judge(two_snapshots(true), state_of({{"a", "3"}}), kSnapshot).outcome,
            Outcome::kViolation);
  Guarantee with_rules = kSnapshot;
  with_rules.unlisted_snapshots = true;
  EXPECT_PASS(judge(two_snapshots(true), state_of({{"a", "3"}}), with_rules));
  EXPECT_EQ(judge(two_snapshots(true), state_of({{"a", "1"}}), with_rules).outcome,
            Outcome::kViolation);
}

TEST(SnapshotGuarantee, WithoutAnyTheBeginningIsRight) {
  HistoryForTest h;
  h.set(0, "a", "2");
  const target::State base = state_of({{"a", "1"}});
  EXPECT_PASS(judge(h, base, kSnapshot, base));
  EXPECT_EQ(judge(h, state_of({{"a", "2"}}), kSnapshot, base).outcome, Outcome::kViolation);
}

TEST(SnapshotGuarantee, CommandsWhileItForkedMayBeIn) {
  HistoryForTest h;
  h.set(0, "a", "1");
  const std::int64_t from_ns = h.now_ns() + kMs;
  const auto save = h.send(9, {"BGSAVE"});
  h.set(0, "a", "2");
  h.answer(save, {.kind = target::RespValue::Kind::kSimple, .text = "Background saving started"});
  h.add_snapshot({.from_ns = from_ns,
                  .to_ns = h.now_ns(),
                  .completed_ns = h.now_ns() + kMs,
                  .what = "BGSAVE"});
  h.pass_ms(5);
  h.set(0, "a", "3");
  EXPECT_PASS(judge(h, state_of({{"a", "1"}}), kSnapshot));
  EXPECT_PASS(judge(h, state_of({{"a", "2"}}), kSnapshot));
  EXPECT_EQ(judge(h, state_of({{"a", "3"}}), kSnapshot).outcome, Outcome::kViolation);
}

TEST(NoGuarantee, TakesAnything) {
  EXPECT_PASS(judge(three_sets(), state_of({{"x", "?"}}), {.kind = Kind::kNone}));
}

// --- deadlines ---

target::State observed(target::State state, std::int64_t from_ms, std::int64_t to_ms) {
  state.observed_from_ms = from_ms;
  state.observed_to_ms = to_ms;
  return state;
}

target::State with_deadline(const std::string& key, const std::string& value, std::int64_t at_ms) {
  target::State state;
  state.entries[{0, key}] = {.value = value, .expire_at_ms = at_ms};
  return state;
}

constexpr std::int64_t kBegan = HistoryForTest::kBeganUnixMs;

TEST(Deadlines, AKeyMayBeGoneOnlyOnceItsTimeHasPassed) {
  HistoryForTest h;
  h.run(0, {"SET", "a", "1", "PX", "5000"}, ok_reply());
  const std::int64_t dies = kBegan + 1 + 5000;
  EXPECT_PASS(
      judge(h, observed(with_deadline("a", "1", dies), kBegan + 100, kBegan + 200), kDurable));
  EXPECT_PASS(judge(h, observed({}, dies - 10, dies + 10), kDurable));
  EXPECT_PASS(judge(h, observed({}, dies + 1000, dies + 1001), kDurable));
  EXPECT_EQ(judge(h, observed({}, kBegan + 100, kBegan + 200), kDurable).outcome,
            Outcome::kViolation);
  EXPECT_EQ(
      judge(h, observed(with_deadline("a", "1", dies), dies + 1000, dies + 1001), kDurable).outcome,
      Outcome::kViolation)
      << "it should have expired";
}

TEST(Deadlines, AreJudgedToWithinTheTimeTheCommandTook) {
  HistoryForTest h;
  h.run(0, {"SET", "a", "1", "PX", "500000"}, ok_reply());
  const auto seen = [&](std::int64_t at_ms) {
    return judge(h, observed(with_deadline("a", "1", at_ms), kBegan + 10, kBegan + 20), kDurable)
        .outcome;
  };
  EXPECT_EQ(seen(kBegan + 500'001), Outcome::kPass);
  EXPECT_EQ(seen(kBegan + 500'003), Outcome::kPass);
  EXPECT_EQ(seen(kBegan + 501'000), Outcome::kViolation);
  EXPECT_EQ(seen(kBegan + 499'000), Outcome::kViolation);
  EXPECT_EQ(judge(h, observed(state_of({{"a", "1"}}), kBegan + 10, kBegan + 20), kDurable).outcome,
            Outcome::kViolation)
      << "it lost its deadline";
}

TEST(Deadlines, AKeyThatExpiredDuringTheRunStartsAnew) {
  HistoryForTest h;
  h.run(0, {"SET", "n", "41", "PX", "100"}, ok_reply());
  h.pass_ms(1000);
  h.run(0, {"INCR", "n"}, integer_reply(1));
  EXPECT_PASS(judge(h, observed(state_of({{"n", "1"}}), kBegan + 2000, kBegan + 2001), kDurable));
  EXPECT_EQ(
      judge(h, observed(state_of({{"n", "42"}}), kBegan + 2000, kBegan + 2001), kDurable).outcome,
      Outcome::kViolation);
}

TEST(Deadlines, TheReplyTellsWhetherAKeyHadExpired) {
  for (const bool expired : {false, true}) {
    HistoryForTest h;
    h.run(0, {"SET", "n", "41", "PX", "10"}, ok_reply());
    h.pass_ms(8);
    h.run(0, {"INCR", "n"}, integer_reply(expired ? 1 : 42));
    h.run(0, {"PERSIST", "n"}, integer_reply(expired ? 0 : 1));
    const target::State right =
        observed(state_of({{"n", expired ? "1" : "42"}}), kBegan + 2000, kBegan + 2001);
    const target::State wrong =
        observed(state_of({{"n", expired ? "42" : "1"}}), kBegan + 2000, kBegan + 2001);
    EXPECT_PASS(judge(h, right, kDurable));
    EXPECT_EQ(judge(h, wrong, kDurable).outcome, Outcome::kViolation);
  }
}

TEST(Deadlines, OfTheBaseCountToo) {
  HistoryForTest h;
  h.set(0, "a", "1");
  target::State base = with_deadline("old", "x", kBegan + 50);
  EXPECT_PASS(
      judge(h, observed(state_of({{"a", "1"}}), kBegan + 5000, kBegan + 5001), kDurable, base));
}

// --- what chance decides ---

TEST(Chance, ARandomEffectIsTakenFromItsReply) {
  HistoryForTest h;
  h.run(0, {"SADD", "s", "x", "y", "z"}, integer_reply(3));
  h.run(0, {"SPOP", "s"}, bulk_reply("y"));
  EXPECT_PASS(judge(h, state_of({{"s", target::Set{"x", "z"}}}), kDurable));
  EXPECT_EQ(judge(h, state_of({{"s", target::Set{"x", "y"}}}), kDurable).outcome,
            Outcome::kViolation);
}

TEST(Chance, ARandomEffectInFlightMayBeAnyThatIsPossible) {
  HistoryForTest h;
  h.run(0, {"SADD", "s", "x", "y", "z"}, integer_reply(3));
  h.set(0, "a", "1");
  h.send(0, {"SPOP", "s"});
  const auto outcome = [&](const target::Set& members) {
    return judge(h, state_of({{"a", "1"}, {"s", members}}), kDurable).outcome;
  };
  EXPECT_EQ(outcome({"x", "y", "z"}), Outcome::kPass);
  EXPECT_EQ(outcome({"x", "y"}), Outcome::kPass);
  EXPECT_EQ(outcome({"y", "z"}), Outcome::kPass);
  EXPECT_EQ(outcome({"x"}), Outcome::kViolation);
  EXPECT_EQ(outcome({"x", "w"}), Outcome::kViolation);
  EXPECT_EQ(judge(h, state_of({{"s", target::Set{"x", "y"}}}), kDurable).outcome,
            Outcome::kViolation)
      << "a is lost";
}

TEST(Chance, ASumOfFloatsInFlightMayBeRoundedEitherWay) {
  HistoryForTest h;
  h.set(0, "n", "0.1");
  h.send(0, {"INCRBYFLOAT", "n", "0.2"});
  const auto outcome = [&](const char* value) {
    return judge(h, state_of({{"n", value}}), kDurable).outcome;
  };
  EXPECT_EQ(outcome("0.1"), Outcome::kPass);
  EXPECT_EQ(outcome("0.3"), Outcome::kPass);
  EXPECT_EQ(outcome("0.30000000000000004"), Outcome::kPass);
  EXPECT_EQ(outcome("0.2"), Outcome::kViolation);
  HistoryForTest hash;
  hash.run(0, {"HSET", "h", "f", "1", "g", "1"}, integer_reply(2));
  hash.send(0, {"HINCRBYFLOAT", "h", "f", "0.5"});
  EXPECT_PASS(judge(hash, state_of({{"h", target::Hash{{"f", "1.5"}, {"g", "1"}}}}), kDurable));
  EXPECT_EQ(judge(hash, state_of({{"h", target::Hash{{"f", "1.5"}}}}), kDurable).outcome,
            Outcome::kViolation);
}

TEST(Chance, WhatFollowsAnEffectInFlightIsLeftOpen) {
  HistoryForTest h;
  h.run(0, {"SADD", "s", "x", "y", "z"}, integer_reply(3));
  h.send(0, {"SPOP", "s"});
  h.send(0, {"SADD", "s", "w"});
  h.send(0, {"SET", "a", "1"});
  EXPECT_PASS(judge(h, state_of({{"a", "1"}, {"s", target::Set{"x", "w", "z"}}}), kDurable));
  EXPECT_PASS(judge(h, state_of({{"s", target::Set{"x", "y"}}}), kDurable));
}

// --- replies ---

TEST(Replies, ThatContradictTheMeaningAreNamed) {
  HistoryForTest h;
  h.set(0, "n", "1");
  h.run(0, {"INCR", "n"}, integer_reply(7));
  const workload::History history = h.history();
  const Judge judge(history);
  EXPECT_EQ(judge.replies().outcome, Outcome::kViolation);
  EXPECT_EQ(judge.replies().summary,
            "client 0 #1 INCR n was answered :7\\r\\n, expected is :2\\r\\n");
  ASSERT_EQ(judge.replies().differences.size(), 1U);
  EXPECT_EQ(judge.replies().differences[0].key, "client 0 #1 INCR n");
  EXPECT_EQ(judge.replies().differences[0].found, ":7\\r\\n");
  EXPECT_EQ(judge.guarantee(state_of({{"n", "7"}}), kDurable).outcome, Outcome::kInconclusive)
      << "no one can say what the data should be";
}

TEST(FinalState, HoldsWhatWasAnswered) {
  const workload::History history = three_sets().history();
  EXPECT_EQ(Judge(history).final_state().entries, state_of({{"a", "1"}, {"b", "2"}}).entries);
}

}  // namespace
}  // namespace crashpoint::oracle
