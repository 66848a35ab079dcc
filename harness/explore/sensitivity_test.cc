// Sensitivity of exploration: unmodified servers are run once and recorded; then syscalls of the recording
// are skipped, put in another order or taken for weaker ones, as a server with that bug would have made them.
// Each bug must be found and its cause told, and in the recording as it was nothing may be found.
// (Bugs that a fault or a failpoint plants in a live run: cli/run_explore_test.cc.)
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/glob.h"
#include "harness/base/temporary_directory.h"
#include "harness/crash/image/lay_out.h"
#include "harness/explore/explore.h"
#include "harness/explore/explore_for_test.h"
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
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using trace::Event;
using trace::Op;
using trace::Position;

// ---- a recording, and what can be done to it

// Syscalls of one kind on paths of one glob.
struct Calls {
  std::vector<Op> ops;
  std::string path;

  [[nodiscard]] bool include(const Event& event) const {
    return std::find(ops.begin(), ops.end(), event.op) != ops.end() && !event.not_performed &&
           event.performed >= 0 && event.exit != trace::kNever &&
           (glob_match(path, event.path.str()) ||
            (!event.path2.empty() && glob_match(path, event.path2.str())));
  }
};
Calls sync_of(std::string path) {
  return {{Op::kFsync, Op::kFdatasync}, std::move(path)};
}
Calls write_to(std::string path) {
  return {{Op::kWrite}, std::move(path)};
}
Calls rename_to(std::string path) {
  return {{Op::kRename}, std::move(path)};
}
Calls unlink_of(std::string path) {
  return {{Op::kUnlink}, std::move(path)};
}
Calls creation_of(std::string path) {
  return {{Op::kOpen}, std::move(path)};
}

class Recording {
 public:
  Recording(trace::Trace trace, workload::History history)
      : trace_(std::move(trace)), history_(std::move(history)) {
    // Up to the last reply: what the server does of its own when it is idle depends on the time.
    const auto reply = std::find_if(trace_.events.rbegin(), trace_.events.rend(),
                                    [](const Event& event) { return event.op == Op::kSend; });
    trace_.events.truncate(static_cast<std::size_t>(trace_.events.rend() - reply));
    for (Event& event : trace_.events) {
      event.enter *= kRoom;
      event.exit = event.exit == trace::kNever ? event.exit : event.exit * kRoom;
    }
    trace_.end *= kRoom;
  }

  // All of them are reported done and are not.
  Recording& skip(const Calls& calls) {
    each(calls, [](Event& event) { event.not_performed = true; });
    return *this;
  }
  Recording& skip_last(const Calls& calls) {
    last(calls, trace::kNever).not_performed = true;
    return *this;
  }
  // A torn tail stays, so that what is appended lands behind it.
  Recording& skip_cut(const std::string& path, std::int64_t bytes) {
    skip({{Op::kTruncate}, path});
    each(write_to(path), [&](Event& event) { event.offset += bytes; });
    return *this;
  }
  Recording& turn_into_range_syncs(const Calls& calls) {
    each(calls, [](Event& event) {
      event.op = Op::kSyncRange;
      event.syscall = "sync_file_range";
    });
    return *this;
  }
  // They are made on another file.
  Recording& misdirect(const Calls& calls, const std::string& path) {
    const Event other = last({{Op::kOpen, Op::kRename}, path}, trace::kNever);
    each(calls, [&](Event& event) {
      event.file = other.file;
      event.path = path;
    });
    return *this;
  }
  // Of what was made before the first of `until` (empty: of all): the last of `later` comes to pass just
  // before the last of `earlier` that came before it.
  Recording& put_before(const Calls& later, const Calls& earlier, const Calls& until = {}) {
    Event& moved = last(later, first(until, 0, trace::kNever));
    move(moved, last(earlier, moved.enter).enter);
    return *this;
  }
  // The last of `earlier` comes to pass just after the first of `later` that came after it.
  Recording& put_after(const Calls& earlier, const Calls& later, const Calls& until = {}) {
    Event& moved = last(earlier, first(until, 0, trace::kNever));
    move(moved, first(later, moved.enter, trace_.end) + kRoom);
    return *this;
  }
  // Every reply leaves before the last of `calls` that came before it.
  Recording& reply_before(const Calls& calls) {
    const Position begin = first(calls, 0, trace_.end);
    each({{Op::kSend}, "*"}, [&](Event& event) {
      if (event.enter > begin) {
        shift(event, last(calls, event.enter).enter);
      }
    });
    return in_order();
  }
  // What a rename replaces is removed just before it.
  Recording& unlink_before(const Calls& renames) {
    Event removal = last(renames, trace::kNever);
    shift(removal, removal.enter);
    removal.op = Op::kUnlink;
    removal.syscall = "unlink";
    removal.path = std::exchange(removal.path2, {});
    removal.file = std::exchange(removal.file2, 0);
    trace_.events.push_back(removal);
    return in_order();
  }

