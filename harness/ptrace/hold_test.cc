// What outlives the first process, or is stopped with it, is held until it is let go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <string>
#include <utility>

#include "harness/ptrace/run_for_test.h"
#include "harness/ptrace/tracer.h"

namespace crashpoint::ptrace {
namespace {

using std::chrono::seconds;

constexpr seconds kLong{60};
constexpr const char* kNone = "(none)";

TracerOptions holding(const TestFolder& folder, fault::Fault fault) {
  TracerOptions options = folder.options({std::move(fault)});
  options.hold_survivors = true;
  return options;
}

fault::Fault kill_main_at(fault::Place place) {
  return fault_at(std::move(place), fault::Kill{.tree = false, .main = true});
}

TEST(Hold, AChildOfAKilledParentGoesOnWhenItIsLetGo) {
  const TestFolder folder;
  Tracer tracer(folder.spec({"sh", "-c", "(echo late > file) & wait"}),
                holding(folder, kill_main_at(place("open", "file"))));
  ASSERT_TRUE(tracer.wait_for_main(kLong));
  EXPECT_TRUE(WIFSIGNALED(*tracer.main_status()));
  ASSERT_TRUE(tracer.wait_until_held(kLong));
  EXPECT_TRUE(tracer.is_holding());
  EXPECT_EQ(folder.file("file"), kNone) << "the open has not gone on";
  tracer.let_go();
  ASSERT_TRUE(tracer.wait_for_end(kLong));
  EXPECT_EQ(folder.file("file"), "late\n");
  const auto run = tracer.finish();
  ASSERT_EQ(run.survivors.size(), 1U);
  EXPECT_EQ(run.survivors[0].role.kind, trace::RoleKind::kChild);
  EXPECT_EQ(run.survivors[0].status, 0);
  EXPECT_FALSE(run.survivors[0].ended_while_held);
  EXPECT_EQ(run.faults[0].fired, 1U);
}

TEST(Hold, AChildThatEndsWithItsParentIsTold) {
  const TestFolder folder;
  Tracer tracer(
      folder.spec({"sh", "-c", "setpriv --pdeathsig KILL sh -c 'echo late > file' & wait"}),
      holding(folder, kill_main_at(place("open", "file"))));
  ASSERT_TRUE(tracer.wait_for_main(kLong));
  ASSERT_TRUE(tracer.wait_for_end(kLong)) << "nobody is left to be let go";
  EXPECT_EQ(folder.file("file"), kNone);
  const auto run = tracer.finish();
  ASSERT_EQ(run.survivors.size(), 1U);
  EXPECT_TRUE(run.survivors[0].ended_while_held);
  EXPECT_EQ(run.survivors[0].status, SIGKILL);
}

TEST(Hold, AStoppedTreeGoesOnWhereItWas) {
  const TestFolder folder;
  Tracer tracer(folder.spec({"sh", "-c", "echo a > first; (echo b > second); echo c > third"}),
                holding(folder, fault_at(place("open", "second"),
                                         fault::Kill{.tree = true, .signal = SIGSTOP})));
  ASSERT_TRUE(tracer.wait_until_held(kLong));
  EXPECT_EQ(folder.file("first"), "a\n");
  EXPECT_EQ(folder.file("second"), kNone);
  EXPECT_FALSE(tracer.main_status().has_value());
  tracer.let_go();
  ASSERT_TRUE(tracer.wait_for_end(kLong));
  EXPECT_EQ(folder.file("second"), "b\n");
  EXPECT_EQ(folder.file("third"), "c\n");
  const auto run = tracer.finish();
  EXPECT_EQ(run.status, 0);
  ASSERT_EQ(run.survivors.size(), 2U);
  EXPECT_EQ(run.survivors[0].role.kind, trace::RoleKind::kMain);
}

// The kernel gives SIGSTOP to one thread, and that may be the one which is kept at its call.
TEST(Hold, AThreadThatTakesNoSignalStopsToo) {
  const TestFolder folder;
  Tracer tracer(folder.spec({"deaf"}),
                holding(folder, fault_at(place("open", "file"),
                                         fault::Kill{.tree = true, .signal = SIGSTOP})));
  ASSERT_TRUE(tracer.wait_until_held(kLong));
  EXPECT_EQ(folder.file("file"), kNone);
  tracer.let_go();
  ASSERT_TRUE(tracer.wait_for_end(kLong));
  EXPECT_EQ(folder.file("file"), "");
  EXPECT_EQ(tracer.finish().status, 0);
}

TEST(Hold, AProgramThatServesIsHeldWhenItIsAsked) {
  const TestFolder folder;
  Tracer tracer(
      folder.spec({"sh", "-c", "while :; do echo x >> log; [ ! -e end ] || exit 3; done"}),
      folder.options());
  while (folder.file("log").size() < 20) {
  }
  tracer.hold();
  ASSERT_TRUE(tracer.wait_until_held(kLong));
  std::ofstream(folder.data() / "end") << "";
  EXPECT_FALSE(tracer.main_status().has_value());
  tracer.let_go();
  ASSERT_TRUE(tracer.wait_for_end(kLong));
  EXPECT_EQ(WEXITSTATUS(*tracer.main_status()), 3);
}

TEST(Hold, WhatIsHeldDiesWithTheTracer) {
  const TestFolder folder;
  pid_t main = 0;
  {
    Tracer tracer(folder.spec({"sh", "-c", "(echo late > file) & wait"}),
                  holding(folder, fault_at(place("open", "file"),
                                           fault::Kill{.tree = true, .signal = SIGSTOP})));
    main = tracer.pid();
    ASSERT_TRUE(tracer.wait_until_held(kLong));
  }
  EXPECT_EQ(::kill(main, 0), -1);
  EXPECT_EQ(folder.file("file"), kNone);
}

// Without survivors to hold it is a fault like any other.
TEST(Hold, MainIsKilledWhoeverIsAtThePlace) {
  const TestFolder folder;
  const auto run =
      folder.run({"sh", "-c", "(echo late > file) & wait"}, {kill_main_at(place("open", "file"))});
  EXPECT_TRUE(WIFSIGNALED(run.status));
  EXPECT_EQ(folder.file("file"), "late\n");
  EXPECT_TRUE(run.survivors.empty());
}

}  // namespace
}  // namespace crashpoint::ptrace
