#include "harness/oracle/derive_guarantee.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

namespace crashpoint::oracle {
namespace {

using Config = std::map<std::string, std::vector<std::string>>;
using Kind = Guarantee::Kind;

struct Row {
  const char* name;
  Config config;
  CrashKind crash;
  Guarantee promised;
};
std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.name;
}

const Config kAlways = {{"appendonly", {"yes"}}, {"appendfsync", {"always"}}};
const Config kEverysec = {{"appendonly", {"yes"}}};
const Config kNo = {{"appendonly", {"yes"}}, {"appendfsync", {"no"}}};
const Config kNoSyncWhileRewriting = {
    {"appendonly", {"yes"}}, {"appendfsync", {"always"}}, {"no-appendfsync-on-rewrite", {"yes"}}};

const Row kTable[] = {
    {"AlwaysKilled", kAlways, CrashKind::kProcessKill, {.kind = Kind::kDurable}},
    {"AlwaysPowerLoss", kAlways, CrashKind::kPowerLoss, {.kind = Kind::kDurable}},
    {"EverysecKilled", kEverysec, CrashKind::kProcessKill, {.kind = Kind::kDurable}},
    {"EverysecPowerLoss",
     kEverysec,
     CrashKind::kPowerLoss,
     {.kind = Kind::kBuffered, .seconds = 1}},
    {"NoKilled", kNo, CrashKind::kProcessKill, {.kind = Kind::kDurable}},
    {"NoPowerLoss", kNo, CrashKind::kPowerLoss, {.kind = Kind::kPrefix}},
    {"NoSyncWhileRewritingKilled",
     kNoSyncWhileRewriting,
     CrashKind::kProcessKill,
     {.kind = Kind::kDurable}},
    {"NoSyncWhileRewritingPowerLoss",
     kNoSyncWhileRewriting,
     CrashKind::kPowerLoss,
     {.kind = Kind::kPrefix}},
    {"DefaultSaveRules",
     {},
     CrashKind::kProcessKill,
     {.kind = Kind::kSnapshot, .unlisted_snapshots = true}},
    {"OwnSaveRules",
     {{"save", {"", "60 1"}}},
     CrashKind::kPowerLoss,
     {.kind = Kind::kSnapshot, .unlisted_snapshots = true}},
    {"Evicting",
     {{"appendonly", {"yes"}}, {"maxmemory", {"1mb"}}, {"maxmemory-policy", {"allkeys-lru"}}},
     CrashKind::kProcessKill,
     {.kind = Kind::kNone}},
    {"NoSaveRules", {{"save", {""}}}, CrashKind::kPowerLoss, {.kind = Kind::kSnapshot}},
};

class PromiseTable : public ::testing::TestWithParam<Row> {};

TEST_P(PromiseTable, FollowsFromConfigAndCrash) {
  const DerivedGuarantee promise =
      derive_guarantee(GetParam().config, GetParam().crash, kEngineEverysecLoss);
  EXPECT_EQ(promise.guarantee, GetParam().promised) << describe(promise.guarantee);
  EXPECT_THAT(promise.reason, ::testing::Not(::testing::IsEmpty()));
}

TEST(DerivedGuarantee, RedisServerMayPostponeAWriteWhileAnFsyncRuns) {
  const Guarantee two_seconds = {.kind = Kind::kBuffered, .seconds = 2};
  EXPECT_EQ(derive_guarantee(kEverysec, CrashKind::kProcessKill, kRedisEverysecLoss).guarantee,
            two_seconds);
  EXPECT_EQ(derive_guarantee(kEverysec, CrashKind::kPowerLoss, kRedisEverysecLoss).guarantee,
            two_seconds);
}

INSTANTIATE_TEST_SUITE_P(, PromiseTable, ::testing::ValuesIn(kTable),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace crashpoint::oracle
