// The order that keeps the promises, one test for each (README of this folder). The calls are the
// engine's own, seen where it calls the C library.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fiu-control.h>

#include "engine/io/scoped_failpoint_for_test.h"
#include "engine/io/syscall_trace_for_test.h"
#include "engine/persistence/engine_for_test.h"

namespace engine::persistence {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using State = std::map<std::string, std::string>;

const char kIncrement1[] = "appendonlydir/appendonly.aof.1.incr.aof";
const char kManifestRename[] =
    "rename appendonlydir/temp-appendonly.aof.manifest -> appendonlydir/appendonly.aof.manifest";

// Each of these calls happens, and in this order.
void expect_in_order(const io::SyscallTrace& trace, const std::vector<std::string>& calls) {
  std::size_t from = 0;
  for (const std::string& call : calls) {
    const std::optional<std::size_t> at = trace.find(call, from);
    ASSERT_TRUE(at) << "'" << call << "' is missing or comes too early in\n" << trace.text();
    from = *at + 1;
  }
}

class PromisedOrder : public EngineTest {};

TEST_F(PromisedOrder, P1ADirectoryIsDurableInItsParentBeforeAnythingInsideIsReliedOn) {
  io::SyscallTrace trace(directory_.path());
  auto engine = start(aof_settings());
  expect_in_order(trace,
                  {"mkdir appendonlydir", "fsync .", "open appendonlydir/appendonly.aof.lock"});
  // Who made it may have been killed between the two: the next start makes sure.
  engine.reset();
  trace.clear();
  engine = start(aof_settings());
  expect_in_order(trace, {"fsync .", std::string("open ") + kIncrement1});
}

TEST_F(PromisedOrder, P2ContentIsDurableBeforeItsNameAndTheNameBeforeTheManifestThatListsIt) {
  io::SyscallTrace trace(directory_.path());
  auto engine = start(aof_settings());
  const std::string temp_base =
      "appendonlydir/temp-rewriteaof-bg-" + std::to_string(::getpid()) + ".aof";
  expect_in_order(trace, {"write " + temp_base, "fsync " + temp_base,
                          "rename " + temp_base + " -> appendonlydir/appendonly.aof.1.base.rdb",
                          "fsync appendonlydir", std::string("fdatasync ") + kIncrement1,
                          "fsync appendonlydir", "write appendonlydir/temp-appendonly.aof.manifest",
                          "fdatasync appendonlydir/temp-appendonly.aof.manifest", kManifestRename,
                          "fsync appendonlydir"});
}

TEST_F(PromisedOrder, P2OldFilesGoOnlyOnceTheManifestThatDoesNotNeedThemIsDurable) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  io::SyscallTrace trace(directory_.path());
  ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
  wait_for_child(*engine);
  const std::optional<std::size_t> removal = trace.find(std::string("unlink ") + kIncrement1);
  ASSERT_TRUE(removal) << trace.text();
  std::size_t last_rename = 0;
  for (std::optional<std::size_t> at = trace.find(kManifestRename); at && *at < *removal;
       at = trace.find(kManifestRename, *at + 1)) {
    last_rename = *at;
  }
  const std::optional<std::size_t> synced = trace.find("fsync appendonlydir", last_rename);
  ASSERT_TRUE(synced) << trace.text();
  EXPECT_LT(*synced, *removal) << trace.text();
}

// Of a file that is not the last every byte counts: a torn note of how far it is durable would be
// taken for damage.
TEST_F(PromisedOrder, P2AnIncrementIsDurableToItsLastByteBeforeTheNextOneIsReliedOn) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  io::SyscallTrace trace(directory_.path());
  ASSERT_TRUE(engine->persistence.cron());  // notes how far the file is durable
  ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
  expect_in_order(trace, {std::string("write ") + kIncrement1,
                          std::string("fdatasync ") + kIncrement1, kManifestRename});
  wait_for_child(*engine);
}

TEST_F(PromisedOrder, P2ASingleFileIsAdoptedWithBothDirectoriesSynced) {
  write_test_file(directory_.file("appendonly.aof"), "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n");
  io::SyscallTrace trace(directory_.path());
  auto engine = start(aof_settings());
  expect_in_order(trace, {"fsync appendonly.aof", kManifestRename, "fsync appendonlydir",
                          "rename appendonly.aof -> appendonlydir/appendonly.aof",
                          "fsync appendonlydir", "fsync ."});
  EXPECT_EQ(engine->state(), (State{{"a", "1"}}));
}

