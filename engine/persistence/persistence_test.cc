#include "engine/persistence/persistence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <map>
#include <string>

#include "engine/persistence/test_engine.h"

namespace engine::persistence {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using State = std::map<std::string, std::string>;

class PersistenceTest : public ::testing::Test {
 protected:
  static Settings aof_settings(FsyncPolicy policy = FsyncPolicy::kAlways) {
    Settings settings;
    settings.appendonly = true;
    settings.appendfsync = policy;
    settings.save.clear();
    return settings;
  }
  std::unique_ptr<TestEngine> start(const Settings& settings) {
    auto engine = std::make_unique<TestEngine>(directory_.path(), settings, clock_);
    const Status recovered = engine->persistence.recover();
    EXPECT_TRUE(recovered) << recovered.error().message;
    return engine;
  }
  static void wait_for_child(TestEngine& engine) {
    while (engine.persistence.has_child()) {
      pollfd ready = {engine.persistence.event_fd(), POLLIN, 0};
      ASSERT_GT(::poll(&ready, 1, 20'000), 0) << "the child does not end";
      ASSERT_TRUE(engine.persistence.on_event());
    }
  }
  TempDirectory directory_;
  SystemClock clock_;
};

TEST_F(PersistenceTest, AStartInAnEmptyDirectoryMakesBaseIncrementAndManifest) {
  auto engine = start(aof_settings());
  EXPECT_EQ(
      read_test_file(directory_.file("appendonlydir/appendonly.aof.manifest")),
      "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type "
      "i\n");
}

TEST_F(PersistenceTest, AcknowledgedWritesSurviveAKill) {
  for (const FsyncPolicy policy :
       {FsyncPolicy::kAlways, FsyncPolicy::kEverysec, FsyncPolicy::kNo}) {
    auto engine = start(aof_settings(policy));
    engine->set("a", "1");
    engine->set("b", "2", 3);
    engine->step({{"SET", "c", "3"}, {"RPUSH", "l", "x", "y"}});
    ASSERT_TRUE(engine->persistence.before_sleep());
    const State state = engine->state();
    engine.reset();
    EXPECT_EQ(start(aof_settings(policy))->state(), state);
  }
}

TEST_F(PersistenceTest, ARewriteKeepsTheStateAndRemovesWhatItReplaces) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
  engine->set("b", "2");
  wait_for_child(*engine);
  engine->set("c", "3");
  const State state = engine->state();
  engine.reset();
  EXPECT_THAT(directory_.files(), ElementsAre("appendonlydir/appendonly.aof.2.base.rdb",
                                              "appendonlydir/appendonly.aof.2.incr.aof",
                                              "appendonlydir/appendonly.aof.manifest"));
  EXPECT_EQ(start(aof_settings())->state(), state);
}

TEST_F(PersistenceTest, ASnapshotBringsTheStateBack) {
  Settings settings;
  settings.save.clear();
  auto engine = start(settings);
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.bgsave(false));
  engine->set("lost", "2");
  wait_for_child(*engine);
  engine.reset();
  EXPECT_EQ(start(settings)->state(), (State{{"a", "1"}}));
  EXPECT_THAT(directory_.files(), ElementsAre("dump.rdb"));
}

}  // namespace
}  // namespace engine::persistence
