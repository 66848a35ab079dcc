// The exact output of a run on a terminal and in a file.
#include "harness/report/console.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "harness/report/sample_run_for_test.h"

namespace crashpoint::report {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

class ConsoleTest : public testing::Test {
 protected:
  Console console(bool terminal, bool colour = false) {
    Console::Options options;
    options.terminal = terminal;
    options.colour = colour;
    options.columns = [this] { return columns_; };
    options.write = [this](std::string_view text) { out_ += text; };
    options.now = [this] { return now_; };
    return Console(std::move(options));
  }

  void pass_time(int ms) { now_ += milliseconds(ms); }

  // What was written since the last call.
  std::string written() { return std::exchange(out_, {}); }

  std::size_t columns_ = 120;
  Console::Clock::time_point now_{std::chrono::hours(1)};
  std::string out_;
};

TEST_F(ConsoleTest, PlainLogOfAShortRun) {
  Console log = console(false);
  const RunResult run = sample_run();
  log.begin(run.cases.size(), 2);
  for (std::size_t i = 0; i < run.cases.size(); ++i) {
    log.case_done(run.cases[i], i + 1, run.cases.size());
  }
  log.end(run, "build/report/index.html");
  EXPECT_EQ(written(), R"(4 cases, 2 jobs
pass  aof/always-kill-mid-fsync[nth=3]  (0.10 s)
VIOLATION  aof/everysec-power-loss[appendfsync=everysec,nth=2]  (3.57 s)
  promised   a prefix of the history survives, with every command acked more than 1 s before the crash
  found      31 acknowledged commands are gone, the oldest had been acked for 1,412 ms when the power failed
  lost       client 2 #118  SET key:44 "v118"  (acked at 2104 ms, 1412 ms before the crash)
             client 2 #119  RPUSH list:7 "\x00\xff tail"  (acked at 2106 ms, 1410 ms before the crash)
             client 0 #124  INCR counter  (acked at 2110 ms, 1406 ms before the crash)
             and 28 more
  differs    db0 key:44  expected string "v118", found string "v90"
             db0 list:7  expected list of 12, found list of 11, without the last
             db3 counter  expected 124, found nothing
  nearest    the state after client 0 #123, client 1 #99, client 2 #117; the first command that breaks it is client 2 #118
  reproduce  crashpoint run scenarios/aof/everysec-power-loss.json --filter 'aof/everysec-power-loss[appendfsync=everysec,nth=2]' --seed 9007199254740991
INCONCLUSIVE  rewrite/kill-child-before-exit  (0.10 s)
  why        the fault never fired: kill the process at the 9th write by rewrite; what did occur: write(temp-rewriteaof-812.aof) by rewrite: 6 times
  reproduce  crashpoint run scenarios/aof/always-kill-mid-fsync.json --filter 'aof/always-kill-mid-fsync[nth=3]' --seed 1
known  tail/zeros-after-power-loss  (3.57 s)
  because    redis-server 7.0 refuses to start on a log that ends in zeros; see redis/redis#11711

4 cases: 1 violation, 1 inconclusive, 1 known finding, 1 passed
4 crash cycles in 2.50 s: 1.6 per second, 2 jobs
report: build/report/index.html
)");
}

TEST_F(ConsoleTest, PlainLogOfALongRunHasProgressEveryTenSecondsAndNoPasses) {
  Console log = console(false);
  log.begin(1500, 2);
  for (std::size_t done = 1; done <= 30; ++done) {
    pass_time(500);
    log.case_done(sample_pass(), done, 1500);
  }
  EXPECT_EQ(written(), "1,500 cases, 2 jobs\n[20/1,500] 1%  2.0 cases/s  12 min 20 s left\n");
}

TEST_F(ConsoleTest, TerminalRedrawsOneLineInPlace) {
  Console terminal = console(true);
  terminal.begin(200, 2);
  EXPECT_EQ(written(), "200 cases, 2 jobs\n");
  pass_time(100);
  terminal.tick();
  EXPECT_EQ(written(), "[0/200] 0%");
  pass_time(900);
  terminal.case_done(sample_pass(), 40, 200);
  EXPECT_EQ(written(), "\r\x1b[K[40/200] 20%  40.0 cases/s  4.00 s left");
  terminal.tick();
  EXPECT_EQ(written(), "") << "nothing has changed yet";
}

TEST_F(ConsoleTest, ViolationsScrollAboveTheStatusLine) {
  Console terminal = console(true);
  terminal.begin(200, 2);
  pass_time(1000);
  terminal.case_done(sample_pass(), 40, 200);
  written();
  CaseResult violation = sample_violation();
  violation.verdict = {};
  violation.verdict.outcome = oracle::Outcome::kViolation;
  violation.verdict.summary = "it is gone";
  violation.promise = "it stays";
  violation.reproduce = "again";
  terminal.case_done(violation, 41, 200);
  EXPECT_EQ(written(),
            "\r\x1b[K"
            "VIOLATION  aof/everysec-power-loss[appendfsync=everysec,nth=2]  (3.57 s)\n"
            "  promised   it stays\n"
            "  found      it is gone\n"
            "  reproduce  again\n"
            "[41/200] 20%  41.0 cases/s  3.88 s left  1 violation");
}

TEST_F(ConsoleTest, StatusLineNeverWraps) {
  Console terminal = console(true);
  terminal.begin(200, 2);
  columns_ = 20;
  pass_time(1000);
  terminal.case_done(sample_pass(), 40, 200);
  EXPECT_THAT(written(), HasSubstr("\n[40/200] 20%  40.0 "));
  EXPECT_THAT(written(), Not(HasSubstr("cases/s")));
}

TEST_F(ConsoleTest, EndErasesTheStatusLine) {
  Console terminal = console(true);
  terminal.begin(200, 2);
  pass_time(1000);
  terminal.case_done(sample_pass(), 40, 200);
  written();
  RunResult run = sample_run();
  run.cases.resize(1);
  terminal.end(run);
  terminal.tick();
  EXPECT_EQ(written(),
            "\r\x1b[K\n1 case: 1 passed\n1 crash cycle in 2.50 s: 0.4 per second, 2 jobs\n");
}

TEST_F(ConsoleTest, EachStatusHasItsOwnColour) {
  Console terminal = console(true, true);
  terminal.begin(4, 1);
  terminal.case_done(sample_violation(), 1, 4);
  terminal.case_done(sample_inconclusive(), 2, 4);
  terminal.case_done(sample_known(), 3, 4);
  const std::string text = written();
  EXPECT_THAT(text, HasSubstr("\x1b[1;31mVIOLATION\x1b[0m  aof"));
  EXPECT_THAT(text, HasSubstr("\x1b[1;33mINCONCLUSIVE\x1b[0m  rewrite"));
  EXPECT_THAT(text, HasSubstr("\x1b[36mknown\x1b[0m  tail"));
}

TEST_F(ConsoleTest, OnlyTheFirstOfAThousandViolationsAreExplained) {
  Console log = console(false);
  RunResult run = sample_run();
  run.cases.assign(1000, sample_violation());
  log.begin(1000, 2);
  for (std::size_t i = 0; i < 1000; ++i) {
    log.case_done(run.cases[i], i + 1, 1000);
  }
  log.end(run);
  const std::string text = written();
  std::size_t explained = 0;
  for (std::size_t at = text.find("  promised"); at != std::string::npos;
       at = text.find("  promised", at + 1)) {
    ++explained;
  }
  EXPECT_EQ(explained, 20U);
  EXPECT_THAT(text, HasSubstr("  and 950 more\n1,000 cases: 1,000 violations\n"));
}

TEST_F(ConsoleTest, FailuresAreListedAgainAtTheEnd) {
  RunResult run = sample_run();
  run.cases.push_back(sample_violation());
  run.cases.back().name = "aof/another";
  Console log = console(false);
  log.end(run);
  EXPECT_THAT(written(),
              HasSubstr("Violations:\n  aof/everysec-power-loss[appendfsync=everysec,nth=2]\n"
                        "  aof/another\n"));
}

TEST_F(ConsoleTest, InterruptedRunSaysHowMuchWasDone) {
  RunResult run = sample_run();
  run.interrupted = true;
  run.planned = 1500;
  Console log = console(false);
  log.end(run);
  EXPECT_THAT(written(), HasSubstr("\nInterrupted: 4 of 1,500 cases done.\n4 cases: "));
}

TEST_F(ConsoleTest, NothingOfATargetReachesTheTerminalAsAControlCharacter) {
  CaseResult result = sample_violation();
  result.name = "a\x1b]0;title\x07";
  result.verdict.summary = "first\nsecond \x1b[2J \xff";
  result.verdict.differences[0].key =
      "\xC2\x9B"
      "31m";
  Console log = console(false);
  log.begin(1, 1);
  log.case_done(result, 1, 1);
  const std::string text = written();
  EXPECT_THAT(text, HasSubstr("VIOLATION  a\\x1b]0;title\\x07  ("));
  EXPECT_THAT(text, HasSubstr("  found      first\n             second \\x1b[2J \\xff\n"));
  EXPECT_THAT(text, HasSubstr("db0 \\xc2\\x9b31m"));
}

TEST(Duration, IsReadable) {
  EXPECT_EQ(duration(420), "0.42 s");
  EXPECT_EQ(duration(9996), "10.0 s");
  EXPECT_EQ(duration(59949), "59.9 s");
  EXPECT_EQ(duration(59990), "1 min 00 s");
  EXPECT_EQ(duration(185000), "3 min 05 s");
  EXPECT_EQ(duration(7.62e6), "2 h 07 min");
}

}  // namespace
}  // namespace crashpoint::report
