#include "engine/io/failpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>

#include <fiu-control.h>

#include "engine/io/scoped_failpoint_for_test.h"

namespace engine::io {
namespace {

// Takes the tracer's place, see prctl() below.
struct {
  std::set<std::string> asked;
  std::string answer_to;  // a name, answered with EIO
} tracer;

}  // namespace
}  // namespace engine::io

// Replaces the C library's in the test binary: answers as the tracer does, and lets all others
// pass.
extern "C" int prctl(int option, ...) {
  va_list list;
  va_start(list, option);
  unsigned long arguments[4];
  for (unsigned long& argument : arguments) {
    argument = va_arg(list, unsigned long);
  }
  va_end(list);
  constexpr int kFailpoint = 0x43505046;
  if (option == kFailpoint && !engine::io::tracer.answer_to.empty()) {
    const char* const name =
        reinterpret_cast<const char*>(arguments[0]);  // NOLINT(performance-no-int-to-ptr)
    engine::io::tracer.asked.insert(name);
    return engine::io::tracer.answer_to == name ? EIO : 0;
  }
  return static_cast<int>(
      ::syscall(SYS_prctl, option, arguments[0], arguments[1], arguments[2], arguments[3]));
}

namespace engine::io {
namespace {

using ::testing::HasSubstr;

struct FailpointDeathTest : ::testing::Test {};

TEST(Failpoint, GoesOnWhenNothingIsArmed) {
  EXPECT_EQ(failpoint("aof/append/before-write"), 0);
}

std::atomic<bool> is_passing = false;
std::atomic<bool> has_passed = false;

int pass_slowly(const char*, int*, void**, unsigned int*) {
  is_passing = true;
  ::usleep(50'000);
  has_passed = true;
  return 0;
}

// libfiu has locks of its own: one that another thread holds during a fork stays locked in the
// child for ever.
TEST(Failpoint, AForkWaitsUntilNoOtherThreadIsInOne) {
  init_failpoints();
  ASSERT_EQ(fiu_enable_external("aof/append/before-fsync", 1, nullptr, 0, pass_slowly), 0);
  std::thread other([] { static_cast<void>(failpoint("aof/append/before-fsync")); });
  while (!is_passing) {
    std::this_thread::yield();
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(has_passed && failpoint("aof/append/before-write") == 0 ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  other.join();
  fiu_disable("aof/append/before-fsync");
}

TEST(Failpoint, EveryNameIsUniqueAndDescribed) {
  std::set<std::string> names;
  for (const Failpoint& point : failpoints()) {
    EXPECT_TRUE(names.insert(point.name).second) << point.name << " is listed twice";
    EXPECT_STRNE(point.description, "") << point.name;
  }
}

// Each case arms in a child process, since an armed point stays armed.
int exit_code_after_arming(const char* specification, int passages) {
  if (!arm_failpoint(specification)) {
    return 100;
  }
  int last = 0;
  for (int i = 0; i < passages; ++i) {
    last = failpoint("aof/append/before-write");
  }
  return last;
}

TEST_F(FailpointDeathTest, InjectsTheErrnoOnEveryPassage) {
  EXPECT_EXIT(std::exit(exit_code_after_arming("aof/append/before-write:error=ENOSPC", 3)),
              ::testing::ExitedWithCode(ENOSPC), "");
}

TEST_F(FailpointDeathTest, WithANumberActsOnThatPassageOnly) {
  EXPECT_EXIT(std::exit(exit_code_after_arming("aof/append/before-write:2:error=EIO", 2)),
              ::testing::ExitedWithCode(EIO), "");
  EXPECT_EXIT(std::exit(exit_code_after_arming("aof/append/before-write:2:error=EIO", 3)),
              ::testing::ExitedWithCode(0), "");
}

TEST_F(FailpointDeathTest, KillsByDefault) {
  EXPECT_EXIT(std::exit(exit_code_after_arming("aof/append/before-write:3", 2)),
              ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(std::exit(exit_code_after_arming("aof/append/before-write:3", 3)),
              ::testing::KilledBySignal(SIGKILL), "");
}

TEST_F(FailpointDeathTest, PlantedBugsTriggerByDefault) {
  EXPECT_EXIT(
      {
        const bool armed = arm_failpoint("planted/reply-before-append").has_value();
        std::exit(armed && failpoint("planted/reply-before-append") == 1 ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

// Without a tracer the kernel answers the pseudo-syscall with EINVAL.
TEST_F(FailpointDeathTest, TracedModeWithoutATracerGoesOn) {
  EXPECT_EXIT(
      {
        setenv("CRASHPOINT_FAILPOINTS", "traced", 1);
        init_failpoints();
        std::exit(failpoint("aof/append/before-write"));
      },
      ::testing::ExitedWithCode(0), "");
}

// 0: it was asked about both points by name, and its answer came back.
int exit_code_after_asking_the_tracer() {
  setenv("CRASHPOINT_FAILPOINTS", "traced", 1);
  tracer.answer_to = "aof/append/after-write";
  init_failpoints();
  const bool answered =
      failpoint("aof/append/before-write") == 0 && failpoint("aof/append/after-write") == EIO;
  const std::set<std::string> names = {"aof/append/before-write", "aof/append/after-write"};
  return answered && tracer.asked == names ? 0 : 1;
}

TEST_F(FailpointDeathTest, TracedModeAsksTheTracerByTheNameOfThePoint) {
  EXPECT_EXIT(std::exit(exit_code_after_asking_the_tracer()), ::testing::ExitedWithCode(0), "");
}

TEST(Failpoint, RefusesABadSpecificationInWords) {
  EXPECT_THAT(arm_failpoint("aof/append/befor-write").error().message,
              HasSubstr("no failpoint is called 'aof/append/befor-write'"));
  EXPECT_THAT(arm_failpoint("aof/append/before-write:0").error().message,
              HasSubstr("NTH counts from 1"));
  EXPECT_THAT(arm_failpoint("aof/append/before-write:explode").error().message,
              HasSubstr("unknown action 'explode'"));
  EXPECT_THAT(arm_failpoint("aof/append/before-write:error=EWHAT").error().message,
              HasSubstr("unknown errno 'EWHAT'"));
  EXPECT_THAT(arm_failpoint("aof/append/before-write:1:kill:kill").error().message,
              HasSubstr("too many fields"));
}

}  // namespace
}  // namespace engine::io
