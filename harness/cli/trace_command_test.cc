// Goal: `crashpoint trace` shows what a program did to its files and does not change the program's behaviour.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
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

TEST_F(TraceCommand, ALineIsAnAckThroughWhateverNumberOfTheStandardOutput) {
  const auto lines = [&](const std::string& script) {
    const Outcome outcome = crashpoint("trace -- sh -c " + shell_quote(script) + " 2>errors");
    const std::string errors = read("errors");
    const std::size_t at = errors.find("acknowledged: 0 sends on 0 connections, ");
    EXPECT_NE(at, std::string::npos) << errors;
    return errors.substr(at + 40, 1);
  };
  EXPECT_EQ(lines("exec 3>&1 1>/dev/null; echo lost; echo saved >&3"), "1");
  EXPECT_EQ(lines("echo saved > /dev/stdout; echo saved > /proc/self/fd/1"), "2");
  EXPECT_EQ(lines("exec 3>&1; { echo saved >&3; } > file"), "1");
  EXPECT_EQ(lines(CRASHPOINT_TEST_PROGRAMS "/talks output"), "1");
  EXPECT_EQ(lines("echo oops >&2; exec 1>&2; echo oops"), "0");
}

TEST_F(TraceCommand, TellsTheStreamsApartWhereBothAreOneFile) {
  EXPECT_THAT(trace("echo oops >&2; ls / >&2; exec 3>&2; echo oops >&3; echo said").output,
              HasSubstr("1 line of standard output"));
}

TEST_F(TraceCommand, HoldsAgainstTheProgramWhatAckSays) {
  EXPECT_THAT(trace("printf abc > log").output,
              AllOf(HasSubstr("Nothing was acknowledged"), HasSubstr("--ack exit")));
  EXPECT_THAT(trace("printf abc > log", "--ack exit").output,
              AllOf(HasSubstr("acknowledged: its exit with status 0\n"),
                    HasSubstr("log: 1 acknowledgement went out while up to 3 bytes")));
  EXPECT_THAT(trace("printf abc > log; exit 1", "--ack exit").output,
              AllOf(HasSubstr("no exit with status 0"), HasSubstr("Nothing was acknowledged")));
  EXPECT_THAT(trace("printf abc > log; echo done >&2", "--ack stderr,send").output,
              HasSubstr("acknowledged: 0 sends on 0 connections, 1 line of standard error\n"));
  EXPECT_EQ(trace("true", "--ack reboot").exit_code, 2);
}

TEST_F(TraceCommand, ARemovalTakesASyncOfItsDirectory) {
  write("old", "content");
  EXPECT_THAT(trace("rm old; echo removed").output,
              HasSubstr("old: 1 acknowledgement went out while its removal was not durable"));
  write("old", "content");
  EXPECT_THAT(trace("rm old; sync .; echo removed").output, HasSubstr("durable by then"));
}

TEST_F(TraceCommand, SaysWhereNothingWasChecked) {
  std::filesystem::create_directory(folder_.path() / "data");
  const std::string output = trace("printf abc > log; echo saved", "--dir data").output;
  EXPECT_THAT(output, AllOf(HasSubstr("1 line of standard output"), HasSubstr("Nothing of "),
                            HasSubstr("/data was changed by a call that could be seen: nothing was "
                                      "checked."),
                            Not(HasSubstr("durable by then"))));
}

TEST_F(TraceCommand, DoesNotCallDurableWhatItCannotSee) {
  const std::string hides = std::string(CRASHPOINT_TEST_PROGRAMS) + "/hides";
  const Outcome outcome = trace(hides + " foreign file && sync file . && echo saved");
  if (outcome.output.find("32-bit") == std::string::npos) {
    GTEST_SKIP() << "this kernel has no calls of 32 bits";
  }
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("but not all that it did could be seen"),
                                    HasSubstr("not seen in full\n  the program makes 32-bit"),
                                    Not(HasSubstr("durable by then"))));
}

