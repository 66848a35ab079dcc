#include "harness/scenario/promise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace crashpoint::scenario {
namespace {

using Kind = oracle::Guarantee::Kind;
using oracle::CrashKind;

class Promise : public ::testing::Test {
 protected:
  Promise() { case_.target.config = {{"appendonly", {"yes"}}, {"appendfsync", {"always"}}}; }

  void set(const std::string& directive, const std::string& value) {
    case_.workload.steps.push_back({workload::Admin{.command = {"config", "set", directive, value},
                                                    .wait = workload::Admin::Wait::kDone}});
  }
  [[nodiscard]] oracle::DerivedGuarantee promise(
      std::optional<std::size_t> crashed_in = std::nullopt) const {
    return promise_of(case_, CrashKind::kPowerLoss, oracle::kEngineEverysecLoss,
                      crashed_in
                          ? std::optional<Ran>({.crashed_in = *crashed_in, .history = history_})
                          : std::nullopt);
  }

  // The change that a step of the workload asks for was answered with an error.
  void refuse(std::uint32_t step) {
    history_.operations.push_back(
        {.step = step,
         .arguments = std::get<workload::Admin>(case_.workload.steps[step].action).command,
         .reply = target::RespValue{.kind = target::RespValue::Kind::kError, .text = "ERR no"}});
  }

  Case case_;
  workload::History history_;
};

TEST_F(Promise, IsThatOfTheConfiguration) {
  EXPECT_EQ(promise().guarantee.kind, Kind::kDurable);
}

TEST_F(Promise, IsTheLeastThatTheRunComesThrough) {
  set("appendfsync", "EVERYSEC");
  set("appendfsync", "always");
  EXPECT_EQ(promise().guarantee.kind, Kind::kBuffered);
  EXPECT_THAT(promise().reason, testing::HasSubstr("appendfsync everysec"));
}

TEST_F(Promise, IsNotRaisedByTheRun) {
  case_.target.config["appendfsync"] = {"no"};
  set("appendfsync", "always");
  EXPECT_EQ(promise().guarantee.kind, Kind::kPrefix);
}

TEST_F(Promise, EndsWithTheLogThatIsSwitchedOff) {
  set("appendonly", "no");
  EXPECT_EQ(promise().guarantee.kind, Kind::kPrefix);
  EXPECT_THAT(promise().reason, testing::HasSubstr("switched off"));
  set("appendonly", "yes");
  EXPECT_EQ(promise().guarantee.kind, Kind::kPrefix) << "the crash may come in between";
  EXPECT_EQ(promise(1).guarantee.kind, Kind::kPrefix) << "or while it is switched on again";
  EXPECT_EQ(promise(2).guarantee.kind, Kind::kDurable) << "all is in the new log";
}

TEST_F(Promise, IsNotLoweredByWhatWouldComeLater) {
  set("appendfsync", "always");
  set("appendfsync", "no");
  EXPECT_EQ(promise(0).guarantee.kind, Kind::kDurable);
  EXPECT_EQ(promise(1).guarantee.kind, Kind::kPrefix);
}

TEST_F(Promise, OfALogThatIsSwitchedOnIsThatOfSnapshots) {
  case_.target.config["appendonly"] = {"no"};
  case_.target.config["save"] = {""};
  set("appendonly", "yes");
  EXPECT_EQ(promise().guarantee.kind, Kind::kSnapshot) << "it is started again without the log";
}

TEST_F(Promise, IsThatOfTheLogOnceItIsSwitchedOnWhereTheNextStartHasIt) {
  case_.target.config["appendonly"] = {"no"};
  case_.recovery.config["appendonly"] = {"yes"};
  set("appendonly", "yes");
  EXPECT_EQ(promise(0).guarantee.kind, Kind::kPrefix) << "there may be no log yet";
  EXPECT_THAT(promise(0).reason, testing::HasSubstr("before appendonly is switched on"));
  EXPECT_EQ(promise(1).guarantee.kind, Kind::kDurable);
  set("appendonly", "no");
  EXPECT_EQ(promise(2).guarantee.kind, Kind::kPrefix);
  EXPECT_EQ(promise().guarantee.kind, Kind::kPrefix) << "the crash may come at any time";
}

TEST_F(Promise, IsNotRaisedByAChangeThatWasRefused) {
  set("appendonly", "no");
  set("appendonly", "yes");
  refuse(1);
  EXPECT_EQ(promise(2).guarantee.kind, Kind::kPrefix);
}

TEST_F(Promise, IsThatOfSnapshotsWhereTheNextStartHasNoLog) {
  case_.recovery.config["appendonly"] = {"no"};
  case_.recovery.config["save"] = {""};
  EXPECT_EQ(promise().guarantee.kind, Kind::kSnapshot);
  set("appendonly", "no");
  EXPECT_EQ(promise().guarantee.kind, Kind::kSnapshot) << "with or without the log";
}

TEST_F(Promise, IsNothingWhereKeysMayBeDropped) {
  case_.workload.steps.push_back({workload::Commands{
      .commands = {{"CONFIG", "SET", "maxmemory", "1mb", "maxmemory-policy", "allkeys-lru"}}}});
  EXPECT_EQ(promise().guarantee.kind, Kind::kNone);
}

}  // namespace
}  // namespace crashpoint::scenario
