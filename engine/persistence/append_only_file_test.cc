#include "engine/persistence/append_only_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

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
using ::testing::StartsWith;
using State = std::map<std::string, std::string>;

class AppendOnlyFileTest : public EngineTest {
 protected:
  const Clock& clock() const override { return clock_; }
  // Changes one setting of a running engine.
  template <typename T>
  static Status change(TestEngine& engine, T Settings::*setting, T value,
                       bool in_transaction = false) {
    Settings settings = engine.persistence.settings();
    settings.*setting = value;
    return engine.persistence.apply(settings, in_transaction);
  }
  std::string increment(int seq) const {
    return read_test_file(aof_file("appendonly.aof." + std::to_string(seq) + ".incr.aof"));
  }
  ManualClock clock_;
};

// --- what is written -----------------------------------------------------------------------------

TEST_F(AppendOnlyFileTest, WithAofChecksumNoTheBytesAreRedisServersOwn) {
  Settings settings = aof_settings();
  settings.aof_checksum = false;
  auto engine = start(settings);
  engine->set("a", "1");
  engine->set("b", "2", 9);
  engine->step({{"SET", "c", "3"}, {"DEL", "c"}}, 9);
  ASSERT_TRUE(engine->persistence.before_sleep());
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_EQ(
      increment(1),
      "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n"
      "*2\r\n$6\r\nSELECT\r\n$1\r\n9\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n"
      "*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\nc\r\n$1\r\n3\r\n*2\r\n$3\r\nDEL\r\n$1\r\nc\r\n"
      "*1\r\n$4\r\nEXEC\r\n");
}

TEST_F(AppendOnlyFileTest, TimestampsStandWhereTheSecondChanges) {
  Settings settings = aof_settings();
  settings.aof_checksum = false;
  settings.aof_timestamp_enabled = true;
  auto engine = start(settings);
  engine->set("a", "1");
  engine->set("a", "2");
  clock_.advance_s(1);
  engine->set("a", "3");
  const std::string text = increment(1);
  EXPECT_THAT(text, StartsWith("#TS:1700000000\r\n*2\r\n$6\r\nSELECT"));
  EXPECT_THAT(text, HasSubstr("2\r\n#TS:1700000001\r\n*3\r\n$3\r\nSET"));
  EXPECT_EQ(text.find("#TS:1700000000", 1), std::string::npos);
}

TEST_F(AppendOnlyFileTest, WhenTheLogIsIdleItNotesHowFarItIsDurable) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  const std::size_t size = increment(1).size();
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_THAT(increment(1).substr(size), StartsWith("#SYNCED:0:"));
  const std::string noted = increment(1);
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_EQ(increment(1), noted) << "once is enough";
}

TEST_F(AppendOnlyFileTest, ChecksumsCanBeTurnedOffAndOnAgain) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  ASSERT_TRUE(change(*engine, &Settings::aof_checksum, false));
  engine->set("b", "2");
  ASSERT_TRUE(change(*engine, &Settings::aof_checksum, true));
  engine->set("c", "3");
  const State state = engine->state();
  restart(engine);
  EXPECT_EQ(engine->state(), state);
}

TEST_F(AppendOnlyFileTest, WithoutPreambleTheBaseIsMadeOfCommands) {
  Settings settings = aof_settings();
  settings.aof_use_rdb_preamble = false;
  auto engine = start(settings);
  engine->set("a", "1");
  engine->step({{"RPUSH", "l", "x", "y"}}, 3);
  ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
  wait_for_child(*engine);
  EXPECT_THAT(read_test_file(aof_file("appendonly.aof.2.base.aof")), HasSubstr("RPUSH"));
  const State state = engine->state();
  restart(engine);
  EXPECT_EQ(engine->state(), state);
}

TEST_F(AppendOnlyFileTest, DamageInACommandBaseIsRefused) {
  Settings settings = aof_settings();
  settings.aof_use_rdb_preamble = false;
  auto engine = start(settings);
  engine->set("key", "value");
  ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
  wait_for_child(*engine);
  engine.reset();
  std::string base = read_test_file(aof_file("appendonly.aof.2.base.aof"));
  const std::size_t at = base.find("value");
  base[at] = 'V';
  write_test_file(aof_file("appendonly.aof.2.base.aof"), base);
  EXPECT_THAT(refusal(settings), HasSubstr("checksum mismatch"));
}

