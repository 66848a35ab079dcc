#include "engine/persistence/snapshots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <string>

#include "engine/io/scoped_failpoint_for_test.h"
#include "engine/io/syscall_trace_for_test.h"
#include "engine/persistence/engine_for_test.h"

namespace engine::persistence {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using State = std::map<std::string, std::string>;

const char kMisconf[] =
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to "
    "disk. Commands that may modify the data set are disabled, because this instance is configured "
    "to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error "
    "option). "
    "Please check the Redis logs for details about the RDB error.";

class SnapshotsTest : public EngineTest {
 protected:
  const Clock& clock() const override { return clock_; }
  static Settings with_rule(std::int64_t seconds, std::int64_t changes) {
    Settings settings = rdb_settings();
    settings.save = {{seconds, changes}};
    return settings;
  }
  static void fail_one_background_save(TestEngine& engine) {
    const io::ScopedFailpoint failpoint("rdb/save/before-fsync", EIO);
    ASSERT_TRUE(engine.persistence.bgsave(false));
    wait_for_child(engine);
  }
  ManualClock clock_;
};

TEST_F(SnapshotsTest, ARuleFiresWhenBothItsNumbersAreReached) {
  auto engine = start(with_rule(60, 2));
  engine->set("a", "1");
  clock_.advance_s(61);
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_FALSE(engine->persistence.has_child()) << "one change is too few";
  engine->set("b", "2");
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_TRUE(engine->persistence.has_child());
  EXPECT_THAT(engine->log.lines, Contains("2 changes in 60 seconds. Saving..."));
  engine->set("c", "3");
  wait_for_child(*engine);
  EXPECT_EQ(engine->persistence.info().rdb_changes_since_last_save, 1);
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_FALSE(engine->persistence.has_child()) << "it counts from the last save";
}

TEST_F(SnapshotsTest, AfterAFailureARuleWaitsFiveSeconds) {
  auto engine = start(with_rule(60, 1));
  engine->set("a", "1");
  clock_.advance_s(61);
  fail_one_background_save(*engine);
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_FALSE(engine->persistence.has_child());
  clock_.advance_s(6);
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_TRUE(engine->persistence.has_child());
  wait_for_child(*engine);
  EXPECT_TRUE(engine->persistence.info().rdb_last_bgsave_ok);
}

TEST_F(SnapshotsTest, AFailedBackgroundSaveStopsWritesUntilOneSucceeds) {
  auto engine = start(with_rule(3600, 1));
  engine->set("a", "1");
  fail_one_background_save(*engine);
  EXPECT_THAT(engine->log.lines, Contains("Background saving error"));
  EXPECT_EQ(engine->persistence.write_refusal(), kMisconf);
  ASSERT_TRUE(engine->persistence.bgsave(false));
  wait_for_child(*engine);
  EXPECT_EQ(engine->persistence.write_refusal(), "");
}

TEST_F(SnapshotsTest, WritesGoOnWhereNobodyAskedForSnapshots) {
  auto engine = start(rdb_settings());
  fail_one_background_save(*engine);
  EXPECT_EQ(engine->persistence.write_refusal(), "") << "no save rules";
  Settings settings = with_rule(3600, 1);
  settings.stop_writes_on_bgsave_error = false;
  ASSERT_TRUE(engine->persistence.apply(settings));
  EXPECT_EQ(engine->persistence.write_refusal(), "");
}

TEST_F(SnapshotsTest, ADyingChildIsReportedWithItsSignalAndLeavesNoFile) {
  for (const int signal : {SIGKILL, SIGTERM, SIGABRT}) {  // (SIGSEGV is caught by sanitizers)
    Settings settings = with_rule(3600, 1);
    settings.rdb_key_save_delay_us = 60'000'000;
    auto engine = start(settings);
    engine->set("a", "1");
    ASSERT_TRUE(engine->persistence.bgsave(false));
    ::kill(engine->persistence.child_pid(), signal);
    wait_for_child(*engine);
    EXPECT_EQ(engine->log.lines.back(),
              "Background saving terminated by signal " + std::to_string(signal));
    EXPECT_FALSE(engine->persistence.info().rdb_last_bgsave_ok);
    EXPECT_THAT(data_files(directory_), IsEmpty());
  }
}

TEST_F(SnapshotsTest, AChildEndedByTheEnginesOwnSignalIsNoError) {
  Settings settings = with_rule(3600, 1);
  settings.rdb_key_save_delay_us = 60'000'000;
  auto engine = start(settings);
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.bgsave(false));
  ::kill(engine->persistence.child_pid(), SIGUSR1);
  wait_for_child(*engine);
  EXPECT_TRUE(engine->persistence.info().rdb_last_bgsave_ok);
  EXPECT_EQ(engine->persistence.write_refusal(), "");
}

