#include "harness/explore/trace_self_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "harness/crash/states_for_test.h"
#include "harness/crash/trace_script_for_test.h"

namespace crashpoint::explore {
namespace {

using crash::file_entry;
using crash::TraceScript;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Doubt check(const TraceScript& script, const trace::Image& found) {
  return trace_self_check(script.trace(), crash::timeline_of(script), found);
}

Finding finding_about(std::set<std::string> files) {
  Finding finding;
  finding.files = std::move(files);
  return finding;
}

TraceScript two_files() {
  return TraceScript()
      .create("a")
      .append("a", "1")
      .create("temp-b")
      .append("temp-b", "2")
      .rename("temp-b", "b");
}

TEST(TraceSelfCheck, ATraceThatExplainsTheDirectoryIsBelieved) {
  const Doubt doubt = check(two_files(), {{"a", file_entry("1")}, {"b", file_entry("2")}});
  EXPECT_FALSE(doubt.any()) << doubt.words;
  EXPECT_FALSE(doubt.covers(finding_about({"a"})));
  EXPECT_FALSE(doubt.covers(finding_about({})));
}

TEST(TraceSelfCheck, ADifferenceIsOfItsFileUnderEveryNameThatItHad) {
  const Doubt doubt = check(two_files(), {{"a", file_entry("1")}, {"b", file_entry("x")}});
  EXPECT_THAT(doubt.words, HasSubstr("b holds other bytes, from offset 0 on"));
  EXPECT_THAT(doubt.files, UnorderedElementsAre("b", "temp-b"));
  EXPECT_TRUE(doubt.covers(finding_about({"temp-b"})));
  EXPECT_TRUE(doubt.covers(finding_about({"a", "b"})));
  EXPECT_FALSE(doubt.covers(finding_about({"a"}))) << "what is found of other files stays found";
  EXPECT_TRUE(doubt.covers(finding_about({}))) << "nothing is lost: the difference may be why";
}

TEST(TraceSelfCheck, WhatTheTracerDidNotSeeMayBeOfAnyFile) {
  const TraceScript script = two_files();
  trace::Trace trace = script.trace();
  trace.unseen = {"a mapping was not followed"};
  const Doubt doubt = trace_self_check(trace, crash::timeline_of(script), {});
  EXPECT_EQ(doubt.words, "a mapping was not followed");
  EXPECT_THAT(doubt.files, IsEmpty());
  EXPECT_TRUE(doubt.covers(finding_about({"a"})));
}

}  // namespace
}  // namespace crashpoint::explore
