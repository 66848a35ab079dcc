#include "harness/campaign/worker_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <map>
#include <set>
#include <string>

namespace crashpoint::campaign {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

const Tick kGoOn = [] { return true; };

TEST(WorkerPool, EveryJobIsDoneOnceWhateverTheNumberOfWorkers) {
  for (const unsigned workers : {0u, 1u, 3u, 50u}) {
    std::map<std::size_t, std::string> results;
    EXPECT_TRUE(run_in_workers(
        20, workers, [](std::size_t index) { return std::string(index * 10'000, 'x'); },
        [&](std::size_t index, std::string result, const std::string&) {
          EXPECT_TRUE(results.emplace(index, std::move(result)).second) << index;
        },
        kGoOn));
    ASSERT_EQ(results.size(), 20u);
    EXPECT_EQ(results[7].size(), 70'000u);
  }
}

TEST(WorkerPool, AWorkerThatDiesCostsItsOwnJobOnly) {
  std::map<std::size_t, std::string> deaths;
  std::set<std::size_t> finished;
  run_in_workers(
      6, 2,
      [](std::size_t index) -> std::string {
        if (index == 2) {
          ::raise(SIGKILL);
        }
        if (index == 4) {
          ::_exit(7);
        }
        return "ok";
      },
      [&](std::size_t index, const std::string&, const std::string& died) {
        died.empty() ? static_cast<void>(finished.insert(index))
                     : static_cast<void>(deaths.emplace(index, died));
      },
      kGoOn);
  EXPECT_THAT(deaths, ElementsAre(Pair(2, "killed by signal 9"), Pair(4, "exited with status 7")));
  EXPECT_THAT(finished, ElementsAre(0, 1, 3, 5));
}

TEST(WorkerPool, StopsWhenToldToAndLeavesNoWorker) {
  std::set<std::string> pids;
  bool stop = false;
  EXPECT_FALSE(run_in_workers(
      1000, 2, [](std::size_t) { return std::to_string(::getpid()); },
      [&](std::size_t, const std::string& pid, const std::string&) {
        pids.insert(pid);
        stop = pids.size() == 2;
      },
      [&] { return !stop; }));
  for (const std::string& pid : pids) {
    EXPECT_NE(::kill(std::stoi(pid), 0), 0) << "worker " << pid << " is alive";
  }
}

}  // namespace
}  // namespace crashpoint::campaign
