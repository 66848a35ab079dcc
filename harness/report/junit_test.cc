// JUnit XML as CI servers read it.
#include "harness/report/junit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/report/sample_run_for_test.h"

#include <pugixml.hpp>

namespace crashpoint::report {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using testing::StartsWith;

class Junit : public testing::Test {
 protected:
  void render(const RunResult& run) {
    text_ = junit_xml(run);
    const pugi::xml_parse_result parsed = document_.load_string(text_.c_str());
    ASSERT_TRUE(parsed) << parsed.description();
  }
  // The text or attribute value at an XPath.
  std::string at(const std::string& path) const {
    return document_.select_node(path.c_str()).attribute()
               ? document_.select_node(path.c_str()).attribute().value()
               : document_.select_node(path.c_str()).node().text().get();
  }
  std::size_t count(const std::string& path) const {
    return document_.select_nodes(path.c_str()).size();
  }

  std::string text_;
  pugi::xml_document document_;
};

TEST_F(Junit, CountsEachStatusUnderItsOwnName) {
  render(sample_run());
  EXPECT_THAT(text_, StartsWith("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites"));
  EXPECT_EQ(at("/testsuites/@tests"), "4");
  EXPECT_EQ(at("/testsuites/@failures"), "1");
  EXPECT_EQ(at("/testsuites/@errors"), "1");
  EXPECT_EQ(at("/testsuites/@skipped"), "1");
  EXPECT_EQ(at("/testsuites/@time"), "2.500");
}

TEST_F(Junit, OneSuitePerTarget) {
  render(sample_run());
  EXPECT_EQ(count("/testsuites/testsuite"), 2U);
  EXPECT_EQ(at("//testsuite[@name='engine']/@tests"), "3");
  EXPECT_EQ(at("//testsuite[@name='redis']/@skipped"), "1");
  EXPECT_EQ(at("//testsuite[@name='engine']/@timestamp"), "2024-05-01T12:00:00");
}

TEST_F(Junit, CaseHasAClassToGroupByAndItsSeed) {
  render(sample_run());
  const std::string test = "//testcase[@name='aof/always-kill-mid-fsync[nth=3]']";
  EXPECT_EQ(at(test + "/@classname"), "aof.always-kill-mid-fsync");
  EXPECT_EQ(at(test + "/@file"), "scenarios/aof/always-kill-mid-fsync.json");
  EXPECT_EQ(at(test + "/@time"), "0.104");
  EXPECT_EQ(at(test + "/properties/property[@name='seed']/@value"), "1");
  EXPECT_EQ(count(test + "/failure"), 0U);
}

TEST_F(Junit, ViolationIsAFailureWithAllDetails) {
  render(sample_run());
  EXPECT_EQ(count("//failure"), 1U);
  EXPECT_EQ(at("//failure/@type"), "guarantee");
  EXPECT_THAT(at("//failure/@message"), StartsWith("31 acknowledged commands are gone"));
  EXPECT_THAT(at("//failure"), HasSubstr("  promised   a prefix of the history survives"));
  EXPECT_THAT(at("//failure"), HasSubstr("client 2 #118  SET key:44 \"v118\""));
  EXPECT_THAT(at("//failure"), HasSubstr("  reproduce  crashpoint run scenarios/aof/everysec"));
}

TEST_F(Junit, InconclusiveIsAnErrorNotAFailure) {
  render(sample_run());
  EXPECT_THAT(at("//testcase[@name='rewrite/kill-child-before-exit']/error/@message"),
              StartsWith("inconclusive: the fault never fired"));
}

TEST_F(Junit, KnownFindingIsSkippedWithItsReason) {
  render(sample_run());
  EXPECT_THAT(at("//testcase[@name='tail/zeros-after-power-loss']/skipped/@message"),
              StartsWith("known finding: redis-server 7.0 refuses"));
}

// XML 1.0 cannot hold control characters, not even as &#27;.
TEST_F(Junit, IsWellFormedWhateverBytesAKeyHad) {
  RunResult run = sample_run();
  run.cases = {sample_violation()};
  run.cases[0].verdict.summary = "]]> <b>&amp; \x1b[2J \0 \xff \xEF\xBF\xBF \"'"s;
  render(run);
  EXPECT_EQ(at("//failure/@message"), "]]> <b>&amp; \\x1b[2J \\x00 \\xff \\xef\\xbf\\xbf \"'");
  EXPECT_EQ(text_.find_first_of("\0\x1b\xff"s), std::string::npos);
  EXPECT_EQ(text_.find("&#"), std::string::npos);
}

TEST_F(Junit, CasesThatWereNotRunAreAnError) {
  RunResult run = sample_run();
  run.cases.clear();
  run.interrupted = true;
  run.planned = 40;
  render(run);
  EXPECT_EQ(at("/testsuites/@tests"), "1");
  EXPECT_EQ(at("/testsuites/@errors"), "1");
  EXPECT_EQ(at("//testcase[@name='every case was run']/error/@message"),
            "Interrupted: 0 of 40 cases done.");
  run = sample_run();
  run.missing = {{2, 3, 4}};
  render(run);
  EXPECT_EQ(at("/testsuites/@tests"), "5");
  EXPECT_EQ(at("//testsuite[@name='crashpoint']//error/@message"), "Missing: shard 2/3.");
}

TEST_F(Junit, EmptyRunIsADocumentToo) {
  RunResult run = sample_run();
  run.cases.clear();
  render(run);
  EXPECT_EQ(at("/testsuites/@tests"), "0");
}

}  // namespace
}  // namespace crashpoint::report
