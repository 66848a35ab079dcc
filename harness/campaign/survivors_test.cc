#include "harness/campaign/survivors.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>

namespace crashpoint::campaign {
namespace {

constexpr std::int64_t kLetGo = 100;
constexpr pid_t kChild = 7;
constexpr int kExitedWithError = 1 << 8;

trace::Trace renaming_at(std::int64_t exit_ns, pid_t pid = kChild) {
  trace::Trace trace;
  trace::Event event;
  event.enter = trace.end++;
  event.exit = trace.end++;
  event.exit_ns = exit_ns;
  event.op = trace::Op::kRename;
  event.syscall = "rename";
  event.path = "temp-7.rdb";
  event.path2 = "dump.rdb";
  event.inside = true;
  event.pid = pid;
  trace.events.push_back(event);
  return trace;
}

ptrace::Survivor ended(int status, bool while_held = false) {
  return {.pid = kChild, .role = {}, .status = status, .ended_while_held = while_held};
}

TEST(Survivors, OneThatChangesAFileOnceItIsLetGoHasActed) {
  EXPECT_EQ(fate_of(ended(0), renaming_at(kLetGo + 1), kLetGo), Fate::kActed);
  EXPECT_EQ(fate_of({.pid = kChild, .role = {}, .status = {}}, renaming_at(kLetGo + 1), kLetGo),
            Fate::kActed)
      << "it was still at work at the end";
}

TEST(Survivors, WhatWasDoneBeforeOrByOthersIsNoActOfIts) {
  EXPECT_EQ(fate_of(ended(0), renaming_at(kLetGo - 1), kLetGo), Fate::kHadNothingLeftToDo);
  EXPECT_EQ(fate_of(ended(0), renaming_at(kLetGo + 1, kChild + 1), kLetGo),
            Fate::kHadNothingLeftToDo);
}

TEST(Survivors, OneThatTheEndOfItsParentEndedIsNoneThatHadNothingToDo) {
  EXPECT_EQ(fate_of(ended(SIGKILL, true), {}, kLetGo), Fate::kEndedByItself);
  EXPECT_EQ(fate_of(ended(kExitedWithError), {}, kLetGo), Fate::kEndedByItself);
  EXPECT_EQ(fate_of(ended(SIGKILL, false), {}, kLetGo), Fate::kHadNothingLeftToDo)
      << "the harness killed it";
}

}  // namespace
}  // namespace crashpoint::campaign