// --- rewriting -----------------------------------------------------------------------------------

TEST_F(AppendOnlyFileTest, GrowthStartsARewrite) {
  Settings settings = aof_settings();
  settings.auto_aof_rewrite_min_size_bytes = 1000;
  auto engine = start(settings);
  engine->set("a", std::string(500, 'x'));
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_FALSE(engine->persistence.has_child()) << "below the smallest size";
  engine->set("a", std::string(500, 'y'));
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_TRUE(engine->persistence.has_child());
  EXPECT_THAT(engine->log.lines, Contains(HasSubstr("Starting automatic rewriting of AOF on")));
  wait_for_child(*engine);
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_FALSE(engine->persistence.has_child()) << "it has not grown since";
}

TEST_F(AppendOnlyFileTest, RepeatedFailuresMakeAutomaticRewritesWait) {
  Settings settings = aof_settings();
  settings.auto_aof_rewrite_min_size_bytes = 100;
  auto engine = start(settings);
  engine->set("a", std::string(500, 'x'));
  {
    const io::ScopedFailpoint failpoint("aof/rewrite/child-start", ENOSPC);
    for (int failure = 0; failure < 3; ++failure) {
      ASSERT_TRUE(engine->persistence.cron());
      ASSERT_TRUE(engine->persistence.has_child()) << failure;
      wait_for_child(*engine);
    }
  }
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_FALSE(engine->persistence.has_child());
  EXPECT_THAT(engine->log.lines,
              Contains("Background AOF rewrite has repeatedly failed and triggered "
                       "the limit, will retry in 1 minutes"));
  clock_.advance_s(59);
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_FALSE(engine->persistence.has_child());
  EXPECT_TRUE(engine->persistence.bgrewriteaof(false)) << "by hand it starts at once";
  wait_for_child(*engine);
  EXPECT_EQ(engine->persistence.info().aof_rewrites_consecutive_failures, 0);
}

TEST_F(AppendOnlyFileTest, AFailedRewriteKeepsEverything) {
  for (const char* where :
       {"aof/rewrite/child-before-exit", "aof/rewrite/before-base-rename",
        "aof/rewrite/after-base-rename", "manifest/write/before", "manifest/sync/before",
        "manifest/rename/before", "aof/increment/before-create", "aof/rewrite/after-fork"}) {
    TempDirectory directory;
    auto engine = std::make_unique<TestEngine>(directory.path(), aof_settings(), clock());
    ASSERT_TRUE(engine->persistence.recover());
    engine->set("a", "1");
    {
      io::init_failpoints();
      fiu_enable(where, ENOSPC, nullptr, 0);
      static_cast<void>(engine->persistence.bgrewriteaof(false));
      engine->set("b", "2");
      wait_for_child(*engine);
      fiu_disable(where);
    }
    EXPECT_FALSE(engine->persistence.info().aof_last_bgrewrite_ok) << where;
    engine->set("c", "3");
    const State state = engine->state();
    EXPECT_THAT(directory.files(), Not(Contains(HasSubstr("temp-")))) << where;
    engine.reset();
    TestEngine after(directory.path(), aof_settings(), clock());
    EXPECT_TRUE(after.persistence.recover()) << where;
    EXPECT_EQ(after.state(), state) << where;
  }
}

TEST_F(AppendOnlyFileTest, WhatTheNewBaseHasIsNotReplayedAgainAfterAFailedRewrite) {
  auto engine = start(aof_settings());
  engine->step({{"RPUSH", "l", "x"}});
  ASSERT_TRUE(engine->persistence.before_sleep());
  restart(engine);
  {
    const io::ScopedFailpoint failpoint("aof/rewrite/before-fork", ENOSPC);
    EXPECT_FALSE(engine->persistence.bgrewriteaof(false));
  }
  ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
  wait_for_child(*engine);
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"l", "[x]"}}));
}

