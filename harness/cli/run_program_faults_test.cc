// Faults under a target that is any program: what a step says when a call of it fails, or lies.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "harness/cli/command_line_for_test.h"

namespace crashpoint {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kCarefulSave = "echo 2 > t && sync t && mv t f && sync .";
// It goes on where a sync fails.
constexpr const char* kCarelessSave = "echo 2 > t; sync t; mv t f; sync .; true";
constexpr const char* kEachSyncLies =
    R"({"at": {"syscall": "fsync", "nth": "every"}, "do": {"skip": true}})";
constexpr const char* kSyncOfFileFails =
    R"({"at": {"syscall": "fsync", "path": "t"}, "do": {"error": "EIO"}})";

class RunProgramFaults : public CommandLine {
 protected:
  Outcome run(const std::string& step, const std::string& faults, const std::string& more = "") {
    write("case.json", fmt::format(R"({{"version": 1, "name": "case", "summary": "A test.",
              "target": {{"use": {{"program": "sh"}}, "dump": "for i in f g; do echo $i; cat $i 2> /dev/null; done; true"}},
              "setup": ["echo 1 > f"],
              "workload": [{{"run": "echo 1 > u && sync u && mv u g && sync ."}}, {{"run": "{}"}}],
              "faults": [{}]{}}})",
                                   step, faults, more));
    return crashpoint("run case.json");
  }
};

TEST_F(RunProgramFaults, ASaveIsSafeOnlyWhereSyncsDoNotLie) {
  const Outcome clean = run(kCarefulSave, "");
  EXPECT_EQ(clean.exit_code, 0) << clean.output;
  const Outcome lied = run(kCarefulSave, kEachSyncLies);
  EXPECT_EQ(lied.exit_code, 1) << lied.output;
  EXPECT_THAT(lied.output, HasSubstr("was not synced"));
}

TEST_F(RunProgramFaults, AStepThatFailsPromisesNothingAndIsThereInFullOrNotAtAll) {
  const Outcome careful = run(kCarefulSave, kSyncOfFileFails);
  EXPECT_EQ(careful.exit_code, 0) << careful.output;
  EXPECT_THAT(careful.output, HasSubstr("1 case: 1 passed"));
  const Outcome in_part = run("echo 2 > f; echo 3 > t && sync t && mv t f", kSyncOfFileFails);
  EXPECT_EQ(in_part.exit_code, 1) << in_part.output;
  EXPECT_THAT(in_part.output, HasSubstr("the dump shows a state that the run never had"));
}

TEST_F(RunProgramFaults, AnErrorThatIsTakenForSuccessIsFound) {
  const Outcome careless = run(kCarelessSave, kSyncOfFileFails);
  EXPECT_EQ(careless.exit_code, 1) << careless.output;
  EXPECT_THAT(careless.output, HasSubstr("t was not synced"));
  // Nothing is written, and the step ends with status 0: lost without any crash.
  const Outcome ignored =
      run("(echo 2 > f) 2> /dev/null; true",
          R"({"at": {"syscall": "write", "path": "f"}, "do": {"error": "ENOSPC"}})");
  EXPECT_EQ(ignored.exit_code, 1) << ignored.output;
}

TEST_F(RunProgramFaults, MayBeADiskThatIsFull) {
  const std::string full = R"({"do": {"disk_bytes": 5}})";
  const Outcome careful = run(kCarefulSave, full);
  EXPECT_EQ(careful.exit_code, 0) << careful.output;
  const Outcome careless = run("(echo 22222222 > f) 2> /dev/null; true", full);
  EXPECT_EQ(careless.exit_code, 1) << careless.output;
}

TEST_F(RunProgramFaults, AFaultThatNeverFiresIsInconclusive) {
  const Outcome missed =
      run(kCarefulSave, R"({"at": {"syscall": "fdatasync"}, "do": {"skip": true}})");
  EXPECT_EQ(missed.exit_code, 3) << missed.output;
  EXPECT_THAT(missed.output, HasSubstr("the fault never fired"));
}

TEST_F(RunProgramFaults, StrikeAtEachCallOfARecording) {
  const Outcome each =
      run(kCarefulSave, R"({"do": {"error": "EIO"}})",
          R"(, "matrix": {"/faults/0/at": {"each": "call", "of": ["fsync", "rename"]}})");
  EXPECT_EQ(each.exit_code, 0) << each.output;
  EXPECT_THAT(each.output, AllOf(HasSubstr("case[at=fsync:t:"), Not(HasSubstr("inconclusive"))));
}

TEST_F(RunProgramFaults, WithAKillAreRefused) {
  for (const char* fault : {R"({"at": {"syscall": "fsync"}, "do": {"kill": "tree"}})",
                            R"({"at": {"after_acked": 1}, "do": {"kill": "tree"}})",
                            R"({"at": {"syscall": "write"}, "do": {"torn_write": 1}})"}) {
    const Outcome refused = run(kCarefulSave, fault);
    EXPECT_EQ(refused.exit_code, 2) << fault;
    EXPECT_THAT(refused.output,
                HasSubstr("every crash of the run of a target that is a program is tried"));
  }
}

TEST_F(RunProgramFaults, UnderADatabaseAreFoundWhereTheyLie) {
  if (!std::filesystem::exists("/usr/bin/sqlite3")) {
    GTEST_SKIP() << "sqlite3 is not installed: scripts/setup --with-programs";
  }
  const auto insert = [&](const std::string& faults) {
    write("sqlite.json",
          R"({"version": 1, "name": "sqlite", "summary": "A test.",
              "target": {"use": {"program": "sqlite3"}, "dump": "sqlite3 t.db 'select * from t'"},
              "setup": ["sqlite3 t.db 'create table t(a)'"],
              "workload": [{"run": "sqlite3 t.db 'pragma synchronous=extra; insert into t values(1)'"}],
              "faults": [)" +
              faults + "]}");
    return crashpoint("run sqlite.json");
  };
  const Outcome clean = insert("");
  EXPECT_EQ(clean.exit_code, 0) << clean.output;
  for (const char* of : {R"("t.db")", R"("t.db-journal")", R"(".")"}) {
    const Outcome lied = insert(fmt::format(
        R"({{"at": {{"syscall": "fdatasync", "path": {}, "nth": "every"}}, "do": {{"skip": true}}}})",
        of));
    EXPECT_EQ(lied.exit_code, 1) << of << lied.output;
  }
}

}  // namespace
}  // namespace crashpoint
