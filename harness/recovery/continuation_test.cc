#include "harness/recovery/continuation.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "harness/base/temporary_directory.h"
#include "harness/scenario/load/load.h"
#include "harness/target/state_dump.h"

namespace crashpoint::recovery {
namespace {

namespace fs = std::filesystem;
using oracle::CrashKind;
using oracle::Outcome;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = oracle::Guarantee::Kind;

constexpr const char* kLog = R"("appendonly": "yes", "appendfsync": "always", "save": "")";
constexpr const char* kSnapshots = R"("appendonly": "no", "save": "")";
constexpr const char* kTorn = "*3\r\n$3\r\nSE";

class ContinuationTest : public ::testing::Test {
 protected:
  ContinuationTest() { ::setenv("CRASHPOINT_ENGINE", CRASHPOINT_ENGINE_BINARY, 1); }

  // A case of `target`, with `more` members.
  void use(const std::string& target, const std::string& more = "") {
    const fs::path file = folder_.path() / "case.json";
    std::ofstream(file) << fmt::format(
        R"({{"version": 1, "summary": "A test.", "workload": [], "target": {}{}}})", target, more);
    case_ = scenario::load({file.string()}).cases.at(0);
    program_ = find_program(case_.target, folder_.path());
    starter_ = make_starter(program_, case_, folder_.path() / "lives");
  }
  void use_engine(const std::string& config, const std::string& arguments = "",
                  const std::string& more = "") {
    use(fmt::format(R"({{"use": "engine", "config": {{{}}}, "arguments": [{}]}})", config,
                    arguments),
        more);
  }

  // A directory with the log of an engine that was killed once it had acknowledged a write, and `tail`.
  void write_log(const std::string& tail) {
    fs::remove_all(data());
    fs::create_directories(data());
    {
      const Started first = starter_->start(data());
      ASSERT_NE(first.running, nullptr) << first.trouble;
      EXPECT_EQ(target::Client(first.running->endpoint()).call({"SET", "a", "1"}).text, "OK");
    }
    std::ofstream(data() / "appendonlydir" / "appendonly.aof.1.incr.aof", std::ios::app) << tail;
  }
  // Makes the directory one that is continued in this way.
  void choose(std::uint64_t variant) const {
    for (std::size_t size = 0; variant_of(data()) % kContinuationVariants != variant; ++size) {
      std::ofstream(data() / "note") << std::string(size, 'x');
    }
  }
  [[nodiscard]] fs::path data() const { return folder_.path() / "data"; }

  Continued go_on() { return continue_and_judge(case_, program_, *starter_, data()); }

  TemporaryDirectory folder_{fs::is_directory("/dev/shm") ? "/dev/shm" : ""};
  scenario::Case case_;
  Program program_;
  std::unique_ptr<Starter> starter_;
};

TEST_F(ContinuationTest, ACorrectEngineGoesOnInEveryWay) {
  use_engine(kLog);
  for (std::uint64_t variant = 0; variant < kContinuationVariants; ++variant) {
    write_log(kTorn);
    choose(variant);
    const Continued continued = go_on();
    ASSERT_TRUE(continued.verdict.has_value()) << continued.note;
    EXPECT_EQ(continued.verdict->outcome, Outcome::kPass)
        << variant << ": " << continued.verdict->summary;
    EXPECT_EQ(continued.verdict->check, "continues");
  }
}

TEST_F(ContinuationTest, WithSnapshotsAloneTheLastOneReportedCompleteIsKept) {
  use_engine(kSnapshots);
  for (std::uint64_t variant = 0; variant < kContinuationVariants; ++variant) {
    fs::remove_all(data());
    fs::create_directories(data());
    choose(variant);
    const Continued continued = go_on();
    ASSERT_TRUE(continued.verdict.has_value()) << continued.note;
    EXPECT_EQ(continued.verdict->outcome, Outcome::kPass)
        << variant << ": " << continued.verdict->summary;
  }
}

// What a further start would hide: this one only forgets what the first instance takes.
TEST_F(ContinuationTest, WhatTheFirstInstanceAcknowledgesAndLosesIsAViolation) {
  use_engine(kLog, R"("--failpoint", "planted/hold-log-after-truncation")");
  write_log(kTorn);
  choose(8);  // a rewrite would write the log after all
  const Continued continued = go_on();
  ASSERT_TRUE(continued.verdict.has_value()) << continued.note;
  EXPECT_EQ(continued.verdict->outcome, Outcome::kViolation);
  EXPECT_THAT(continued.verdict->summary,
              AllOf(HasSubstr("killed once it had recovered and answered "),
                    HasSubstr("acknowledged commands are lost")));
  write_log("");
  choose(8);
  EXPECT_EQ(go_on().verdict->outcome, Outcome::kPass) << "with nothing torn it has no such bug";
}

TEST_F(ContinuationTest, FurtherRoundsGoOnFromOneAnother) {
  use_engine(kLog, "",
             R"(, "oracle": {"then": [[{"commands": [["SET", "then", "1"]]}],
                                      [{"commands": [["APPEND", "then", "2"]]}]]})");
  write_log(kTorn);
  const Continued continued = go_on();
  ASSERT_TRUE(continued.verdict.has_value()) << continued.note;
  EXPECT_EQ(continued.verdict->outcome, Outcome::kPass) << continued.verdict->summary;
  const Started after = starter_->start(data());
  ASSERT_NE(after.running, nullptr) << after.trouble;
  const target::State state = target::dump_state(after.running->endpoint());
  EXPECT_EQ(state.entries.at({0, "then"}).value, target::Value("12"));
}

