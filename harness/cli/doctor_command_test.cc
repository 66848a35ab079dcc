// Goal: `crashpoint doctor` really tries what it reports, and its exit code says whether runs work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "harness/base/text.h"
#include "harness/cli/command_line_for_test.h"

namespace crashpoint {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

using DoctorCommand = CommandLine;

TEST_F(DoctorCommand, SaysWhatWorksHere) {
  const Outcome outcome = crashpoint("doctor");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(
      outcome.output,
      AllOf(ContainsRegex("ok +ptrace +works"), ContainsRegex("ok +seccomp filters +work"),
            ContainsRegex("ok +crashpoint-engine +[0-9]"), HasSubstr("crashpoint works here.")));
}

TEST_F(DoctorCommand, SaysWhatIsMissingAndWhatToAllow) {
  write("file", "");
  const Outcome outcome =
      shell("CRASHPOINT_TMPDIR=" + shell_quote((folder_.path() / "file").string()) + " " +
            shell_quote(CRASHPOINT_BINARY) + " doctor");
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(
      outcome.output,
      AllOf(ContainsRegex("MISSING +work directory +cannot create a directory in"),
            HasSubstr("set CRASHPOINT_TMPDIR"), HasSubstr("crashpoint does not work here")));
}

TEST_F(DoctorCommand, SaysWhatIsNotSeenWithoutPrivileges) {
  const std::string as_user =
      ::geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups " : "";
  const Outcome outcome = shell("cd /; " + as_user + shell_quote(CRASHPOINT_BINARY) + " doctor");
  EXPECT_THAT(outcome.output, AllOf(ContainsRegex("warning +hidden programs +what a program does"),
                                    ContainsRegex("warning +set-user-ID +set-user-ID programs")));
}

// A process has at most one tracer.
TEST_F(DoctorCommand, SaysWherePtraceIsForbiddenWhatToAllow) {
  const Outcome outcome = crashpoint("trace -- " + shell_quote(CRASHPOINT_BINARY) + " doctor");
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, ContainsRegex("MISSING +ptrace +cannot trace a program started here: "
                                            "ptrace: Operation not permitted"));
  EXPECT_THAT(outcome.output, HasSubstr("--cap-add=SYS_PTRACE"));
}

TEST_F(DoctorCommand, AMissingOptionalFeatureIsOnlyAWarning) {
  const Outcome outcome = shell("ulimit -n 64; CRASHPOINT_ENGINE=/nonexistent " +
                                shell_quote(CRASHPOINT_BINARY) + " doctor");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output, ContainsRegex("warning +open files +64: raise it to 256"));
  EXPECT_THAT(outcome.output, ContainsRegex("warning +crashpoint-engine +CRASHPOINT_ENGINE is"));
}

}  // namespace
}  // namespace crashpoint
