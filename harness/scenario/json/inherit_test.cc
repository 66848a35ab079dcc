#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "harness/scenario/load/files_for_test.h"

namespace crashpoint::scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kBase = R"({"version": 1, "summary": "base", "name": "base-name", "seed": 7,
"target": {"config": {"appendonly": "yes", "appendfsync": "always"}}})";

TEST(Extends, InheritsWhatTheFileDoesNotSayItself) {
  const FilesForTest files;
  files.write("aof/_base.json", kBase);
  const std::string file =
      files.write("aof/kill.json", R"({"extends": "_base.json", "summary": "own",
                           "target": {"config": {"appendfsync": "no"}}})");
  const Case loaded = load({file}).cases.at(0);
  EXPECT_EQ(loaded.summary, "own");
  EXPECT_EQ(loaded.seed, 7U);
  EXPECT_EQ(loaded.target.config.at("appendonly"), std::vector<std::string>{"yes"});
  EXPECT_EQ(loaded.target.config.at("appendfsync"), std::vector<std::string>{"no"});
}

TEST(Extends, DoesNotInheritTheName) {
  const FilesForTest files;
  files.write("aof/_base.json", kBase);
  EXPECT_EQ(load({files.write("aof/kill.json", R"({"extends": "_base.json"})")}).cases.at(0).name,
            "aof/kill");
}

TEST(Extends, NullRemoves) {
  const FilesForTest files;
  files.write("_base.json", kBase);
  const std::string file =
      files.write("t.json", R"({"extends": "_base.json", "target": null, "seed": null})");
  const Case loaded = load({file}).cases.at(0);
  EXPECT_TRUE(loaded.target.config.empty());
  EXPECT_EQ(loaded.seed, 1U);
}

TEST(Extends, AProblemPointsIntoTheFileThatHasIt) {
  const FilesForTest files;
  files.write("_base.json", "{\"version\": 1,\n \"seed\": \"x\"}");
  EXPECT_THAT(
      files.problems({files.write("t.json", R"({"extends": "_base.json", "summary": "s"})")}),
      ElementsAre(testing::_, HasSubstr("_base.json:2:10: /seed: found \"x\"")));
}

TEST(Extends, RefusesWhatIsNotThereAndCircles) {
  const FilesForTest files;
  files.write("_base.json", kBase);
  EXPECT_THAT(files.problems_of(R"({"extends": "_bas.json"})"),
              ElementsAre(HasSubstr("1:13: /extends: ")));
  EXPECT_THAT(files.problems_of(R"({"extends": "_bas.json"})"),
              ElementsAre(HasSubstr("no such file or directory; did you mean \"")));
  files.write("_a.json", R"({"extends": "_b.json"})");
  files.write("_b.json", R"({"extends": "_a.json"})");
  EXPECT_THAT(files.problems({files.write("t.json", R"({"extends": "_a.json"})")}),
              ElementsAre(testing::_, HasSubstr("_a.json extends itself through this file")));
}

TEST(Defaults, OfTheFolderApplyBelowWhatIsExtended) {
  const FilesForTest files;
  files.write("aof/_defaults.json",
              R"({"version": 1, "tags": ["aof"], "seed": 3, "recovery": {"cycles": 2}})");
  files.write("aof/_base.json", R"({"seed": 4})");
  files.write("aof/a.json", R"({"summary": "a"})");
  files.write("aof/b.json", R"({"summary": "b", "extends": "_base.json"})");
  files.write("other/c.json", R"({"version": 1, "summary": "c"})");
  const std::vector<Case> cases = load({files.path()}).cases;
  ASSERT_EQ(cases.size(), 3U);
  EXPECT_EQ(cases[0].seed, 3U);
  EXPECT_EQ(cases[0].tags, std::vector<std::string>{"aof"});
  EXPECT_EQ(cases[1].seed, 4U);
  EXPECT_EQ(cases[1].recovery.cycles, 2U);
  EXPECT_EQ(cases[2].seed, 1U) << "another folder";
}

TEST(Defaults, MayThemselvesExtendThoseOfTheFolderAbove) {
  const FilesForTest files;
  files.write("_defaults.json", R"({"version": 1, "seed": 5})");
  files.write("aof/_defaults.json", R"({"extends": "../_defaults.json", "tags": ["aof"]})");
  const Case loaded = load({files.write("aof/a.json", R"({"summary": "a"})")}).cases.at(0);
  EXPECT_EQ(loaded.seed, 5U);
  EXPECT_EQ(loaded.tags, std::vector<std::string>{"aof"});
}

TEST(Files, InFoldersAreFoundButBasesSchemasAndHiddenOnesAreNot) {
  const FilesForTest files;
  const std::string scenario = R"({"version": 1, "summary": "s"})";
  for (const char* name :
       {"a/one.json", "a/b/two.json", "a/_base.json", "schema/x.schema.json", ".git/no.json",
        "_templates/no.json", "a/.hidden.json", "a/readme.txt"}) {
    files.write(name, scenario);
  }
  const Loaded loaded = load({files.path(), files.path("a/one.json")});
  EXPECT_EQ(loaded.file_count, 2U) << "each once";
  EXPECT_EQ(loaded.cases.at(0).name, "a/one");
  EXPECT_EQ(loaded.cases.at(1).name, "b/two");
}

TEST(Files, AFileNamedOnTheCommandLineIsReadWhateverItsName) {
  const FilesForTest files;
  EXPECT_EQ(load({files.write("a/_base.json", kBase)}).cases.at(0).name, "base-name");
}

}  // namespace
}  // namespace crashpoint::scenario