TEST_F(ContinuationTest, AFirstStartThatFailsIsForAnotherCheckToTell) {
  use_engine(kLog);
  write_log("");
  std::ofstream(data() / "appendonlydir" / "appendonly.aof.manifest") << "no manifest\n";
  const Continued continued = go_on();
  EXPECT_FALSE(continued.verdict.has_value());
  EXPECT_EQ(continued.note, "");
}

// A process of its own: the engine behind a shell that makes something of each start.
TEST_F(ContinuationTest, ANextStartThatFailsIsAViolation) {
  use(fmt::format(R"({{"use": {{"command": ["sh", "-c",
                     "[ ! -e {{dir}}/appendonlydir ] || exit 3; exec {} {{config}}"]}},
                     "config": {{{}}}}})",
                  CRASHPOINT_ENGINE_BINARY, kLog));
  fs::create_directories(data());
  const Continued continued = go_on();
  ASSERT_TRUE(continued.verdict.has_value()) << continued.note;
  EXPECT_EQ(continued.verdict->outcome, Outcome::kViolation);
  EXPECT_THAT(continued.verdict->summary, HasSubstr("it does not start: it exited with status 3"));
}

TEST_F(ContinuationTest, ATargetThatRefusesWritesAfterRecoveryIsAViolation) {
  use_engine(std::string(kLog) + R"(, "maxmemory": "0")", R"("--maxmemory", "1")");
  fs::create_directories(data());
  const Continued continued = go_on();
  ASSERT_TRUE(continued.verdict.has_value()) << continued.note;
  EXPECT_EQ(continued.verdict->outcome, Outcome::kViolation);
  EXPECT_THAT(continued.verdict->summary, HasSubstr("SET is answered -OOM"));
}

// A snapshot that fails makes a server refuse writes. Where fork fails without a fault, the machine is at its limit.
TEST(FurtherLife, AMachineWithoutRoomForProcessesIsNoViolation) {
  using Reply = target::RespValue::Kind;
  const auto answered = [](Reply kind, const char* text) {
    workload::Operation operation;
    operation.arguments = {"SET", "a", "1"};
    operation.reply = target::RespValue{.kind = kind, .text = text};
    operation.acked = 1;
    operation.acked_ns = 1;
    return operation;
  };
  workload::Run run;
  run.history.operations = {answered(Reply::kSimple, "OK"),
                            answered(Reply::kError, "MISCONF Errors saving")};
  const std::string failed = "# Can't save in background: fork: Resource temporarily unavailable";
  EXPECT_EQ(judge_further_life({}, run, failed).verdict->outcome, Outcome::kInconclusive);
  EXPECT_EQ(judge_further_life({}, run, "# Write error").verdict->outcome, Outcome::kViolation);
}

TEST_F(ContinuationTest, WhereTheScenarioLimitsMemoryAFullTargetIsNoViolation) {
  use_engine(std::string(kLog) + R"(, "maxmemory": "1")");
  fs::create_directories(data());
  const Continued continued = go_on();
  ASSERT_TRUE(continued.verdict.has_value()) << continued.note;
  EXPECT_EQ(continued.verdict->outcome, Outcome::kPass) << continued.verdict->summary;
}

