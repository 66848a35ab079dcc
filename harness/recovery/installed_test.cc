// A program that a case needs and the machine lacks is named before anything runs.
#include "harness/recovery/installed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/base/error.h"

namespace crashpoint::recovery {
namespace {

using testing::HasSubstr;

std::string refused(const scenario::Command& command) {
  scenario::Case of;
  of.program.emplace();
  of.program->dump.text = "cat f";
  of.program->steps.emplace_back().run = command;
  try {
    require_programs(of);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(Installed, WhatIsMissingIsNamedByItsPackages) {
  scenario::ProgramTarget program;
  EXPECT_EQ(not_installed(program), "");
  program.needs = {{"sh", "dash"}, {"/bin/sh", "dash"}};
  EXPECT_EQ(not_installed(program), "");
  program.needs = {
      {"no-such-program", "one"}, {"/no/such.h", "two"}, {"no-other", "one"}, {"sh", "dash"}};
  EXPECT_EQ(not_installed(program), "not installed: apt install one two");
}

TEST(Installed, AProgramThatIsNotOnPathIsNamedWithItsCommand) {
  EXPECT_THAT(refused({.words = {"no-such-program", "-x"}, .text = {}}),
              HasSubstr("the command 'no-such-program -x' cannot be run: there is no program "
                        "'no-such-program' on PATH"));
  EXPECT_THAT(refused({.words = {}, .text = "no-such-program -x"}), HasSubstr("on PATH"));
  EXPECT_THAT(refused({.words = {"/no/such/program"}, .text = {}}), HasSubstr("no such file"));
}

TEST(Installed, WhatAShellKnowsAndWhatMayBeMadeLaterIsNotRefused) {
  for (const char* text : {"for i in 1 2; do touch f$i; done", "cd x && y", "A=1 b", "./client 1",
                           "$TOOL -i x", "(a; b)", "! test -e f"}) {
    EXPECT_EQ(refused({.words = {}, .text = text}), "") << text;
  }
}

}  // namespace
}  // namespace crashpoint::recovery
