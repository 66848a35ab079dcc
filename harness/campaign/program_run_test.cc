// Goal: every step of a workload of commands is acknowledged where it ends, and every line where it was printed.
// Method: shell scripts, recorded.
#include "harness/campaign/program_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/temporary_directory.h"

namespace crashpoint::campaign {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

scenario::RunStep step(const std::string& text, const std::string& lines = "") {
  return {.run = {.words = {}, .text = text}, .acknowledging_lines = lines};
}

class RecordedSteps : public testing::Test {
 protected:
  RecordedSteps() {
    std::filesystem::create_directory(data_);
    std::filesystem::create_directory(folder_.path() / "work");
  }
  ProgramRun record(const std::vector<scenario::RunStep>& steps) {
    of_.program.emplace();
    of_.program->steps = steps;
    return record_steps(of_, data_, folder_.path() / "work", {});
  }
  static std::vector<std::string> named(const ProgramRun& run) {
    std::vector<std::string> names;
    for (const StepAck& ack : run.acks) {
      names.push_back(std::to_string(ack.step) + ": " + ack.ack.what);
    }
    return names;
  }
  // Where the last write to a file returned.
  static trace::Position written(const ProgramRun& run, const std::string& path) {
    trace::Position position = 0;
    for (const trace::Event& event : run.trace.events) {
      if ((event.op == trace::Op::kWrite || event.op == trace::Op::kCopy) &&
          event.path.str() == path) {
        position = event.exit;
      }
    }
    return position;
  }

  TemporaryDirectory folder_;
  std::filesystem::path data_ = folder_.path() / "data";
  scenario::Case of_;
};

TEST_F(RecordedSteps, AcknowledgeByEndingWithStatusZero) {
  const ProgramRun one = record({step("echo x > f")});
  EXPECT_THAT(named(one), ElementsAre("0: echo x > f"));
  EXPECT_GT(one.acks[0].ack.position, written(one, "f"));

  scenario::RunStep words;
  words.run.words = {"cp", "f", "it's"};
  const ProgramRun three = record({step("echo a > a"), words, step("echo c > c; exit 0")});
  EXPECT_THAT(named(three),
              ElementsAre("0: echo a > a", R"(1: cp f 'it'\''s')", "2: echo c > c; exit 0"));
  EXPECT_GT(three.acks[0].ack.position, written(three, "a"));
  EXPECT_LT(three.acks[0].ack.position, three.acks[1].ack.position);
  EXPECT_LT(three.acks[1].ack.position, written(three, "c"));
  EXPECT_THAT(three.trouble, IsEmpty());
}

TEST_F(RecordedSteps, EndAtTheFirstThatFails) {
  const ProgramRun run =
      record({step("echo a > a"), step("echo no >&2; exit 4"), step("echo c > c")});
  EXPECT_THAT(named(run), ElementsAre("0: echo a > a"));
  EXPECT_THAT(run.trouble, HasSubstr("step 2 (echo no >&2; exit 4) exited with status 4"));
  EXPECT_FALSE(std::filesystem::exists(data_ / "c"));
}

TEST_F(RecordedSteps, AcknowledgeByTheLinesThatAreNamed) {
  const ProgramRun run = record(
      {step("echo hello; echo 1 > f; echo ok 1; echo 2 > f; printf 'ok '; printf '2\\nbye\\n'",
            "ok *"),
       step("echo ok 3")});
  EXPECT_THAT(named(run), ElementsAre("0: line \"ok 1\"", "0: line \"ok 2\"",
                                      HasSubstr("0: echo hello"), "1: echo ok 3"));
  EXPECT_TRUE(run.acks[0].by_line);
  EXPECT_LT(run.acks[0].ack.position, written(run, "f"));
  EXPECT_GT(run.acks[1].ack.position, written(run, "f"));
}

TEST_F(RecordedSteps, KnowTheLinesOfTheirChildren) {
  const ProgramRun run = record({step("true"), step("(echo ok deep) | cat", "ok *"), step("true")});
  EXPECT_THAT(named(run),
              ElementsAre("0: true", "1: line \"ok deep\"", HasSubstr("1: "), "2: true"));
}

TEST_F(RecordedSteps, TellWhatTheyLeftRunning) {
  EXPECT_TRUE(record({step("echo x > f; sleep 1000 &")}).left_running);
}

TEST_F(RecordedSteps, BeginAfterASetupThatMustNotFail) {
  of_.program.emplace();
  of_.program->setup = {{.words = {}, .text = "echo x > f"},
                        {.words = {"cp", "f", "g"}, .text = {}}};
  run_setup(of_, data_, folder_.path() / "work", {});
  EXPECT_TRUE(std::filesystem::exists(data_ / "g"));
  of_.program->setup = {{.words = {}, .text = "echo why >&2; false"}};
  EXPECT_THROW(run_setup(of_, data_, folder_.path() / "work", {}), UsageError);
}

}  // namespace
}  // namespace crashpoint::campaign
