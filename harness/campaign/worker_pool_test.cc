#include "harness/campaign/worker_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace crashpoint::campaign {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

const Tick kGoOn = [] { return true; };

TEST(WorkerPool, EveryJobIsDoneOnceWhateverTheNumberOfWorkers) {
  for (const unsigned workers : {0u, 1u, 3u, 50u}) {
    std::map<std::size_t, std::string> results;
    EXPECT_TRUE(run_in_workers(
        20, workers,
        [](std::size_t index, const GoOn&) { return std::string(index * 10'000, 'x'); },
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
      [](std::size_t index, const GoOn&) -> std::string {
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
  EXPECT_THAT(deaths, ElementsAre(Pair(2, "killed by SIGKILL"), Pair(4, "exited with status 7")));
  EXPECT_THAT(finished, ElementsAre(0, 1, 3, 5));
}

TEST(WorkerPool, StopsWhenToldToAndLeavesNoWorker) {
  std::set<std::string> pids;
  bool stop = false;
  EXPECT_FALSE(run_in_workers(
      1000, 2, [](std::size_t, const GoOn&) { return std::to_string(::getpid()); },
      [&](std::size_t, const std::string& pid, const std::string&) {
        pids.insert(pid);
        stop = pids.size() == 2;
      },
      [&] { return !stop; }));
  for (const std::string& pid : pids) {
    EXPECT_NE(::kill(std::stoi(pid), 0), 0) << "worker " << pid << " is alive";
  }
}

TEST(WorkerPool, AJobThatEndsEarlyGivesWhatItHas) {
  std::vector<std::string> results;
  int ticks = 0;
  EXPECT_FALSE(run_in_workers(
      4, 2,
      [](std::size_t, const GoOn& go_on) -> std::string {
        while (go_on()) {
          ::usleep(1000);
        }
        return "so far";
      },
      [&](std::size_t, const std::string& result, const std::string&) {
        results.push_back(result);
      },
      [&] { return ++ticks < 2; }));
  EXPECT_THAT(results, ElementsAre("so far", "so far")) << "the other two were not begun";
}

TEST(WorkerPool, WhatAKilledWorkerLeavesRunningIsEnded) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  int ticks = 0;
  run_in_workers(
      1, 1,
      [&](std::size_t, const GoOn&) -> std::string {
        ::close(ends[0]);
        if (::fork() == 0) {
          ::setsid();
          if (::fork() == 0) {
            ::pause();
          }
          ::pause();
        }
        ::raise(SIGKILL);
        return "";
      },
      [](std::size_t, const std::string&, const std::string&) {}, [&] { return ++ticks < 2; });
  ::close(ends[1]);
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 0) << "nobody holds the other end";
  ::close(ends[0]);
}

TEST(WorkerPool, ASignalToTheGroupDoesNotReachWorkers) {
  std::string group;
  run_in_workers(
      1, 1, [](std::size_t, const GoOn&) { return std::to_string(::getpgrp()); },
      [&](std::size_t, const std::string& result, const std::string&) { group = result; }, kGoOn);
  EXPECT_NE(group, std::to_string(::getpgrp()));
}

}  // namespace
}  // namespace crashpoint::campaign