TEST_F(PromisedOrder, P3AnIncrementIsDurableBeforeTheNextOneIsUsed) {
  for (const FsyncPolicy policy : {FsyncPolicy::kEverysec, FsyncPolicy::kNo}) {
    TempDirectory directory;
    TestEngine engine(directory.path(), aof_settings(policy), clock());
    ASSERT_TRUE(engine.persistence.recover());
    engine.set("a", "1");
    io::SyscallTrace trace(directory.path());
    engine.set("b", "2");
    ASSERT_TRUE(engine.persistence.bgrewriteaof(false));
    expect_in_order(trace,
                    {std::string("write ") + kIncrement1, std::string("fdatasync ") + kIncrement1,
                     "open appendonlydir/appendonly.aof.2.incr.aof"});
  }
}

TEST_F(PromisedOrder, P4WhatTheChildHasIsNotWrittenToTheNewIncrementToo) {
  auto engine = start(aof_settings(FsyncPolicy::kEverysec));
  engine->step({{"RPUSH", "list", "once"}});  // not flushed yet
  ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
  EXPECT_THAT(read_test_file(directory_.file(kIncrement1)), HasSubstr("once"));
  ASSERT_TRUE(engine->persistence.before_sleep());
  wait_for_child(*engine);
  EXPECT_THAT(read_test_file(aof_file("appendonly.aof.2.incr.aof")), Not(HasSubstr("once")));
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"list", "[once]"}}));
}

TEST_F(PromisedOrder, P4WithoutItsBufferOnDiskARewriteDoesNotStart) {
  auto engine = start(aof_settings(FsyncPolicy::kEverysec));
  io::SyscallTrace trace(directory_.path());
  engine->step({{"RPUSH", "list", "once"}});
  trace.fail_all("write", ".incr.aof", ENOSPC);
  EXPECT_FALSE(engine->persistence.bgrewriteaof(false));
  EXPECT_FALSE(engine->persistence.has_child());
}

TEST_F(PromisedOrder, P5AShortWriteIsCutBackToTheLastWholeStepAndVerified) {
  auto engine = start(aof_settings(FsyncPolicy::kNo));  // a sync thread would also make calls
  engine->set("a", "1");
  const std::string whole = read_test_file(directory_.file(kIncrement1));
  io::SyscallTrace trace(directory_.path());
  trace.fail_nth(1, ENOSPC, /*short_write=*/true);
  engine->set("b", std::string(100, 'b'));
  expect_in_order(trace, {std::string("write ") + kIncrement1 + " [failed]",
                          std::string("ftruncate ") + kIncrement1});
  EXPECT_EQ(read_test_file(directory_.file(kIncrement1)), whole);
  EXPECT_THAT(engine->persistence.write_refusal(),
              HasSubstr("MISCONF Errors writing to the AOF file: No space left on device"));
  ASSERT_TRUE(engine->persistence.before_sleep());
  EXPECT_EQ(engine->persistence.write_refusal(), "");
  EXPECT_THAT(engine->log.lines, Contains("AOF write error looks solved, Redis can write again."));
  const State state = engine->state();
  restart(engine);
  EXPECT_EQ(engine->state(), state);
}

TEST_F(PromisedOrder, P5WhenItCannotBeCutBackTheNextWriteGoesOnWhereItStopped) {
  auto engine = start(aof_settings(FsyncPolicy::kEverysec));
  engine->set("a", "1");
  io::SyscallTrace trace(directory_.path());
  trace.fail_all("ftruncate", ".incr.aof", EIO);
  trace.fail_nth(1, ENOSPC, /*short_write=*/true);
  engine->set("b", std::string(100, 'b'));
  engine->set("c", "3");
  const State state = engine->state();
  restart(engine);
  EXPECT_EQ(engine->state(), state);
}

TEST_F(PromisedOrder, P6UnderAlwaysAFailedSyncIsNeverAcknowledgedAndNeverRetried) {
  auto engine = start(aof_settings());
  io::SyscallTrace trace(directory_.path());
  trace.fail_nth(2, EIO);
  engine->step({{"SET", "a", "1"}});
  EXPECT_FALSE(engine->persistence.before_sleep());
  EXPECT_THAT(engine->log.lines.back(), HasSubstr("Can't persist AOF for fsync error when the AOF "
                                                  "fsync policy is 'always': Input/output error"));
  trace.clear();
  EXPECT_FALSE(engine->persistence.before_sleep());
  EXPECT_EQ(trace.text(), "") << "a second sync could succeed without the data";
}

TEST_F(PromisedOrder, P6UnderAlwaysAFailedWriteIsNeverAcknowledged) {
  auto engine = start(aof_settings());
  io::SyscallTrace trace(directory_.path());
  trace.fail_nth(1, ENOSPC);
  engine->step({{"SET", "a", "1"}});
  EXPECT_FALSE(engine->persistence.before_sleep());
  EXPECT_THAT(engine->log.lines.back(), HasSubstr("Can't recover from AOF write error when the AOF "
                                                  "fsync policy is 'always'. Exiting..."));
}