TEST_F(SnapshotsTest, TheCommandsAnswerAsRedisServerDoes) {
  Settings settings = rdb_settings();
  settings.rdb_key_save_delay_us = 60'000'000;
  auto engine = start(settings);
  engine->set("a", "1");
  EXPECT_EQ(engine->persistence.bgsave(true).value(), "Background saving scheduled");
  EXPECT_EQ(engine->persistence.bgsave(false).value(), "Background saving started");
  EXPECT_EQ(engine->persistence.bgsave(false).error().message,
            "ERR Background save already in progress");
  EXPECT_EQ(engine->persistence.save().error().message, "ERR Background save already in progress");
  EXPECT_EQ(engine->persistence.bgrewriteaof(false).value(),
            "Background append only file rewriting scheduled");
  ::kill(engine->persistence.child_pid(), SIGUSR1);
  wait_for_child(*engine);
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_TRUE(engine->persistence.info().aof_rewrite_in_progress)
      << "the scheduled one comes first";
  EXPECT_EQ(engine->persistence.bgrewriteaof(false).error().message,
            "ERR Background append only file rewriting already in progress");
  EXPECT_EQ(
      engine->persistence.bgsave(false).error().message,
      "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE "
      "in order to schedule a BGSAVE whenever possible.");
}

TEST_F(SnapshotsTest, AScheduledSaveStartsWhenTheChildIsGone) {
  auto engine = start(aof_settings());
  ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
  EXPECT_EQ(engine->persistence.bgsave(true).value(), "Background saving scheduled");
  wait_for_child(*engine);
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_TRUE(engine->persistence.info().rdb_bgsave_in_progress);
  wait_for_child(*engine);
  EXPECT_THAT(directory_.files(), Contains("dump.rdb"));
}

TEST_F(SnapshotsTest, ASaveDuringABackgroundSaveCoversItsChangesAsWell) {
  auto engine = start(rdb_settings());
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.bgsave(false));
  ASSERT_TRUE(engine->persistence.debug_reload({}));
  engine->set("b", "2");
  wait_for_child(*engine);
  EXPECT_EQ(engine->persistence.info().rdb_changes_since_last_save, 1);
}

TEST_F(SnapshotsTest, FlushallEndsARunningSaveAndSavesTheEmptinessIfThereAreRules) {
  Settings settings = with_rule(3600, 1);
  auto engine = start(settings);
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.save());
  settings = engine->persistence.settings();
  settings.rdb_key_save_delay_us = 60'000'000;
  ASSERT_TRUE(engine->persistence.apply(settings));
  ASSERT_TRUE(engine->persistence.bgsave(false));
  engine->keyspace.clear();
  engine->persistence.after_flushall();
  EXPECT_FALSE(engine->persistence.has_child());
  settings.rdb_key_save_delay_us = 0;
  engine.reset();
  EXPECT_EQ(start(settings)->state(), State());
}

TEST_F(SnapshotsTest, AFailedSaveKeepsTheOldFileWholeWhateverFails) {
  auto engine = start(rdb_settings());
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.save());
  engine->set("a", "2");
  for (std::size_t nth = 1;; ++nth) {
    io::SyscallTrace trace(directory_.path());
    trace.fail_nth(nth, ENOSPC, true);
    const bool saved = engine->persistence.save().has_value();
    if (!trace.has_failed()) {
      EXPECT_TRUE(saved);
      EXPECT_GE(nth, 5U);
      break;
    }
    EXPECT_FALSE(saved) << trace.text();
    EXPECT_THAT(data_files(directory_), ElementsAre("dump.rdb")) << trace.text();
    TestEngine after(directory_.path(), rdb_settings(), clock());
    EXPECT_TRUE(after.persistence.recover());
    EXPECT_THAT(after.state(), ::testing::AnyOf(State{{"a", "1"}}, State{{"a", "2"}}));
  }
}

TEST_F(SnapshotsTest, TheChildReportsHowFarItIs) {
  Settings settings = rdb_settings();
  auto engine = start(settings);
  for (int i = 0; i < 3000; ++i) {
    engine->step({{"SET", "k" + std::to_string(i), "v"}});
  }
  ASSERT_TRUE(engine->persistence.bgsave(false));
  Info info = engine->persistence.info();
  EXPECT_TRUE(info.rdb_bgsave_in_progress);
  EXPECT_EQ(info.current_save_keys_total, 3000);
  EXPECT_EQ(info.total_forks, 1);
  while (engine->persistence.has_child() && info.current_save_keys_processed == 0) {
    wait_for_event(*engine);
    info = engine->persistence.info();
  }
  wait_for_child(*engine);
  EXPECT_GT(engine->persistence.info().rdb_last_cow_size_bytes, 0);
  EXPECT_EQ(engine->persistence.info().current_save_keys_total, 0);
}

