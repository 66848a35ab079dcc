// Goal: a scenario finds the programs and scripts that lie beside it, and what cannot be run is named before anything runs.
#include "harness/scenario/command_paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "harness/scenario/load/files_for_test.h"

namespace crashpoint::scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void make_executable(const std::string& path) {
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
}

std::string with_run(const std::string& run, const std::string& keys = "") {
  return R"({"version": 1, "summary": "s", "target": {"use": {"program": "p"}, "dump": "cat f"},
             "workload": [{"run": )" +
         run + "}]" + keys + "}";
}

TEST(CommandPaths, TheFileOfACommandIsItsProgramOrTheScriptOfItsInterpreter) {
  const auto word_of = [](const std::vector<std::string>& words) {
    const auto file = file_of_command(words);
    return file ? static_cast<int>(file->word) : -1;
  };
  EXPECT_EQ(word_of({"./save", "x"}), 0);
  EXPECT_EQ(word_of({"python3", "save.py", "x"}), 1);
  EXPECT_EQ(word_of({"/usr/bin/python3.11", "-u", "save.py"}), 2);
  EXPECT_EQ(word_of({"sh", "-e", "save.sh"}), 2);
  EXPECT_EQ(word_of({"sh", "-c", "save"}), -1) << "the program is in the words";
  EXPECT_EQ(word_of({"sed", "f"}), -1) << "a file that it reads lies in the data directory";
  EXPECT_EQ(word_of({}), -1);
}

TEST(CommandPaths, OfATextOnlyWhatAShellTakesAsItIsIsRead) {
  EXPECT_THAT(plain_words("python3 save.py \"$X\" y"), ElementsAre("python3", "save.py"));
  EXPECT_THAT(plain_words("A=1 save"), IsEmpty());
}

TEST(CommandPaths, AFileThatCannotBeExecutedSaysWhy) {
  const FilesForTest files;
  const std::string script = files.write("s", "#!/no/such/sh\n");
  EXPECT_THAT(why_not_executable(script), HasSubstr("without its run bit: chmod +x"));
  make_executable(script);
  EXPECT_THAT(why_not_executable(script), HasSubstr("its interpreter /no/such/sh is not there"));
  files.write("s", "#!/usr/bin/env no-such-python\n");
  EXPECT_THAT(why_not_executable(script), HasSubstr("no-such-python is not on PATH"));
  files.write("s", "#!/bin/sh -e\n");
  EXPECT_EQ(why_not_executable(script), "");
  EXPECT_EQ(why_not_executable(files.path("none")), "no such file");
}

TEST(CommandPaths, WhatLiesBesideTheScenarioIsFoundThere) {
  const FilesForTest files;
  files.write("kv.py", "");
  make_executable(files.write("tools/save", "#!/bin/sh\n"));
  const auto text_of = [&](const std::string& run) {
    return files.load_one(with_run(run)).program->steps[0].run.text;
  };
  const auto words_of = [&](const std::string& run) {
    return files.load_one(with_run(run)).program->steps[0].run.words;
  };
  EXPECT_EQ(text_of(R"("python3 kv.py put a && echo")"),
            "python3 " + files.path("kv.py") + " put a && echo");
  EXPECT_EQ(text_of(R"("tools/save x")"), files.path("tools/save") + " x");
  EXPECT_EQ(text_of(R"("cat {scenario}/kv.py")"), "cat " + files.path("kv.py"));
  EXPECT_THAT(words_of(R"(["python3", "kv.py", "kv.py"])"),
              ElementsAre("python3", files.path("kv.py"), "kv.py"));
  EXPECT_THAT(words_of(R"(["./client"])"), ElementsAre("./client")) << "made by a setup";
}

TEST(CommandPaths, ABundleFindsThemFromAnywhere) {
  const FilesForTest files;
  files.write("kv.py", "");
  const Case of = files.load_one(with_run(R"(["python3", "kv.py"])"));
  EXPECT_THAT(of.stand_alone, HasSubstr(files.path("kv.py")));
}

TEST(CommandPaths, WhatIsMissingOrCannotRunIsAProblemOfTheFile) {
  const FilesForTest files;
  files.write("save", "#!/bin/sh\n");
  EXPECT_THAT(files.problems_of(with_run(R"("python3 {scenario}/kv.py")")),
              ElementsAre(HasSubstr("there is no kv.py in /")));
  EXPECT_THAT(files.problems_of(with_run(R"(["./save"])")),
              ElementsAre(HasSubstr("without its run bit")));
}

}  // namespace
}  // namespace crashpoint::scenario
