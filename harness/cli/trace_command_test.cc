// Goal: `crashpoint trace` shows what a program did to its files and does not change the program's behaviour.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/cli/command_line_for_test.h"
#include "harness/trace/trace_file.h"

namespace crashpoint {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class TraceCommand : public CommandLine {
 protected:
  // Of a script for sh(1).
  Outcome trace(const std::string& script, const std::string& options = {}) const {
    return crashpoint("trace " + options + " -- sh -c " + shell_quote(script));
  }
};

TEST_F(TraceCommand, TheProgramsOutputAndExitCodeAreItsOwn) {
  const Outcome outcome = crashpoint("trace -- sh -c 'echo out; exit 7' 2>errors");
  EXPECT_EQ(outcome.output, "out\n");
  EXPECT_EQ(outcome.exit_code, 7);
  EXPECT_THAT(read("errors"), HasSubstr("acknowledged: 0 sends on 0 connections, 1 line"));
  EXPECT_EQ(trace("kill -9 $$").exit_code, 128 + 9);
}

TEST_F(TraceCommand, ReportsWhatWasAckedBeforeItWasDurable) {
  const Outcome outcome = trace("printf abc > log; echo done; sync log; mv log old");
  EXPECT_THAT(outcome.output, ContainsRegex("main +write +log +3 bytes at 0"));
  EXPECT_THAT(outcome.output, ContainsRegex("child 1 +fsync +log\n"));
  EXPECT_THAT(outcome.output, ContainsRegex("child 2 +rename.* log -> old"));
  EXPECT_THAT(outcome.output, ContainsRegex("old +3 +1 +1 its name\n"));
  EXPECT_THAT(outcome.output, HasSubstr("old: 1 acknowledgement went out while up to 3 bytes of it "
                                        "were not durable, the first at "));
  EXPECT_THAT(outcome.output,
              HasSubstr("old: 1 acknowledgement went out while its name was not durable"));
}

TEST_F(TraceCommand, FindsNothingWhereAllIsSyncedBeforeTheAck) {
  EXPECT_THAT(trace("printf abc > log; sync log .; echo done").output,
              HasSubstr("Everything written before an acknowledgement was durable by then."));
}

TEST_F(TraceCommand, OnlyWhatReachesItsOwnOutputIsAnAck) {
  const Outcome outcome =
      trace("printf abc > log; x=$(echo to the shell); echo \"$x\" > /dev/null");
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("0 lines of standard output"),
                                    HasSubstr("Nothing was acknowledged")));
}

// A traced process cannot trace.
TEST_F(TraceCommand, SaysWherePtraceIsForbiddenWhatToAllow) {
  const Outcome outcome =
      crashpoint("trace -- " + shell_quote(CRASHPOINT_BINARY) + " trace -- touch made");
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("ptrace: Operation not permitted"),
                                    HasSubstr("--cap-add=SYS_PTRACE")));
  EXPECT_EQ(read("made"), "");
}

TEST_F(TraceCommand, ProcessesThatDoNothingToFilesAreNotListed) {
  const Outcome outcome = trace("true | true; /bin/true; printf abc > log");
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("log"), Not(HasSubstr("child"))));
}

TEST_F(TraceCommand, ALoopIsShownOnce) {
  const Outcome outcome = trace("for i in 1 2 3 4 5; do echo $i >> log; echo said; done");
  EXPECT_THAT(outcome.output, HasSubstr("... the last 2 lines 4 more times"));
}

TEST_F(TraceCommand, WritesTheWholeTraceToAFile) {
  write("data/before", "old");
  const Outcome outcome = trace("printf abc > data/log", "--dir data -o trace");
  EXPECT_THAT(outcome.output, HasSubstr("trace written to trace and trace.data\n"));
  const trace::TraceFile file = trace::read_trace_file(folder_.path() / "trace");
  EXPECT_TRUE(file.complete);
  EXPECT_EQ(file.trace.initial.at("before").content, "old");
}

TEST_F(TraceCommand, ReadsATraceBackAlsoOneThatWasCutShort) {
  write("data/before", "old");
  const std::string shown = trace("printf abc > data/log", "--dir data -o trace").output;
  const Outcome whole = crashpoint("trace --read trace");
  EXPECT_EQ(whole.exit_code, 0);
  EXPECT_EQ(shown, whole.output + "\ntrace written to trace and trace.data\n");
  write("trace", read("trace").substr(0, read("trace").size() - 10));
  const Outcome cut = crashpoint("trace --read trace");
  EXPECT_EQ(cut.exit_code, 0);
  EXPECT_THAT(cut.output, AllOf(ContainsRegex("main +write +log"), HasSubstr("is incomplete")));
  EXPECT_EQ(crashpoint("trace --read data/before").exit_code, 2);
}

TEST_F(TraceCommand, IsShownAlsoWhenTheProgramIsKilledFromOutside) {
  const Outcome outcome = trace("printf abc > log; kill -TERM $PPID; while :; do :; done");
  EXPECT_EQ(outcome.exit_code, 128 + 15);
  EXPECT_THAT(outcome.output, ContainsRegex("log +3 +1 +0 3 bytes, its name\n"));
}

TEST_F(TraceCommand, RefusesWhatItCannotDo) {
  const auto refused = [&](const std::string& arguments, const std::string& why) {
    const Outcome outcome = crashpoint("trace " + arguments);
    EXPECT_EQ(outcome.exit_code, 2) << arguments;
    EXPECT_THAT(outcome.output, HasSubstr(why)) << arguments;
  };
  refused("", "command is required");
  refused("-- no-such-program", "cannot start 'no-such-program': not found on PATH");
  refused("--dir nowhere -- true", "--dir nowhere: no such directory");
  refused("-o trace -- true", "-o trace is inside the data directory");
}

}  // namespace
}  // namespace crashpoint