TEST_F(PromisedOrder, P6AfterAFailedBackgroundSyncWritesWaitUntilEverythingIsInNewFiles) {
  auto engine = start(aof_settings(FsyncPolicy::kEverysec));
  {
    io::SyscallTrace trace(directory_.path());
    trace.fail_all("fdatasync", "1.incr.aof", EIO);
    engine->set("a", "1");
    while (engine->persistence.write_refusal().empty()) {
      wait_for_event(*engine);
    }
  }
  EXPECT_EQ(engine->persistence.write_refusal(),
            "MISCONF Errors writing to the AOF file: Input/output error");
  EXPECT_THAT(engine->log.lines, Contains("Fail to fsync the AOF file: Input/output error"));
  io::SyscallTrace trace(directory_.path());
  ASSERT_TRUE(engine->persistence.cron());
  ASSERT_TRUE(engine->persistence.has_child()) << "a rewrite starts by itself";
  EXPECT_NE(engine->persistence.write_refusal(), "");
  wait_for_child(*engine);
  EXPECT_EQ(engine->persistence.write_refusal(), "");
  EXPECT_FALSE(trace.find(std::string("fdatasync ") + kIncrement1)) << trace.text();
  EXPECT_THAT(directory_.files(), Not(Contains(kIncrement1)));
  engine->set("b", "2");
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"a", "1"}, {"b", "2"}}));
}

TEST_F(PromisedOrder, P7TheParentRenamesAndOnlyAfterTheChildHasSucceeded) {
  auto engine = start(rdb_settings());
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.save());
  const std::string before = read_test_file(directory_.file("dump.rdb"));
  engine->set("a", "2");
  const io::ScopedFailpoint failpoint("rdb/bgsave/child-before-exit", EIO);
  ASSERT_TRUE(engine->persistence.bgsave(false));
  wait_for_child(*engine);
  EXPECT_EQ(read_test_file(directory_.file("dump.rdb")), before);
  EXPECT_THAT(data_files(directory_), ElementsAre("dump.rdb"));
  EXPECT_FALSE(engine->persistence.info().rdb_last_bgsave_ok);
}

// The saver is the child of a process that is killed; this one inherits and reaps it.
TEST_F(PromisedOrder, P7AChildDiesWithItsParent) {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
  int pipe_fds[2];
  ASSERT_EQ(::pipe(pipe_fds), 0);
  const pid_t server = ::fork();
  if (server == 0) {
    Settings settings = rdb_settings();
    settings.rdb_key_save_delay_us = 60'000'000;
    auto engine = start(settings);
    engine->set("a", "1");
    const bool started = engine->persistence.bgsave(false).has_value();
    const char byte = started ? '1' : '0';
    static_cast<void>(::write(pipe_fds[1], &byte, 1) == 1);
    for (;;) {
      ::pause();
    }
  }
  char started = '0';
  ASSERT_EQ(::read(pipe_fds[0], &started, 1), 1);
  EXPECT_EQ(started, '1');
  ::kill(server, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(server, &status, 0), server);
  const pid_t saver = ::waitpid(-1, &status, 0);
  EXPECT_GT(saver, 0);
  // Killed, unless it found at once that its parent was gone.
  EXPECT_TRUE(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) != 0);
  ::close(pipe_fds[0]);
  ::close(pipe_fds[1]);
  EXPECT_THAT(directory_.files(), Not(Contains("dump.rdb")));
  // What it left is removed by the next start.
  auto engine = start(rdb_settings());
  EXPECT_THAT(data_files(directory_), ElementsAre());
}

TEST_F(PromisedOrder, P8WhereTheLoaderRefusesItChangesNothingAndRefusesAgain) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
  wait_for_child(*engine);
  engine->set("b", "2");
  engine.reset();
  const std::string increment = read_test_file(aof_file("appendonly.aof.2.incr.aof"));
  write_test_file(aof_file("appendonly.aof.2.incr.aof"), increment.substr(0, increment.size() - 3));
  const std::string base = read_test_file(aof_file("appendonly.aof.2.base.rdb"));
  write_test_file(aof_file("appendonly.aof.2.base.rdb"), base.substr(0, base.size() - 1));
  EXPECT_THAT(refusal(aof_settings()), HasSubstr("Unexpected EOF reading RDB file"));
}