  [[nodiscard]] std::shared_ptr<const trace::Trace> trace() const {
    return std::make_shared<const trace::Trace>(trace_);
  }
  [[nodiscard]] workload::History history() const {
    workload::History history = history_;
    workload::fill_acks(history, trace_);
    workload::fill_snapshots(history, trace_);
    return history;
  }

 private:
  static constexpr Position kRoom = 64;  // between two positions of the run

  template <typename Use>
  void each(const Calls& calls, const Use& use) {
    for (Event& event : trace_.events) {
      if (calls.include(event)) {
        use(event);
      }
    }
  }
  Event& last(const Calls& calls, Position before) {
    const auto none = std::make_reverse_iterator(trace_.events.begin());
    const auto found = std::find_if(
        std::make_reverse_iterator(trace_.events.end()), none,
        [&](const Event& event) { return event.enter < before && calls.include(event); });
    if (found == none) {
      throw std::logic_error("the run made no such call on " + calls.path);
    }
    return *found;
  }
  // When the first of them after `from` was entered.
  [[nodiscard]] Position first(const Calls& calls, Position from, Position none) const {
    for (const Event& event : trace_.events) {
      if (event.enter > from && calls.include(event)) {
        return event.enter;
      }
    }
    return none;
  }
  static void shift(Event& event, Position before) {
    event.enter = before - 2;
    event.exit = before - 1;
  }
  void move(Event& event, Position before) {
    shift(event, before);
    in_order();
  }
  Recording& in_order() {
    std::stable_sort(trace_.events.begin(), trace_.events.end(),
                     [](const Event& a, const Event& b) { return a.enter < b.enter; });
    return *this;
  }

  trace::Trace trace_;
  workload::History history_;
};

// ---- a target that is recorded and recovered

struct Bug {
  std::string name;
  std::function<void(Recording&)> plant;
  std::string cause;       // part of how it is told
  bool everywhere = true;  // else xfs, where names are journaled in order, forgives it
};

constexpr const char* kLog = "*.incr.aof";
constexpr const char* kManifest = "*appendonly.aof.manifest";
constexpr const char* kBase = "*.base.rdb";
constexpr const char* kTempBase = "*temp-rewriteaof*";
constexpr const char* kDirectory = "appendonlydir";

class Sensitivity : public ::testing::Test {
 protected:
  Sensitivity() { ::setenv("CRASHPOINT_ENGINE", CRASHPOINT_ENGINE_BINARY, 1); }

