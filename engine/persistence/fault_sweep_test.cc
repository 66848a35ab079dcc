// Fails the 1st, 2nd, 3rd ... call that changes a file, each in a run of its own, until a run has
// nothing left to fail; then kills the engine and starts another one. Whatever failed:
//   - the next start succeeds,
//   - every write that was acknowledged is there,
//   - nothing is there that no client wrote, and what is there is a prefix of what was executed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "engine/io/syscall_trace_for_test.h"
#include "engine/persistence/engine_for_test.h"

namespace engine::persistence {
namespace {

struct SweepCase {
  const char* name;
  FsyncPolicy policy;
  int error;
  bool short_write;
  bool rdb_preamble;
};

void PrintTo(const SweepCase& c, std::ostream* out) {
  *out << c.name;
}

class FaultSweep : public EngineTest, public ::testing::WithParamInterface<SweepCase> {
 protected:
  // One run in `directory`: returns how many writes were executed and how many of them
  // acknowledged.
  struct Outcome {
    int executed = 0;
    int acked = 0;
  };
  Outcome run(const std::string& directory);
  Settings settings() const {
    Settings settings = aof_settings(GetParam().policy);
    settings.aof_use_rdb_preamble = GetParam().rdb_preamble;
    return settings;
  }
};

FaultSweep::Outcome FaultSweep::run(const std::string& directory) {
  Outcome outcome;
  TestEngine engine(directory, settings(), clock());
  if (!engine.persistence.recover()) {
    return outcome;
  }
  bool alive = true;
  // A turn of the loop; `write`: with a client that writes, if it is let.
  const auto turn = [&](bool write) {
    if (write && engine.persistence.write_refusal().empty()) {
      const std::string key = "k" + std::to_string(outcome.executed);
      engine.step({{"SET", key, std::string(50, 'x')}, {"SET", key + "'", "second half"}});
      ++outcome.executed;
    }
    alive = alive && engine.persistence.before_sleep();
    if (alive && !engine.persistence.must_hold_replies()) {
      outcome.acked = outcome.executed;
    }
    alive = alive && engine.persistence.cron();
  };
  const auto finish_child = [&] {
    while (alive && engine.persistence.has_child()) {
      pollfd ready = {engine.persistence.event_fd(), POLLIN, 0};
      ASSERT_GT(::poll(&ready, 1, 20'000), 0);
      alive = alive && engine.persistence.on_event();
    }
  };
  for (int i = 0; i < 3 && alive; ++i) {
    turn(true);
  }
  if (alive) {
    static_cast<void>(engine.persistence.bgrewriteaof(false));
    turn(true);
    turn(true);
    finish_child();
  }
  for (int i = 0; i < 3 && alive; ++i) {
    turn(true);
  }
  finish_child();
  if (alive) {
    turn(true);
  }
  return outcome;
}

TEST_P(FaultSweep, NoFailingCallCostsAnAcknowledgedWrite) {
  for (std::size_t nth = 1;; ++nth) {
    SCOPED_TRACE("call " + std::to_string(nth) + " fails");
    TempDirectory directory;
    Outcome outcome;
    bool has_failed = false;
    {
      io::SyscallTrace trace(directory.path());
      trace.fail_nth(nth, GetParam().error, GetParam().short_write);
      outcome = run(directory.path());
      has_failed = trace.has_failed();
      if (HasFailure()) {
        FAIL() << trace.text();
      }
    }
    TestEngine after(directory.path(), settings(), clock());
    const Status recovered = after.persistence.recover();
    ASSERT_TRUE(recovered) << recovered.error().message;
    const auto state = after.state();
    ASSERT_EQ(state.size() % 2, 0U) << "half a transaction";
    const int kept = static_cast<int>(state.size() / 2);
    EXPECT_GE(kept, outcome.acked) << "acknowledged writes are lost";
    EXPECT_LE(kept, outcome.executed);
    for (int i = 0; i < kept; ++i) {
      EXPECT_TRUE(state.contains("k" + std::to_string(i))) << i << " is missing in the middle";
    }
    if (!has_failed) {
      EXPECT_EQ(outcome.acked, 9) << "the run without a fault is incomplete";
      EXPECT_GT(nth, 30U) << "too few calls to prove anything";
      return;
    }
    ASSERT_LT(nth, 1000U) << "it never ends";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Policies, FaultSweep,
    ::testing::Values(SweepCase{"AlwaysEio", FsyncPolicy::kAlways, EIO, false, true},
                      SweepCase{"AlwaysShortWrites", FsyncPolicy::kAlways, ENOSPC, true, false},
                      SweepCase{"EverysecEio", FsyncPolicy::kEverysec, EIO, false, false},
                      SweepCase{"EverysecShortWrites", FsyncPolicy::kEverysec, ENOSPC, true, true},
                      SweepCase{"NoShortWrites", FsyncPolicy::kNo, ENOSPC, true, true}),
    [](const auto& sweep) { return sweep.param.name; });

}  // namespace
}  // namespace engine::persistence