TEST_F(AppendOnlyFileTest, AnEmptyIncrementOfAFailedRewriteServesTheNextOneToo) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  {
    const io::ScopedFailpoint failpoint("aof/rewrite/child-start", ENOSPC);
    ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
    wait_for_child(*engine);
  }
  ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
  wait_for_child(*engine);
  EXPECT_THAT(directory_.files(), Contains("appendonlydir/appendonly.aof.2.incr.aof"));
  EXPECT_THAT(directory_.files(), Not(Contains("appendonlydir/appendonly.aof.3.incr.aof")));
  const State state = engine->state();
  restart(engine);
  EXPECT_EQ(engine->state(), state);
}

TEST_F(AppendOnlyFileTest, HistoryIsKeptWhileAofDisableAutoGcSaysSo) {
  Settings settings = aof_settings();
  settings.aof_disable_auto_gc = true;
  auto engine = start(settings);
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
  wait_for_child(*engine);
  EXPECT_THAT(directory_.files(), Contains("appendonlydir/appendonly.aof.1.incr.aof"));
  restart(engine);
  EXPECT_THAT(directory_.files(), Contains("appendonlydir/appendonly.aof.1.incr.aof"));
  ASSERT_TRUE(change(*engine, &Settings::aof_disable_auto_gc, false));
  EXPECT_THAT(directory_.files(), Not(Contains("appendonlydir/appendonly.aof.1.incr.aof")));
}

TEST_F(AppendOnlyFileTest, WithTheLogOffARewriteMakesOnlyABase) {
  auto engine = start(rdb_settings());
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
  wait_for_child(*engine);
  EXPECT_THAT(read_test_file(aof_file("appendonly.aof.manifest")),
              EndsWith("\nfile appendonly.aof.1.base.rdb seq 1 type b\n"));
  engine.reset();
  EXPECT_EQ(start(aof_settings())->state(), (State{{"a", "1"}}));
}

// --- on and off while the server runs ------------------------------------------------------------

TEST_F(AppendOnlyFileTest, EnabledAtRunTimeItHoldsEverythingOnceTheRewriteIsDone) {
  auto engine = start(rdb_settings());
  engine->set("a", "1");
  ASSERT_TRUE(change(*engine, &Settings::appendonly, true));
  EXPECT_TRUE(engine->persistence.info().aof_rewrite_in_progress);
  engine->set("b", "2");
  EXPECT_FALSE(std::filesystem::exists(aof_file("appendonly.aof.manifest")))
      << "until then nothing rests on it";
  wait_for_child(*engine);
  engine->set("c", "3");
  const State state = engine->state();
  restart(engine);
  EXPECT_EQ(engine->state(), state);
  EXPECT_THAT(directory_.files(), Not(Contains(HasSubstr("temp-"))));
}

TEST_F(AppendOnlyFileTest, EnablingIsTriedAgainUntilTheRewriteSucceeds) {
  auto engine = start(rdb_settings());
  engine->set("a", "1");
  {
    const io::ScopedFailpoint failpoint("aof/rewrite/child-start", ENOSPC);
    ASSERT_TRUE(change(*engine, &Settings::appendonly, true));
    wait_for_child(*engine);
  }
  EXPECT_THAT(
      engine->log.lines,
      Contains("Removing the temp incr aof file temp-appendonly.aof.incr in the background"));
  engine->set("b", "2");
  ASSERT_TRUE(engine->persistence.cron());
  ASSERT_TRUE(engine->persistence.has_child());
  wait_for_child(*engine);
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"a", "1"}, {"b", "2"}}));
}

TEST_F(AppendOnlyFileTest, EnabledInATransactionItStartsAfterwards) {
  auto engine = start(rdb_settings());
  ASSERT_TRUE(change(*engine, &Settings::appendonly, true, true));
  EXPECT_FALSE(engine->persistence.has_child());
  EXPECT_TRUE(engine->persistence.info().aof_rewrite_scheduled);
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_TRUE(engine->persistence.info().aof_rewrite_in_progress);
}

TEST_F(AppendOnlyFileTest, WhenItCannotBeEnabledNothingChanges) {
  write_test_file(directory_.file("appendonlydir"), "a file in its place");
  auto engine = start(rdb_settings());
  EXPECT_FALSE(change(*engine, &Settings::appendonly, true));
  EXPECT_FALSE(engine->persistence.settings().appendonly);
  EXPECT_FALSE(engine->persistence.info().aof_enabled);
  engine->set("a", "1");
}

