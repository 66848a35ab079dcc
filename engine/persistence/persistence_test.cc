#include "engine/persistence/persistence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "engine/persistence/engine_for_test.h"

namespace engine::persistence {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using State = std::map<std::string, std::string>;

class PersistenceTest : public EngineTest {};

TEST_F(PersistenceTest, AStartInAnEmptyDirectoryMakesBaseIncrementAndManifest) {
  auto engine = start(aof_settings());
  EXPECT_THAT(read_test_file(directory_.file("appendonlydir/appendonly.aof.manifest")),
              EndsWith("\nfile appendonly.aof.1.base.rdb seq 1 type b\n"
                       "file appendonly.aof.1.incr.aof seq 1 type i\n"));
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
  auto engine = start(rdb_settings());
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.bgsave(false));
  engine->set("lost", "2");
  wait_for_child(*engine);
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"a", "1"}}));
  EXPECT_THAT(data_files(directory_), ElementsAre("dump.rdb"));
}

}  // namespace
}  // namespace engine::persistence
