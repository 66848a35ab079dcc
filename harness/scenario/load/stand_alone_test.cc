// A self-contained case gives the same case as the original files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/scenario/load/files_for_test.h"

namespace crashpoint::scenario {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

TEST(StandAlone, NeedsNoOtherFile) {
  const FilesForTest here;
  here.write("_base.json", R"({"target": {"config": {"appendonly": "yes"}},
                               "workload": [{"commands": [["SET", "k", "v"]]}]})");
  here.write("old.rdb", std::string("RE\0\xff", 4));
  const std::string file = here.write("t.json", R"({"version": 1, "summary": "s",
      "extends": "_base.json", "seed": 5,
      "files": {"dump.rdb": {"copy": "old.rdb"}, "plain": "text"},
      "matrix": {"/target/config/appendfsync": ["always", "no"]}})");
  LoadOptions options;
  options.seed = 7;
  options.target = "redis";
  const std::vector<Case> cases = load({file}, options).cases;
  ASSERT_THAT(cases, SizeIs(2));

  const FilesForTest there;
  const Case alone = load({there.write("scenario.json", cases[1].stand_alone)}).cases.at(0);
  EXPECT_EQ(alone.scenario, cases[1].scenario);
  EXPECT_EQ(alone.seed, 7U);
  EXPECT_EQ(alone.target.use, "redis");
  EXPECT_EQ(alone.target.config, cases[1].target.config);
  EXPECT_THAT(alone.target.config.at("appendfsync"), ElementsAre("no"));
  EXPECT_THAT(alone.target.config.at("appendonly"), ElementsAre("yes"));
  EXPECT_EQ(alone.files, cases[1].files);
  EXPECT_EQ(alone.files.at("dump.rdb"), std::string("RE\0\xff", 4));
  EXPECT_THAT(alone.workload.steps, SizeIs(1));
  EXPECT_EQ(alone.stand_alone, cases[1].stand_alone);
}

}  // namespace
}  // namespace crashpoint::scenario