TEST_F(ContinuationTest, ThePromiseIsThatOfTheConfigurationOnceTheDamageIsBehindIt) {
  use_engine(kLog, "", R"(, "oracle": {"guarantee": "prefix"})");
  EXPECT_EQ(promise_after_recovery(case_, program_, CrashKind::kProcessKill).kind, Kind::kPrefix);
  use_engine(kLog, "", R"(, "oracle": {"guarantee": "prefix"},
                            "damage": [{"file": "*.incr.aof", "truncate_tail": 1}])");
  EXPECT_EQ(promise_after_recovery(case_, program_, CrashKind::kProcessKill).kind, Kind::kDurable);
  use_engine(kSnapshots);
  EXPECT_EQ(promise_after_recovery(case_, program_, CrashKind::kProcessKill).kind, Kind::kSnapshot);
}

// After a clean shutdown nothing may be missing; after the kill of the second life something may.
TEST_F(ContinuationTest, AStatedGuaranteeThatAsksForMoreIsNotHeldAgainstTheSecondLife) {
  const std::string log = R"("appendonly": "yes", "appendfsync": "everysec", "save": "")";
  use_engine(log, "", R"(, "oracle": {"guarantee": "durable"})");
  EXPECT_EQ(promise_after_recovery(case_, program_, CrashKind::kPowerLoss).kind, Kind::kBuffered);
}

// The path of a Unix socket has 107 characters at most.
TEST_F(ContinuationTest, AFolderWithALongPathIsNoTrouble) {
  for (const char* const target : {"engine", "redis"}) {
    use(fmt::format(R"({{"use": "{}", "config": {{{}}}}})", target, kLog));
    const fs::path lives = folder_.path() / std::string(150, 'x');
    fs::remove_all(lives);
    fs::create_directories(lives);
    const std::unique_ptr<Starter> starter = make_starter(program_, case_, lives);
    fs::remove_all(data());
    fs::create_directories(data());
    const Started started = starter->start(data());
    ASSERT_NE(started.running, nullptr) << target << ": " << started.trouble;
    EXPECT_EQ(target::Client(started.running->endpoint()).call({"SET", "a", "1"}).text, "OK");
  }
}

TEST_F(ContinuationTest, WhereNothingIsPromisedNothingIsJudged) {
  use_engine(kLog, "", R"(, "oracle": {"guarantee": "none"})");
  EXPECT_THAT(why_no_continuation(case_, program_), HasSubstr("nothing is promised"));
  use_engine(kLog);
  EXPECT_EQ(why_no_continuation(case_, program_), "");
}

TEST_F(ContinuationTest, WritesOnKeysOfEveryTypeThatAreThereAndSparesThoseThatMayExpire) {
  target::State base;
  base.entries[{0, "s"}].value = std::string("1");
  base.entries[{3, "l"}].value = target::List{"a"};
  base.entries[{3, "z"}].value = target::SortedSet{{"m", 1}};
  base.entries[{4, "soon"}] = {target::Value(target::Set{"a"}), 1};
  const workload::Plan plan = continuation_plan(base, true, 8);
  ASSERT_EQ(plan.steps.size(), 1U) << "no job in this variant";
  const auto& commands = std::get<workload::Commands>(plan.steps.front().action).commands;
  const auto has = [&](const workload::Arguments& command) {
    return std::ranges::find(commands, command) != commands.end();
  };
  EXPECT_TRUE(has({"APPEND", "s", "+"}));
  EXPECT_TRUE(has({"SELECT", "3"}));
  EXPECT_TRUE(has({"LPOP", "l"}));
  EXPECT_TRUE(has({"ZPOPMIN", "z"}));
  EXPECT_FALSE(has({"SPOP", "soon"}));
  EXPECT_EQ(commands.back(), (workload::Arguments{"SELECT", "0"})) << "for what comes after it";
}

TEST_F(ContinuationTest, SomeVariantsRewriteAndSomeTakeASnapshot) {
  std::set<std::string> with_log;
  std::set<std::string> without;
  for (std::uint64_t variant = 0; variant < kContinuationVariants; ++variant) {
    for (const bool has_log : {true, false}) {
      for (const workload::Step& step : continuation_plan({}, has_log, variant).steps) {
        if (const auto* admin = std::get_if<workload::Admin>(&step.action)) {
          (has_log ? with_log : without).insert(admin->command.front());
        }
      }
    }
  }
  EXPECT_EQ(with_log, (std::set<std::string>{"BGREWRITEAOF", "BGSAVE"}));
  EXPECT_EQ(without, (std::set<std::string>{"BGSAVE", "SAVE"}));
}

}  // namespace
}  // namespace crashpoint::recovery