TEST_F(AppendOnlyFileTest, DisabledItIsSyncedAndItsFilesStay) {
  Settings settings = aof_settings(FsyncPolicy::kNo);
  settings.rdb_key_save_delay_us = 60'000'000;
  auto engine = start(settings);
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
  engine->step({{"SET", "b", "2"}});
  io::SyscallTrace trace(directory_.path());
  ASSERT_TRUE(change(*engine, &Settings::appendonly, false));
  EXPECT_THAT(engine->log.lines, Contains(HasSubstr("Killing running AOF rewrite child")));
  EXPECT_TRUE(trace.find("fdatasync appendonlydir/appendonly.aof.2.incr.aof")) << trace.text();
  EXPECT_FALSE(engine->persistence.has_child());
  engine->set("c", "3");
  engine.reset();
  EXPECT_EQ(start(aof_settings())->state(), (State{{"a", "1"}, {"b", "2"}}));
}

TEST_F(AppendOnlyFileTest, OffAndOnAgainStartsFromTheDataOfTheMoment) {
  auto engine = start(aof_settings());
  engine->set("a", "old");
  ASSERT_TRUE(change(*engine, &Settings::appendonly, false));
  engine->set("a", "new");
  ASSERT_TRUE(change(*engine, &Settings::appendonly, true));
  wait_for_child(*engine);
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"a", "new"}}));
}

// --- errors and slowness -------------------------------------------------------------------------

TEST_F(AppendOnlyFileTest, AFullDiskUnderEverysecHoldsRepliesBackUntilThereIsSpace) {
  auto engine = start(aof_settings(FsyncPolicy::kEverysec));
  io::SyscallTrace trace(directory_.path());
  trace.fail_all("write", ".incr.aof", ENOSPC);
  engine->set("a", "1");
  EXPECT_TRUE(engine->persistence.must_hold_replies());
  EXPECT_EQ(engine->persistence.write_refusal(),
            "MISCONF Errors writing to the AOF file: No space left on device");
  EXPECT_FALSE(engine->persistence.info().aof_last_write_ok);
  ASSERT_TRUE(engine->persistence.before_sleep());
  EXPECT_TRUE(engine->persistence.must_hold_replies());
  trace.fail_all("write", ".incr.aof", 0);
  ASSERT_TRUE(engine->persistence.before_sleep());
  EXPECT_FALSE(engine->persistence.must_hold_replies());
  EXPECT_EQ(engine->persistence.write_refusal(), "");
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"a", "1"}}));
}

std::atomic<bool> sync_is_running = false;
std::atomic<bool> sync_may_end = false;

