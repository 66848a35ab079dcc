// On the exploring scenarios of the catalogue: what pruning leaves out costs no finding. Each is run once and
// recorded; then the recording is explored without pruning, with all states that differ, and with representatives.
//
// By default a part of one, on redis-server, which has findings of its own. With
// CRASHPOINT_PRUNE_CATALOGUE set, all of them on redis-server and on the engine, the latter also with a bug
// planted (an engine that syncs nothing); that takes minutes, and prints what each tried.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <limits>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/temporary_directory.h"
#include "harness/crash/image/lay_out.h"
#include "harness/explore/explore.h"
#include "harness/explore/explore_for_test.h"
#include "harness/explore/recovery_equivalence.h"
#include "harness/oracle/derive_guarantee.h"
#include "harness/recovery/engine_recoverer.h"
#include "harness/recovery/live_recoverer.h"
#include "harness/recovery/live_target.h"
#include "harness/recovery/program.h"
#include "harness/scenario/load/load.h"
#include "harness/workload/acks.h"
#include "harness/workload/runner.h"

namespace crashpoint::explore {
namespace {

using oracle::CrashKind;
using ::testing::UnorderedElementsAreArray;

struct Subject {
  std::string scenario;  // below scenarios/
  std::string target;
  bool syncs_nothing = false;
  std::uint64_t last_point = std::numeric_limits<std::uint64_t>::max();
};
std::ostream& operator<<(std::ostream& out, const Subject& subject) {
  return out << subject.scenario << " on " << subject.target
             << (subject.syncs_nothing ? " that syncs nothing" : "");
}

class Pruned : public ::testing::TestWithParam<Subject> {
 protected:
  void record() {
    ::setenv("CRASHPOINT_ENGINE", CRASHPOINT_ENGINE_BINARY, 1);
    const std::string file =
        fmt::format("{}/scenarios/{}.json", CRASHPOINT_SOURCE_DIR, GetParam().scenario);
    scenario::LoadOptions options;
    options.target = GetParam().target;
    case_ = scenario::load({file}, options).cases.at(0);
    case_.oracle.idempotent = false;
    program_ = recovery::find_program(case_.target, folder_.path());
    const std::filesystem::path data = folder_.path() / "data";
    crash::lay_out(crash::image_of({}), data);
    recovery::LiveTarget target(program_, case_.target, data, folder_.path() / "run", {});
    if (!target.wait_ready(std::chrono::seconds(20)).ready()) {
      throw std::runtime_error("the target did not start: " + target.log());
    }
    workload::Run run = workload::run(case_.workload, target.endpoint());
    target.tracer().kill_tree();
    trace_ = target.tracer().finish().trace;
    if (GetParam().syncs_nothing) {
      for (trace::Event& event : trace_.events) {
        event.not_performed =
            event.not_performed ||
            ((event.op == trace::Op::kFsync || event.op == trace::Op::kFdatasync) && event.inside);
      }
    }
    history_ = std::move(run.history);
    workload::fill_acks(history_, trace_);
    workload::fill_snapshots(history_, trace_);
  }

  Exploration explore(Prune prune, bool observe = true) {
    const scenario::Explore& asked = case_.crash.explore.value();
    ExploreOptions options;
    for (const CrashKind kind : asked.kinds) {
      options.guarantees[kind] =
          case_.oracle.guarantee
              ? *case_.oracle.guarantee
              : oracle::derive_guarantee(case_.target.config, kind, program_.everysec_loss)
                    .guarantee;
    }
    options.profile = asked.profile;
    options.points.persistence_points_only =
        asked.points.kind == scenario::Points::Kind::kPersistencePoint;
    options.points.last = last_point_;
    options.torn_writes = crash::TornWrites::kSector;
    options.samples_per_point = asked.samples_per_point;
    options.max_states = 10'000'000;
    options.prune = prune;
    options.seed = case_.seed;
    options.folder = folder_.path();
    options.jobs = 2;
    const oracle::Judge judge(history_);
    return explore::explore(
        std::make_shared<const trace::Trace>(trace_), judge,
        [&](unsigned, const std::filesystem::path& folder) -> std::unique_ptr<recovery::Recoverer> {
          if (program_.use == "engine") {
            return std::make_unique<Memory::Remembering>(
                memory_, std::make_unique<recovery::EngineRecoverer>(program_, case_, folder));
          }
          return std::make_unique<Memory::Remembering>(
              observe ? memory_ : blind_memory_,
              std::make_unique<recovery::LiveRecoverer>(program_, case_, folder, observe));
        },
        options);
  }