  void use(const std::string& target, const std::string& config, const std::string& workload,
           const std::string& files = "{}") {
    const std::filesystem::path file = folder_.path() / "case.json";
    std::ofstream(file) << fmt::format(
        R"({{"version": 1, "summary": "A test.", "target": {{"use": "{}", "config": {{{}}}}},
            "workload": [{}], "files": {}, "oracle": {{"idempotent": false}}}})",
        target, config, workload, files);
    case_ = scenario::load({file.string()}).cases.at(0);
    program_ = recovery::find_program(case_.target, folder_.path());
  }

  Recording record() {
    const std::filesystem::path data = folder_.path() / "data";
    crash::lay_out(crash::image_of(case_.files), data);
    recovery::LiveTarget target(program_, case_.target, data, folder_.path() / "run", {});
    if (!target.wait_ready(std::chrono::seconds(20)).ready()) {
      throw std::runtime_error("the target did not start: " + target.log());
    }
    workload::Plan plan = case_.workload;
    workload::Run run = workload::run(plan, target.endpoint());
    target.tracer().kill_tree();
    return {target.tracer().finish().trace, std::move(run.history)};
  }

  Exploration explore(const Recording& recording, Prune prune = Prune::kEqual) {
    ExploreOptions options;
    options.prune = prune;
    for (const CrashKind kind : {CrashKind::kProcessKill, CrashKind::kPowerLoss}) {
      options.guarantees[kind] =
          oracle::derive_guarantee(case_.target.config, kind, program_.everysec_loss).guarantee;
    }
    options.profile = *crash::find_profile(profile_);
    options.torn_writes = crash::TornWrites::kNone;
    options.samples_per_point = 0;
    options.max_states = kStatesMax;
    options.folder = folder_.path();
    const workload::History history = recording.history();
    const oracle::Judge judge(history);
    return explore::explore(
        recording.trace(), judge,
        [this](unsigned,
               const std::filesystem::path& folder) -> std::unique_ptr<recovery::Recoverer> {
          std::unique_ptr<recovery::Recoverer> real;
          if (program_.use == "engine") {
            real = std::make_unique<recovery::EngineRecoverer>(program_, case_, folder);
          } else {
            real = std::make_unique<recovery::LiveRecoverer>(program_, case_, folder);
          }
          return std::make_unique<Memory::Remembering>(memory_, std::move(real));
        },
        options);
  }

  void expect_found(const std::vector<Bug>& bugs) {
    const Recording recording = record();
    const Exploration correct = explore(recording);
    EXPECT_THAT(told(correct), IsEmpty()) << "in the run as it was";
    EXPECT_EQ(correct.inconclusive, "");
    for (const Bug& bug : bugs) {
      if (profile_ != "xfs" || bug.everywhere) {
        SCOPED_TRACE(bug.name);
        Recording changed = recording;
        bug.plant(changed);
        EXPECT_THAT(told(explore(changed)), Contains(HasSubstr(bug.cause)));
        if (program_.use == "engine") {  // once is enough, and this one is fast
          EXPECT_THAT(told(explore(changed, Prune::kRepresentative)),
                      Contains(HasSubstr(bug.cause)))
              << "among representatives";
        }
      }
    }
  }

  // The telling ones of all points come first. How many these are varies with how parent and child meet.
  static constexpr std::uint64_t kStatesMax = 400;

  // On tmpfs, where there is one: an engine that recovers syncs.
  TemporaryDirectory folder_{std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : ""};
  scenario::Case case_;
  recovery::Program program_;
  Memory memory_;  // most states of one bug are states of the others too
  std::string profile_ = "weakest";
};

constexpr const char* kAlways = R"("appendonly": "yes", "appendfsync": "always", "save": "")";
constexpr const char* kSnapshots = R"("appendonly": "no", "save": "")";
constexpr const char* kTwoWrites = R"({"commands": [["SET", "a", "1"], ["SET", "b", "2"]]})";
constexpr const char* kRewrite = R"({"commands": [["SET", "a", "1"]]},
    {"admin": ["BGREWRITEAOF"], "wait": "done"}, {"commands": [["SET", "b", "2"]]})";
constexpr const char* kTwoSaves = R"({"commands": [["SET", "a", "1"]]}, {"admin": ["SAVE"]},
    {"commands": [["SET", "a", "2"]]}, {"admin": ["SAVE"]}, {"commands": [["SET", "b", "1"]]})";

const std::string kLogLost =
    "appendonly.aof.1.incr.aof lost: appendonlydir/appendonly.aof.1.incr.aof was not synced";
const std::string kManifestLost =
    "to appendonlydir/temp-appendonly.aof.manifest did not: "
    "appendonlydir/temp-appendonly.aof.manifest was not synced in between";