// Tests run as root or not.
class TraceCommandOfAnOrdinaryUser : public TraceCommand {
 protected:
  // `program` is one of the test programs, in a folder where any user may write.
  Outcome trace_as_user(const std::string& program, const std::string& arguments, int mode) const {
    std::filesystem::copy(std::filesystem::path(CRASHPOINT_TEST_PROGRAMS) / program,
                          folder_.path() / program);
    ::chmod((folder_.path() / program).c_str(), static_cast<mode_t>(mode));
    std::filesystem::create_directory(folder_.path() / "data");
    for (const std::filesystem::path& folder : {folder_.path(), folder_.path() / "data"}) {
      ::chmod(folder.c_str(), 0777);
    }
    return shell("cd " + shell_quote(folder_.path().string()) + " && { " +
                 (::geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups " : "") +
                 shell_quote(CRASHPOINT_BINARY) + " trace --dir data -- ./" + program + " " +
                 arguments + "; }");
  }
};

TEST_F(TraceCommandOfAnOrdinaryUser, SeesAProcessThatMadeItselfUndumpable) {
  const Outcome outcome = trace_as_user("hides", "undumpable data/file", 0755);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output, AllOf(ContainsRegex("main +write +file +6 bytes at 0"),
                                    HasSubstr("a process set itself not dumpable")));
  EXPECT_EQ(read("data/file"), "hidden");
}

TEST_F(TraceCommandOfAnOrdinaryUser, SaysThatItCannotSeeAProgramThatMayNotBeRead) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "whoever owns a program may read it";
  }
  const Outcome outcome = trace_as_user("hides", "plainly data/file", 0711);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output, AllOf(HasSubstr("not seen in full\n  hides: this process may not be "
                                              "looked into by an ordinary user"),
                                    Not(HasSubstr("durable by then"))));
  EXPECT_EQ(read("data/file"), "hidden");
}

TEST_F(TraceCommandOfAnOrdinaryUser, SetUserIdTakesRootToTrace) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "takes root to make such a program";
  }
  EXPECT_THAT(trace_as_user("hides", "plainly data/file", 04755).output,
              HasSubstr("it ran without these privileges"));
  struct stat made {};
  ASSERT_EQ(::stat((folder_.path() / "data/file").c_str(), &made), 0);
  EXPECT_EQ(made.st_uid, 65534U);
  const Outcome as_root = crashpoint(
      "trace --dir data -- setpriv --reuid=65534 --regid=65534 --clear-groups ./hides plainly "
      "data/by-root");
  EXPECT_THAT(as_root.output, Not(HasSubstr("without these privileges")));
  ASSERT_EQ(::stat((folder_.path() / "data/by-root").c_str(), &made), 0);
  EXPECT_EQ(made.st_uid, 0U);
}

TEST_F(TraceCommand, ClosedStreamsStayClosed) {
  std::filesystem::create_directory(folder_.path() / "data");
  crashpoint(
      "trace -o trace --dir data -- sh -c 'echo x > data/file; echo y' <&- 2>&- >&-; echo $? > "
      "code");
  EXPECT_EQ(read("data/file"), "x\n");
  EXPECT_EQ(read("code"), "1\n") << "of an echo to nowhere";
  EXPECT_THAT(crashpoint("trace --read trace").output, ContainsRegex("write +file +2 bytes"));
}

TEST_F(TraceCommand, NamesAreShownAlikeLiveAndReadBack) {
  std::filesystem::create_directory(folder_.path() / "data");
  const std::string live =
      trace(
          "cd data; for n in \"$(printf 'caf\\351')\" \"$(printf 'caf\\352')\" "
          "\"$(printf 'a\\033[31m')\"; do echo > \"$n\"; done; echo saved",
          "--dir data -o trace")
          .output;
  EXPECT_THAT(live, AllOf(HasSubstr("caf\\xe9"), HasSubstr("caf\\xea"), HasSubstr("a\\x1b[31m"),
                          Not(HasSubstr("\033"))));
  const std::string again = crashpoint("trace --read trace").output;
  EXPECT_EQ(live.substr(live.find("\nfiles\n"), 400), again.substr(again.find("\nfiles\n"), 400));
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
  EXPECT_THAT(cut.output, AllOf(ContainsRegex("main +write +log"), HasSubstr("is incomplete"),
                                Not(HasSubstr("durable by then"))));
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