  static void print(const char* prune, const Exploration& exploration) {
    std::uint64_t tried = 0;
    for (const StateAccount& account : exploration.accounts) {
      tried += account.tried;
    }
    fmt::print("  {:15} {:>7} states tried, {:>5} recovered, {:>2} findings\n", prune, tried,
               exploration.recovered + exploration.explaining, exploration.findings.size());
  }

  std::uint64_t last_point_ = GetParam().last_point;
  // On tmpfs, where there is one: an engine that recovers syncs.
  TemporaryDirectory folder_{std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : ""};
  scenario::Case case_;
  recovery::Program program_;
  trace::Trace trace_;
  workload::History history_;
  Memory memory_;
  Memory blind_memory_;
};

TEST_P(Pruned, RepresentativesAndStatesThatDifferHaveAllFindings) {
  record();
  const Exploration none = explore(Prune::kNone);
  const Exploration equal = explore(Prune::kEqual);
  const Exploration representative = explore(Prune::kRepresentative);
  fmt::print("{}\n", ::testing::PrintToString(GetParam()));
  print("none", none);
  print("equal", equal);
  print("representative", representative);
  EXPECT_THAT(told(equal), UnorderedElementsAreArray(told(none)));
  EXPECT_THAT(told(representative), UnorderedElementsAreArray(told(none)));
  EXPECT_LT(representative.recovered, none.recovered);
}

TEST_P(Pruned, StatesThatRecoveryCannotTellApartAreJudgedAsIfEachWereRecovered) {
  record();
  if (last_point_ != std::numeric_limits<std::uint64_t>::max()) {
    last_point_ /= 2;  // of a part a smaller one: here each does take a start
  }
  const Exploration each = explore(Prune::kEqual, /*observe=*/false);
  const Exploration alike = explore(Prune::kEqual);
  EXPECT_EQ(told(alike), told(each));
  for (std::size_t i = 0; i < each.accounts.size(); ++i) {
    EXPECT_EQ(alike.accounts[i].tried, each.accounts[i].tried);
    EXPECT_EQ(alike.accounts[i].violating, each.accounts[i].violating);
  }
  for (std::size_t i = 0; i < each.findings.size() && i < alike.findings.size(); ++i) {
    EXPECT_EQ(alike.findings[i].states, each.findings[i].states);
    EXPECT_EQ(alike.findings[i].image.digest(), each.findings[i].image.digest());
  }
}

std::vector<Subject> subjects() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe)
  if (std::getenv("CRASHPOINT_PRUNE_CATALOGUE") == nullptr) {
    return {{"explore/crash-during-recovery", "redis", false, /*last_point=*/13}};
  }
  std::vector<Subject> all;
  for (const char* const name :
       {"crash-during-recovery", "every-moment-of-always", "everysec", "log-switched-on",
        "no-fsync", "rewrite-under-writes", "rewrite-when-idle", "snapshots"}) {
    const std::string scenario = std::string("explore/") + name;
    all.push_back({scenario, "engine"});
    all.push_back({scenario, "engine", /*syncs_nothing=*/true});
    all.push_back({scenario, "redis"});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(OnTheCatalogue, Pruned, ::testing::ValuesIn(subjects()));

}  // namespace
}  // namespace crashpoint::explore