const std::string kRenameOfManifest =
    "rename of appendonlydir/temp-appendonly.aof.manifest to appendonlydir/appendonly.aof.manifest";
const std::string kSnapshotLost = ".rdb was not synced";
const Calls kRemovals = unlink_of("*.1.*");

const std::vector<Bug> kLogBugs = {
    {"TheLogIsNotSynced", [](Recording& run) { run.skip(sync_of(kLog)); },
     kLogLost + " [already with prefix: any power loss]"},
    {"SyncFileRangeIsTakenForASync",
     [](Recording& run) { run.turn_into_range_syncs(sync_of(kLog)); },
     kLogLost + " (sync_file_range makes nothing durable)"},
    {"TheWrongFileIsSynced",
     [](Recording& run) { run.misdirect(sync_of(kLog), "appendonlydir/appendonly.aof.manifest"); },
     kLogLost},
    {"RepliesLeaveBeforeTheSync", [](Recording& run) { run.reply_before(sync_of(kLog)); },
     kLogLost},
    {"RepliesLeaveBeforeTheWrite", [](Recording& run) { run.reply_before(write_to(kLog)); },
     "kill guarantee: nothing needs to be lost: any crash"},
    {"TheWritesAreNotMade", [](Recording& run) { run.skip(write_to(kLog)); },
     "kill guarantee: nothing needs to be lost: any crash"},
    {"TheFirstManifestIsNotSynced", [](Recording& run) { run.skip(sync_of(kManifest)); },
     "appendonlydir/temp-appendonly.aof.manifest was not synced"},
    {"TheDirectoryIsNotSynced", [](Recording& run) { run.skip(sync_of(kDirectory)); },
     kRenameOfManifest + " lost: directory appendonlydir was not synced [btrfs and weakest]",
     false},
    {"TheDirectoryIsNotSyncedInItsParent", [](Recording& run) { run.skip(sync_of(".")); },
     "mkdir of appendonlydir lost: directory . was not synced [weakest only]", false},
};

const std::vector<Bug> kRewriteBugs = {
    {"TheManifestIsNotSynced", [](Recording& run) { run.skip_last(sync_of(kManifest)); },
     kManifestLost},
    {"TheManifestIsRenamedBeforeItIsSynced",
     [](Recording& run) { run.put_before(rename_to(kManifest), sync_of(kManifest)); },
     kManifestLost},
    {"TheManifestIsSyncedBeforeItIsWritten",
     [](Recording& run) { run.put_before(sync_of(kManifest), write_to(kManifest)); },
     kManifestLost},
    {"TheBaseIsNotSynced", [](Recording& run) { run.skip(sync_of(kTempBase)); },
     ".aof was not synced in between"},
    {"TheBaseIsSyncedWhenOldFilesAreGone",
     [](Recording& run) { run.put_after(sync_of(kTempBase), kRemovals); },
     ".aof was not synced in between"},
    {"TheManifestNamesABaseThatIsNotThereYet",
     [](Recording& run) { run.put_after(rename_to(kBase), rename_to(kManifest)); },
     "kill start: nothing needs to be lost: any crash during " + kRenameOfManifest},
    {"OldFilesAreRemovedBeforeTheManifestLetsThemGo",
     [](Recording& run) { run.put_before(kRemovals, rename_to(kBase)); },
     "kill start: nothing needs to be lost: any crash during unlink of"},
    {"TheManifestNamesAnIncrementThatIsNotThereYet",
     [](Recording& run) { run.put_after(creation_of(kLog), rename_to(kManifest)); },
     "kill start: nothing needs to be lost: any crash during " + kRenameOfManifest, false},
    {"TheDirectoryIsSyncedBeforeTheManifestIsRenamed",
     [](Recording& run) { run.put_before(sync_of(kDirectory), rename_to(kManifest), kRemovals); },
     kRenameOfManifest + " did not: directory appendonlydir was not synced in between", false},
    {"TheDirectoryIsSyncedWhenOldFilesAreGone",
     [](Recording& run) { run.put_after(sync_of(kDirectory), kRemovals, kRemovals); },
     kRenameOfManifest + " did not: directory appendonlydir was not synced in between", false},
};

