#include "harness/campaign/accept_known.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include <nlohmann/json.hpp>

#include "harness/base/error.h"
#include "harness/base/temporary_directory.h"

namespace crashpoint::campaign {
namespace {

using testing::ElementsAre;

report::CaseResult result(const std::string& name, const oracle::Verdict& verdict) {
  report::CaseResult result;
  result.name = name;
  result.verdict = verdict;
  result.checks = {verdict};
  return result;
}

oracle::Verdict lost(const std::string& profile) {
  oracle::Verdict verdict;
  verdict.outcome = oracle::Outcome::kViolation;
  verdict.check = "guarantee";
  verdict.summary = "power loss: 3 commands are lost";
  verdict.cause = "mkdir data";
  verdict.profiles = {profile};
  return verdict;
}

oracle::Verdict refused(const std::string& summary) {
  oracle::Verdict verdict;
  verdict.outcome = oracle::Outcome::kViolation;
  verdict.check = "start";
  verdict.summary = summary;
  return verdict;
}

class AcceptKnown : public testing::Test {
 protected:
  nlohmann::json written() const {
    std::ifstream in(file_);
    return nlohmann::json::parse(in);
  }

  TemporaryDirectory folder_;
  std::filesystem::path file_ = folder_.path() / "known.json";
};

TEST_F(AcceptKnown, OneEntryForOneCauseWithAllItsCasesAndProfiles) {
  EXPECT_EQ(accept_known({result("a", lost("weakest")), result("b", lost("btrfs"))}, "mydb", file_),
            1U);
  const nlohmann::json json = written();
  EXPECT_EQ(json["target"], "mydb");
  const nlohmann::json& entry = json["findings"]["guarantee: mkdir data"];
  EXPECT_EQ(entry["check"], "guarantee");
  EXPECT_EQ(entry["cause"], "mkdir data");
  EXPECT_THAT(entry["profiles"], ElementsAre("btrfs", "weakest"));
  EXPECT_THAT(entry["cases"], ElementsAre("a", "b"));
}

TEST_F(AcceptKnown, WithoutACauseWhatWasFoundIsAPatternForOtherNumbers) {
  accept_known({result("a", refused("it exited with status 1 after 25 ms")),
                result("b", refused("it exited with status 1 after 7 ms"))},
               "mydb", file_);
  const nlohmann::json json = written();
  ASSERT_EQ(json["findings"].size(), 1U);
  EXPECT_EQ(json["findings"].front()["found"], "it exited with status * after * ms");
}

TEST_F(AcceptKnown, WhatIsThereStays) {
  accept_known({result("a", lost("weakest"))}, "mydb", file_);
  accept_known({result("c", refused("it hangs"))}, "mydb", file_);
  EXPECT_EQ(written()["findings"].size(), 2U);
}

TEST_F(AcceptKnown, KnownAndPassedCasesAddNothing) {
  oracle::Verdict known = lost("weakest");
  known.known = "no sync";
  EXPECT_EQ(accept_known({result("a", known), result("b", {})}, "mydb", file_), 0U);
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(AcceptKnown, AFileOfAnotherTargetOrFormIsLeftAlone) {
  std::ofstream(file_) << R"({"target": "other", "findings": {}})";
  EXPECT_THROW(accept_known({result("a", lost("weakest"))}, "mydb", file_), UsageError);
  std::ofstream(file_) << "not JSON";
  EXPECT_THROW(accept_known({result("a", lost("weakest"))}, "mydb", file_), UsageError);
  std::ifstream in(file_);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "not JSON");
}

}  // namespace
}  // namespace crashpoint::campaign