int sync_slowly(const char*, int*, void**, unsigned int*) {
  sync_is_running = true;
  while (!sync_may_end) {
    std::this_thread::yield();
  }
  ::usleep(300'000);
  sync_is_running = false;
  return 0;
}

TEST_F(AppendOnlyFileTest, ASyncOfMoreThanTwoSecondsIsWaitedForAndCounted) {
  auto engine = start(aof_settings(FsyncPolicy::kEverysec));
  io::init_failpoints();
  ASSERT_EQ(fiu_enable_external("aof/append/before-fsync", 1, nullptr, 0, sync_slowly), 0);
  engine->set("a", "1");
  while (!sync_is_running) {
    std::this_thread::yield();
  }
  engine->set("b", "2");
  clock_.advance_s(1);
  engine->set("c", "3");
  EXPECT_TRUE(sync_is_running) << "until then the loop goes on";
  EXPECT_EQ(engine->persistence.info().aof_delayed_fsync, 0);
  clock_.advance_s(1);
  sync_may_end = true;
  engine->set("d", "4");
  EXPECT_FALSE(sync_is_running);
  fiu_disable("aof/append/before-fsync");
  EXPECT_EQ(engine->persistence.info().aof_delayed_fsync, 1);
  EXPECT_THAT(engine->log.lines, Contains(HasSubstr("Asynchronous AOF fsync is taking too long")));
}

ManualClock* slow_clock = nullptr;

int let_two_seconds_pass(const char*, int*, void**, unsigned int*) {
  slow_clock->advance_s(2);
  return 0;
}

TEST_F(AppendOnlyFileTest, SlowWritesAndSyncsAreLatencyEvents) {
  auto engine = start(aof_settings());
  engine->latency.set_threshold_ms(1000);
  io::init_failpoints();
  slow_clock = &clock_;
  const auto points = {"aof/append/before-write", "aof/append/before-fsync"};
  for (const char* point : points) {
    ASSERT_EQ(fiu_enable_external(point, 1, nullptr, 0, let_two_seconds_pass), 0);
  }
  engine->set("a", "1");
  for (const char* point : points) {
    fiu_disable(point);
  }
  engine->set("a", "2");
  std::vector<std::string> events;
  for (const auto& [name, event] : engine->latency.events()) {
    events.push_back(name);
    EXPECT_EQ(event.samples.size(), 1u);
    EXPECT_EQ(event.latency_ms_max, 2000);
  }
  EXPECT_THAT(events, ElementsAre("aof-fsync-always", "aof-write", "aof-write-alone"));
}

TEST_F(AppendOnlyFileTest, AnErrorThatLastsIsLoggedTwiceAMinute) {
  auto engine = start(aof_settings(FsyncPolicy::kEverysec));
  io::SyscallTrace trace(directory_.path());
  trace.fail_all("write", ".incr.aof", ENOSPC);
  const auto logged = [&] {
    return std::count(engine->log.lines.begin(), engine->log.lines.end(),
                      "Error writing to the AOF file: No space left on device");
  };
  engine->set("a", "1");
  for (int second = 0; second < 29; ++second) {
    clock_.advance_s(1);
    ASSERT_TRUE(engine->persistence.cron());
  }
  EXPECT_EQ(logged(), 1);
  clock_.advance_s(1);
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_EQ(logged(), 2);
}

TEST_F(AppendOnlyFileTest, ASyncThatFailsAtTheSwitchLeadsToNewFilesAsWell) {
  auto engine = start(aof_settings(FsyncPolicy::kNo));
  engine->set("a", "1");
  {
    io::SyscallTrace trace(directory_.path());
    trace.fail_all("fdatasync", "1.incr.aof", EIO);
    ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
    EXPECT_NE(engine->persistence.write_refusal(), "");
    wait_for_child(*engine);
  }
  EXPECT_EQ(engine->persistence.write_refusal(), "");
  engine->set("b", "2");
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"a", "1"}, {"b", "2"}}));
}

TEST_F(AppendOnlyFileTest, AManifestThatMayNotBeDurableIsNotReliedOn) {
  for (const FsyncPolicy policy : {FsyncPolicy::kAlways, FsyncPolicy::kEverysec}) {
    TempDirectory directory;
    TestEngine engine(directory.path(), aof_settings(policy), clock());
    ASSERT_TRUE(engine.persistence.recover());
    engine.set("a", "1");
    io::SyscallTrace trace(directory.path());
    io::init_failpoints();
    fiu_enable("manifest/rename/after", EIO, nullptr, 0);
    ASSERT_TRUE(engine.persistence.bgrewriteaof(false));
    fiu_disable("manifest/rename/after");
    if (policy == FsyncPolicy::kAlways) {
      engine.step({{"SET", "b", "2"}});
      EXPECT_FALSE(engine.persistence.before_sleep());
      continue;
    }
    EXPECT_NE(engine.persistence.write_refusal(), "");
    ASSERT_TRUE(engine.persistence.cron());
    EXPECT_EQ(engine.persistence.write_refusal(), "") << "the second attempt made it durable";
  }
}

TEST_F(AppendOnlyFileTest, WithNoAppendfsyncOnRewriteNothingIsSyncedWhileAChildRuns) {
  Settings settings = aof_settings();
  settings.no_appendfsync_on_rewrite = true;
  settings.rdb_key_save_delay_us = 60'000'000;
  auto engine = start(settings);
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.bgsave(false));
  io::SyscallTrace trace(directory_.path());
  engine->set("b", "2");
  EXPECT_FALSE(trace.find("fdatasync appendonlydir/appendonly.aof.1.incr.aof")) << trace.text();
  ::kill(engine->persistence.child_pid(), SIGUSR1);
  wait_for_child(*engine);
  EXPECT_TRUE(trace.find("fdatasync appendonlydir/appendonly.aof.1.incr.aof")) << trace.text();
}

}  // namespace
}  // namespace engine::persistence