TEST_F(PromisedOrder, P9FilesThatMayHoldDataAreNotReusedBecauseTheManifestIsMissing) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  engine.reset();
  ASSERT_EQ(::unlink(aof_file("appendonly.aof.manifest").c_str()), 0);
  EXPECT_THAT(refusal(aof_settings()),
              HasSubstr("appendonly.aof.1.base.rdb, appendonly.aof.1.incr.aof"));
}

TEST_F(PromisedOrder, P9ANewIncrementOrBaseNeverTakesTheNameOfAFileThatIsThere) {
  auto engine = start(aof_settings());
  write_test_file(aof_file("appendonly.aof.2.incr.aof"), "somebody's");
  write_test_file(aof_file("appendonly.aof.2.base.rdb"), "somebody's");
  ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
  wait_for_child(*engine);
  EXPECT_EQ(read_test_file(aof_file("appendonly.aof.2.incr.aof")), "somebody's");
  EXPECT_EQ(read_test_file(aof_file("appendonly.aof.2.base.rdb")), "somebody's");
  EXPECT_THAT(read_test_file(aof_file("appendonly.aof.manifest")),
              EndsWith("\nfile appendonly.aof.3.base.rdb seq 3 type b\n"
                       "file appendonly.aof.3.incr.aof seq 3 type i\n"));
}

TEST_F(PromisedOrder, P10AFailedForkLeavesNoNewFile) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  const auto before = contents();
  const io::ScopedFailpoint rewrite("aof/rewrite/before-fork", ENOMEM);
  const io::ScopedFailpoint bgsave("rdb/bgsave/before-fork", ENOMEM);
  EXPECT_FALSE(engine->persistence.bgrewriteaof(false));
  EXPECT_FALSE(engine->persistence.bgsave(false));
  EXPECT_EQ(contents(), before);
}

// The child may be done before the signal that ends it arrives.
TEST_F(PromisedOrder, P4ABaseWhoseIncrementCouldNotBeOpenedIsNotUsedEvenIfItIsFinished) {
  auto engine = start(aof_settings());
  engine->step({{"RPUSH", "list", "once"}});
  ASSERT_TRUE(engine->persistence.before_sleep());
  io::init_failpoints();
  const auto fail_when_the_child_has_ended = [](const char*, int* result, void**, unsigned int*) {
    siginfo_t info;
    static_cast<void>(::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT));
    *result = ENOSPC;
    return 1;
  };
  ASSERT_EQ(
      fiu_enable_external("aof/rewrite/after-fork", 1, nullptr, 0, fail_when_the_child_has_ended),
      0);
  EXPECT_FALSE(engine->persistence.bgrewriteaof(false));
  fiu_disable("aof/rewrite/after-fork");
  EXPECT_THAT(directory_.files(), ElementsAre("appendonlydir/appendonly.aof.1.base.rdb",
                                              kIncrement1, "appendonlydir/appendonly.aof.lock",
                                              "appendonlydir/appendonly.aof.manifest"));
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"list", "[once]"}}));
}

TEST_F(PromisedOrder, P10FailedChildrenLeaveNoTemporaryFileAndNoRowOfEmptyIncrements) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  const io::ScopedFailpoint failpoint("aof/rewrite/child-before-exit", EIO);
  for (int attempt = 0; attempt < 4; ++attempt) {
    ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
    wait_for_child(*engine);
  }
  EXPECT_THAT(
      directory_.files(),
      ElementsAre("appendonlydir/appendonly.aof.1.base.rdb", kIncrement1,
                  "appendonlydir/appendonly.aof.2.incr.aof", "appendonlydir/appendonly.aof.lock",
                  "appendonlydir/appendonly.aof.manifest"));
  EXPECT_EQ(engine->persistence.info().aof_rewrites_consecutive_failures, 4);
}

TEST_F(PromisedOrder, P11UnderEverysecDataIsSyncedWithoutAnyFurtherCallOfTheEngine) {
  auto engine = start(aof_settings(FsyncPolicy::kEverysec));
  io::SyscallTrace trace(directory_.path());
  const auto syncs = [&trace] {
    const std::vector<io::TracedCall> calls = trace.calls();
    return std::count_if(calls.begin(), calls.end(), [](const io::TracedCall& call) {
      return call.text() == std::string("fdatasync ") + kIncrement1;
    });
  };
  // The first at once, the second when the second is over; the loop sleeps all the while.
  for (int round = 1; round <= 2; ++round) {
    engine->set("a", std::to_string(round));
    pollfd ready = {engine->persistence.event_fd(), POLLIN, 0};
    ASSERT_GT(::poll(&ready, 1, 20'000), 0);
    EXPECT_EQ(syncs(), round);
    ASSERT_TRUE(engine->persistence.on_event());
  }
}

}  // namespace
}  // namespace engine::persistence
