// Sensitivity of power loss and exploration, from the command line: durability bugs planted in the engine, and
// syncs that a lying disk skips under an unmodified engine and redis-server. Each is found, with its cause.
// (campaign/sensitivity_test.cc has many more, in recorded runs. The catalogue shows that correct targets pass.)
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <ostream>
#include <string>

#include "harness/base/temporary_directory.h"
#include "harness/base/text.h"
#include "harness/cli/shell_for_test.h"

namespace crashpoint {
namespace {

using ::testing::HasSubstr;

constexpr const char* kLogAlways =
    R"("config": { "appendonly": "yes", "appendfsync": "always", "save": "" })";
constexpr const char* kLogWithoutSync =
    R"("config": { "appendonly": "yes", "appendfsync": "no", "save": "" })";
constexpr const char* kSnapshots = R"("config": { "appendonly": "no", "save": "" })";
constexpr const char* kTwoWrites =
    R"("workload": [ { "commands": [["SET", "a", "1"], ["SET", "b", "2"]] } ])";
constexpr const char* kRewrite = R"("workload": [ { "commands": [["SET", "a", "1"]] },
    { "admin": ["BGREWRITEAOF"], "wait": "done" }, { "commands": [["SET", "b", "2"]] } ])";
constexpr const char* kRewriteUnderWrites = R"("workload": [ { "commands": [["SET", "a", "1"]] },
    { "admin": ["BGREWRITEAOF"] }, { "commands": [["SET", "b", "2"], ["SET", "c", "3"]] } ])";
constexpr const char* kBackgroundSave = R"("workload": [ { "commands": [["SET", "a", "1"]] },
    { "admin": ["BGSAVE"], "wait": "done" } ])";
constexpr const char* kAtTheEnd = R"("crash": "power-loss")";
constexpr const char* kAlongTheRun =
    R"("crash": { "explore": { "samples_per_point": 0, "torn_writes": "none" } })";
constexpr const char* kAtSyncsAndRenames = R"("crash": { "explore": { "kinds": ["power-loss"],
    "points": "every-persistence-point", "samples_per_point": 0, "torn_writes": "none" } })";
// redis-server does not sync the directory that holds appendonlydir, which ext4 forgives.
constexpr const char* kAtTheEndOnExt4 = R"("crash": { "explore": { "kinds": ["power-loss"],
    "points": "crash", "profile": "ext4-ordered" } })";

struct Planted {
  std::string name;
  std::string use;
  std::string config;
  std::string workload;
  std::string crash;
  std::string bug;    // a failpoint of the engine, or what is skipped: "fsync *.rdb"
  std::string cause;  // what the report says
};
std::ostream& operator<<(std::ostream& out, const Planted& planted) {
  return out << planted.name;
}

class PlantedBug : public ::testing::TestWithParam<Planted> {
 protected:
  Outcome run() const {
    const Planted& planted = GetParam();
    std::string target = R"("use": ")" + planted.use + R"(", )" + planted.config;
    std::string faults;
    if (planted.bug.starts_with("planted/")) {
      target += R"(, "arguments": ["--failpoint", ")" + planted.bug + R"("])";
    } else {
      const std::size_t space = planted.bug.find(' ');
      faults = R"("faults": [ { "at": { "syscall": ")" + planted.bug.substr(0, space) +
               R"(", "path": ")" + planted.bug.substr(space + 1) +
               R"(", "nth": "every" }, "do": { "skip": true } } ], )";
    }
    const std::filesystem::path file = folder_.path() / "planted.json";
    std::ofstream(file)
        << R"({ "version": 1, "name": "planted", "summary": "A test.", "target": { )" << target
        << " }, " << faults << planted.workload << ", " << planted.crash
        << R"(, "oracle": { "idempotent": false, "usable": false } })";
    return shell("CRASHPOINT_ENGINE=" + shell_quote(CRASHPOINT_ENGINE_BINARY) + " " +
                 shell_quote(CRASHPOINT_BINARY) + " run -j 1 " + known() +
                 shell_quote(file.string()));
  }

  // What is known of redis-server hides none of it.
  static std::string known() {
    return GetParam().use == "redis"
               ? "--known " +
                     shell_quote(CRASHPOINT_SOURCE_DIR "/scenarios/_known/redis-7.0.json") + " "
               : std::string();
  }

  TemporaryDirectory folder_;
};

TEST_P(PlantedBug, IsFoundWithItsCause) {
  const Outcome outcome = run();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr(GetParam().cause));
}

const Planted kPlanted[] = {
    {"EngineSkipsTheSyncOfTheLog", "engine", kLogAlways, kTwoWrites, kAtTheEnd,
     "planted/skip-fsync",
     "appendonly.aof.1.incr.aof was not synced. Permitted by: already with prefix"},
    {"EngineRepliesBeforeItAppends", "engine", kLogAlways, kTwoWrites, kAlongTheRun,
     "planted/reply-before-append", "nothing needs to be lost: any crash"},
    {"EngineSkipsTheDirectorySyncOfTheManifest", "engine", kLogAlways, kRewrite, kAtSyncsAndRenames,
     "planted/skip-manifest-directory-sync", "directory appendonlydir was not synced"},
    // Only bytes of the new log without those of the one before show it: all else is a prefix.
    {"EngineSkipsTheSyncOfTheLogThatItReplaces", "engine", kLogWithoutSync, kRewriteUnderWrites,
     kAlongTheRun, "planted/skip-sync-of-the-replaced-log",
     "appendonly.aof.1.incr.aof was not synced"},
    {"EngineSkipsTheSyncOfASnapshot", "engine", kSnapshots, kBackgroundSave, kAtTheEnd,
     "planted/skip-snapshot-fsync", ".rdb was not synced"},
    {"LogOnALyingDisk", "engine", kLogAlways, kTwoWrites, kAtTheEnd, "fdatasync *.incr.aof",
     "appendonly.aof.1.incr.aof was not synced"},
    {"RedisLogOnALyingDisk", "redis", kLogAlways, kTwoWrites, kAtTheEndOnExt4,
     "fdatasync *.incr.aof", "appendonly.aof.1.incr.aof was not synced"},
};

INSTANTIATE_TEST_SUITE_P(PowerLoss, PlantedBug, ::testing::ValuesIn(kPlanted),
                         [](const auto& test) { return test.param.name; });

// With every sync done, nothing is found at the end of the run. (In a second life, whose crash states are taken
// along the run, it is: zeros at the end of the log, with which redis-server does not start.)
TEST(PowerLossOnRedis, IsSurvivedOnExt4WithEverySyncDone) {
  const TemporaryDirectory folder;
  const std::filesystem::path file = folder.path() / "whole.json";
  std::ofstream(file) << R"({ "version": 1, "name": "whole", "summary": "A test.",
      "target": { "use": "redis", )"
                      << kLogAlways << " }, " << kTwoWrites << ", " << kAtTheEndOnExt4
                      << R"(, "oracle": { "usable": false, "continues": false } })";
  const Outcome outcome =
      shell(shell_quote(CRASHPOINT_BINARY) + " run " + shell_quote(file.string()));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
}

}  // namespace
}  // namespace crashpoint