// --- the end -------------------------------------------------------------------------------------

class ShutdownTest : public SnapshotsTest {};

TEST_F(ShutdownTest, SavesIfThereAreRulesOrItIsToldTo) {
  using Save = ShutdownOptions::Save;
  struct Case {
    bool rules;
    Save save;
    bool saves;
  };
  for (const Case c : {Case{true, Save::kByRules, true},
                       {false, Save::kByRules, false},
                       {true, Save::kNo, false},
                       {false, Save::kYes, true}}) {
    TempDirectory directory;
    TestEngine engine(directory.path(), c.rules ? with_rule(3600, 1) : rdb_settings(), clock());
    ASSERT_TRUE(engine.persistence.recover());
    engine.set("a", "1");
    ASSERT_TRUE(engine.persistence.prepare_shutdown({c.save, false}));
    EXPECT_EQ(data_files(directory).size(), c.saves ? 1U : 0U);
  }
}

TEST_F(ShutdownTest, ThatCannotSaveIsRefusedUnlessForcedAndTheServerLivesOn) {
  auto engine = start(with_rule(3600, 1));
  engine->set("a", "1");
  const io::ScopedFailpoint failpoint("rdb/save/before-fsync", ENOSPC);
  const Status refused = engine->persistence.prepare_shutdown({});
  EXPECT_EQ(refused.error().message, "ERR Errors trying to SHUTDOWN. Check logs.");
  EXPECT_EQ(engine->log.lines.back(), "Error trying to save the DB, can't exit.");
  engine->set("b", "2");
  EXPECT_TRUE(engine->persistence.prepare_shutdown({ShutdownOptions::Save::kByRules, true}));
}

TEST_F(ShutdownTest, MakesTheLogDurableAndNotesThatItIs) {
  auto engine = start(aof_settings(FsyncPolicy::kNo));
  engine->set("a", "1");
  io::SyscallTrace trace(directory_.path());
  ASSERT_TRUE(engine->persistence.prepare_shutdown({}));
  EXPECT_TRUE(trace.find("fdatasync appendonlydir/appendonly.aof.1.incr.aof")) << trace.text();
  const std::string increment = read_test_file(aof_file("appendonly.aof.1.incr.aof"));
  EXPECT_THAT(increment.substr(increment.size() - 40), HasSubstr("#SYNCED:0:"));
}

TEST_F(ShutdownTest, EndsAChildAndRemovesItsFile) {
  Settings settings = aof_settings();
  settings.rdb_key_save_delay_us = 60'000'000;
  for (const bool rewrite : {false, true}) {
    TempDirectory directory;
    TestEngine engine(directory.path(), settings, system_clock_);
    ASSERT_TRUE(engine.persistence.recover());
    engine.set("a", "1");
    ASSERT_TRUE(rewrite ? engine.persistence.bgrewriteaof(false)
                        : engine.persistence.bgsave(false));
    ASSERT_TRUE(engine.persistence.prepare_shutdown({}));
    EXPECT_FALSE(engine.persistence.has_child());
    EXPECT_THAT(directory.files(), Not(Contains(HasSubstr("temp-"))));
    EXPECT_THAT(engine.log.lines,
                Contains(HasSubstr(rewrite ? "Killing running AOF rewrite child: "
                                           : "There is a child saving an .rdb. Killing it!")));
  }
}

TEST_F(ShutdownTest, WaitsForTheFirstRewriteAfterTheLogWasEnabledUnlessForced) {
  Settings settings = rdb_settings();
  settings.rdb_key_save_delay_us = 60'000'000;
  auto engine = start(settings);
  engine->set("a", "1");
  settings = engine->persistence.settings();
  settings.appendonly = true;
  ASSERT_TRUE(engine->persistence.apply(settings));
  EXPECT_FALSE(engine->persistence.prepare_shutdown({}));
  EXPECT_EQ(engine->log.lines.back(), "Writing initial AOF, can't exit.");
  EXPECT_TRUE(engine->persistence.prepare_shutdown({ShutdownOptions::Save::kByRules, true}));
}

}  // namespace
}  // namespace engine::persistence