const std::vector<Bug> kSnapshotBugs = {
    {"TheSnapshotIsNotSynced", [](Recording& run) { run.skip(sync_of("temp-*.rdb")); },
     kSnapshotLost},
    {"SyncFileRangeIsTakenForASync",
     [](Recording& run) { run.turn_into_range_syncs(sync_of("temp-*.rdb")); },
     kSnapshotLost + " (sync_file_range makes nothing durable)"},
    {"TheWrongFileIsSynced",
     [](Recording& run) { run.misdirect(sync_of("temp-*.rdb"), "dump.rdb"); }, kSnapshotLost},
    {"TheSnapshotIsRenamedBeforeItIsSynced",
     [](Recording& run) { run.put_before(rename_to("dump.rdb"), sync_of("temp-*.rdb")); },
     kSnapshotLost},
    {"TheSnapshotIsSyncedBeforeItIsWritten",
     [](Recording& run) { run.put_before(sync_of("temp-*.rdb"), write_to("temp-*.rdb")); },
     kSnapshotLost},
    {"TheDirectoryIsNotSynced", [](Recording& run) { run.skip(sync_of(".")); },
     "to dump.rdb lost: directory . was not synced [already with prefix: any power loss]"},
    {"TheDirectoryIsSyncedBeforeTheRename",
     [](Recording& run) { run.put_before(sync_of("."), rename_to("dump.rdb")); },
     "to dump.rdb lost: directory . was not synced [already with prefix: any power loss]"},
    {"TheOldSnapshotIsRemovedBeforeTheRename",
     [](Recording& run) { run.unlink_before(rename_to("dump.rdb")); },
     "kill guarantee: nothing needs to be lost: any crash during unlink of dump.rdb"},
};

// A log whose last record is cut off.
const char* const kTornFiles = R"({
    "appendonlydir/appendonly.aof.manifest": "file appendonly.aof.1.incr.aof seq 1 type i\n",
    "appendonlydir/appendonly.aof.1.incr.aof": "*3\r\n$3\r\nSE"})";
const std::vector<Bug> kTailBugs = {
    {"TheTornTailIsNotCutOff", [](Recording& run) { run.skip_cut(kLog, 11); },
     "kill start: nothing needs to be lost: any crash"},
};

TEST_F(Sensitivity, BugsInTheLogOfTheEngineAreFound) {
  use("engine", kAlways, kTwoWrites);
  expect_found(kLogBugs);
}
TEST_F(Sensitivity, BugsInTheRewriteOfTheEngineAreFound) {
  use("engine", kAlways, kRewrite);
  expect_found(kRewriteBugs);
}
TEST_F(Sensitivity, BugsInTheSnapshotsOfTheEngineAreFound) {
  use("engine", kSnapshots, kTwoSaves);
  expect_found(kSnapshotBugs);
}
TEST_F(Sensitivity, ATornTailThatTheEngineLeavesIsFound) {
  use("engine", kAlways, kTwoWrites, kTornFiles);
  expect_found(kTailBugs);
}

// Under xfs: elsewhere redis-server has findings of its own.
TEST_F(Sensitivity, BugsInTheLogOfRedisAreFound) {
  use("redis", kAlways, kTwoWrites);
  profile_ = "xfs";
  expect_found(kLogBugs);
}
TEST_F(Sensitivity, BugsInTheRewriteOfRedisAreFound) {
  use("redis", kAlways, kRewrite);
  profile_ = "xfs";
  expect_found(kRewriteBugs);
}
TEST_F(Sensitivity, BugsInTheSnapshotsOfRedisAreFound) {
  use("redis", kSnapshots, kTwoSaves);
  expect_found(kSnapshotBugs);
}
TEST_F(Sensitivity, ATornTailThatRedisLeavesIsFound) {
  use("redis", kAlways, kTwoWrites, kTornFiles);
  profile_ = "xfs";
  expect_found(kTailBugs);
}

}  // namespace
}  // namespace crashpoint::explore
