// What a start makes of what it finds, beyond the single file (engine/aof/replay_test.cc): which
// files count, what takes their place, and what is refused.
#include "engine/persistence/recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "engine/io/scoped_failpoint_for_test.h"
#include "engine/io/syscall_trace_for_test.h"
#include "engine/persistence/engine_for_test.h"

namespace engine::persistence {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using State = std::map<std::string, std::string>;

const std::string kSetA1 = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
const std::string kSetB2 = "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n";

class RecoveryTest : public EngineTest {
 protected:
  std::string manifest() const { return read_test_file(aof_file("appendonly.aof.manifest")); }
  // A log with a base holding a=1 and an increment holding b=2.
  void make_log() {
    auto engine = start(aof_settings());
    engine->set("a", "1");
    ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
    wait_for_child(*engine);
    engine->set("b", "2");
  }
};

// --- the append only file ------------------------------------------------------------------------

TEST_F(RecoveryTest, ATornTailIsCutOnceAndForAll) {
  make_log();
  const std::string increment = read_test_file(aof_file("appendonly.aof.2.incr.aof"));
  write_test_file(aof_file("appendonly.aof.2.incr.aof"), increment.substr(0, increment.size() - 1));
  auto engine = start(aof_settings());
  EXPECT_EQ(engine->state(), (State{{"a", "1"}}));
  EXPECT_THAT(engine->log.lines, Contains(HasSubstr("Truncating the AOF")));
  engine->set("c", "3");
  for (int start = 0; start < 2; ++start) {
    restart(engine);
    EXPECT_EQ(engine->state(), (State{{"a", "1"}, {"c", "3"}}));
    EXPECT_THAT(engine->log.lines, Not(Contains(HasSubstr("Truncating"))));
  }
}

TEST_F(RecoveryTest, TheCutIsDurableBeforeAnythingIsAppended) {
  make_log();
  const std::string increment = read_test_file(aof_file("appendonly.aof.2.incr.aof"));
  write_test_file(aof_file("appendonly.aof.2.incr.aof"), increment.substr(0, increment.size() - 1));
  io::SyscallTrace trace(directory_.path());
  auto engine = start(aof_settings());
  const std::string name = "appendonlydir/appendonly.aof.2.incr.aof";
  const auto cut = trace.find("ftruncate " + name);
  ASSERT_TRUE(cut) << trace.text();
  const auto synced = trace.find("fsync " + name, *cut);
  ASSERT_TRUE(synced) << trace.text();
  EXPECT_LT(*synced, *trace.find("write " + name));
}

TEST_F(RecoveryTest, WhatADeadProcessLeftUnsyncedIsMadeDurableBeforeItIsServed) {
  auto engine = start(aof_settings(FsyncPolicy::kNo));
  engine->set("a", "1");
  engine.reset();
  io::SyscallTrace trace(directory_.path());
  engine = start(aof_settings(FsyncPolicy::kNo));
  EXPECT_TRUE(trace.find("fsync appendonlydir/appendonly.aof.1.incr.aof")) << trace.text();
}

TEST_F(RecoveryTest, AListedFileThatIsMissingIsRefused) {
  make_log();
  std::filesystem::remove(aof_file("appendonly.aof.2.incr.aof"));
  EXPECT_THAT(refusal(aof_settings()), AllOf(HasSubstr("Unable to obtain the AOF file"),
                                             HasSubstr("length. stat: No such file or directory")));
}

TEST_F(RecoveryTest, AnEmptyRdbBaseIsRefused) {
  make_log();
  write_test_file(aof_file("appendonly.aof.2.base.rdb"), "");
  EXPECT_THAT(refusal(aof_settings()), HasSubstr("has 0 bytes"));
}

TEST_F(RecoveryTest, ABadManifestIsRefusedWithItsReason) {
  make_log();
  write_test_file(aof_file("appendonly.aof.manifest"), "");
  EXPECT_EQ(refusal(aof_settings()), "Found an empty AOF manifest");
  write_test_file(aof_file("appendonly.aof.manifest"), "file a seq 1 type b");
  EXPECT_EQ(refusal(aof_settings()), "The AOF manifest file contains too long line");
}

TEST_F(RecoveryTest, HistoryAndUnlistedFilesAreIgnored) {
  make_log();
  write_test_file(aof_file("appendonly.aof.manifest"),
                  manifest() + "file appendonly.aof.1.incr.aof seq 1 type h\n");
  write_test_file(aof_file("appendonly.aof.9.incr.aof"), "not a log");
  auto engine = start(aof_settings());
  EXPECT_EQ(engine->state(), (State{{"a", "1"}, {"b", "2"}}));
  EXPECT_THAT(manifest(), Not(HasSubstr("type h")));
  EXPECT_EQ(read_test_file(aof_file("appendonly.aof.9.incr.aof")), "not a log");
}

// Behind bare commands, the zeros that a power loss leaves of a first #SYNCED line would read as
// damage.
TEST_F(RecoveryTest, NothingUnderChecksumsIsAppendedToAFileOfRedisServer) {
  write_test_file(aof_file("appendonly.aof.manifest"),
                  "file appendonly.aof.7.incr.aof seq 7 type i\n");
  write_test_file(aof_file("appendonly.aof.7.incr.aof"), kSetA1 + "*3\r\n");
  auto engine = start(aof_settings());
  engine->set("b", "2");
  EXPECT_EQ(read_test_file(aof_file("appendonly.aof.7.incr.aof")), kSetA1);
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"a", "1"}, {"b", "2"}}));
  EXPECT_FALSE(std::filesystem::exists(aof_file("appendonly.aof.9.incr.aof")));
}

TEST_F(RecoveryTest, OnlyTheLastIncrementMayBeTorn) {
  make_log();
  const std::string increment = read_test_file(aof_file("appendonly.aof.2.incr.aof"));
  write_test_file(aof_file("appendonly.aof.2.incr.aof"), increment.substr(0, increment.size() - 1));
  write_test_file(aof_file("appendonly.aof.3.incr.aof"), kSetA1);
  write_test_file(aof_file("appendonly.aof.manifest"),
                  manifest() + "file appendonly.aof.3.incr.aof seq 3 type i\n");
  EXPECT_THAT(refusal(aof_settings()),
              HasSubstr("Fatal error: the truncated file is not the last file"));
}

TEST_F(RecoveryTest, TemporaryFilesOfDeadProcessesAreRemovedAndThoseOfLiveOnesStay) {
  make_log();
  const pid_t dead = ::fork();
  if (dead == 0) {
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(dead, nullptr, 0), dead);
  const std::string of_dead = std::to_string(dead);
  const std::string of_parent = std::to_string(::getppid());
  write_test_file(directory_.file("temp-" + of_dead + ".rdb"), "");
  write_test_file(directory_.file("temp-" + of_parent + ".rdb"), "");
  write_test_file(aof_file("temp-rewriteaof-bg-" + of_dead + ".aof"), "");
  write_test_file(directory_.file("temp-rewriteaof-" + of_dead + ".aof"), "");
  write_test_file(directory_.file("temp-notes.rdb"), "");
  write_test_file(aof_file("temp-appendonly.aof.manifest"), "");  // no process id: the lock decides
  write_test_file(aof_file("temp-appendonly.aof.incr"), "");
  auto engine = start(aof_settings());
  EXPECT_THAT(directory_.files(), ElementsAre("appendonlydir/appendonly.aof.2.base.rdb",
                                              "appendonlydir/appendonly.aof.2.incr.aof",
                                              "appendonlydir/appendonly.aof.lock",
                                              "appendonlydir/appendonly.aof.manifest",
                                              "temp-" + of_parent + ".rdb", "temp-notes.rdb"));
}

// --- from elsewhere ------------------------------------------------------------------------------

TEST_F(RecoveryTest, ASingleFileOfAnOlderVersionIsAdopted) {
  write_test_file(directory_.file("appendonly.aof"), kSetA1 + kSetB2);
  auto engine = start(aof_settings());
  EXPECT_EQ(engine->state(), (State{{"a", "1"}, {"b", "2"}}));
  EXPECT_THAT(manifest(), EndsWith("\nfile appendonly.aof seq 1 type b\n"
                                   "file appendonly.aof.1.incr.aof seq 1 type i\n"));
  engine->set("c", "3");
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"a", "1"}, {"b", "2"}, {"c", "3"}}));
}

TEST_F(RecoveryTest, ATornSingleFileIsCutBeforeItIsAdopted) {
  write_test_file(directory_.file("appendonly.aof"), kSetA1 + kSetB2.substr(0, 20));
  auto engine = start(aof_settings());
  engine->set("c", "3");
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"a", "1"}, {"c", "3"}}));
}

TEST_F(RecoveryTest, AnAdoptionThatWasInterruptedIsFinished) {
  write_test_file(directory_.file("appendonly.aof"), kSetA1);
  write_test_file(aof_file("appendonly.aof.manifest"), "file appendonly.aof seq 1 type b\n");
  auto engine = start(aof_settings());
  EXPECT_EQ(engine->state(), (State{{"a", "1"}}));
  EXPECT_THAT(directory_.files(), Not(Contains("appendonly.aof")));
}

TEST_F(RecoveryTest, ASingleFileBesideALogIsLeftAlone) {
  make_log();
  write_test_file(directory_.file("appendonly.aof"), kSetA1);
  auto engine = start(aof_settings());
  EXPECT_EQ(engine->state(), (State{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(read_test_file(directory_.file("appendonly.aof")), kSetA1);
}

TEST_F(RecoveryTest, WithoutAnyLogTheSnapshotBecomesTheFirstBase) {
  auto engine = start(rdb_settings());
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.save());
  engine.reset();
  engine = start(aof_settings());
  EXPECT_EQ(engine->state(), (State{{"a", "1"}}));
  EXPECT_THAT(engine->log.lines, Contains(HasSubstr("dump.rdb becomes its first base")));
  std::filesystem::remove(directory_.file("dump.rdb"));
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"a", "1"}}));
}

TEST_F(RecoveryTest, WithALogTheSnapshotIsNotLoaded) {
  make_log();
  auto engine = start(rdb_settings());
  engine->set("a", "newer");
  ASSERT_TRUE(engine->persistence.save());
  engine.reset();
  EXPECT_EQ(start(aof_settings())->state(), (State{{"a", "1"}, {"b", "2"}}));
}

TEST_F(RecoveryTest, ACreationThatWasInterruptedStartsAnew) {
  write_test_file(aof_file("appendonly.aof.manifest"), "# created\n");
  write_test_file(aof_file("appendonly.aof.1.base.rdb"), "half");
  auto engine = start(aof_settings());
  EXPECT_EQ(engine->state(), State());
  EXPECT_THAT(manifest(), HasSubstr("file appendonly.aof.1.base.rdb seq 1 type b\n"));
}

// What a power loss between the two halves of a rename can leave.
TEST_F(RecoveryTest, AManifestThatAlsoHasItsTemporaryNameIsNotWrittenInPlace) {
  write_test_file(aof_file("appendonly.aof.manifest"), "# created\n");
  std::filesystem::create_hard_link(aof_file("appendonly.aof.manifest"),
                                    aof_file("temp-appendonly.aof.manifest"));
  const std::string witness = aof_file("notes");
  std::filesystem::create_hard_link(aof_file("appendonly.aof.manifest"), witness);
  EXPECT_EQ(start(aof_settings())->state(), State());
  EXPECT_THAT(manifest(), HasSubstr("appendonly.aof.1.incr.aof"));
  EXPECT_EQ(read_test_file(witness), "# created\n");
}

// --- the snapshot --------------------------------------------------------------------------------

TEST_F(RecoveryTest, ACorruptSnapshotIsRefused) {
  auto engine = start(rdb_settings());
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.save());
  engine.reset();
  std::string bytes = read_test_file(directory_.file("dump.rdb"));
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_test_file(directory_.file("dump.rdb"), bytes);
  EXPECT_THAT(refusal(rdb_settings()), HasSubstr("Wrong RDB checksum"));
  EXPECT_THAT(refusal(aof_settings()), HasSubstr("Wrong RDB checksum"));
}

TEST_F(RecoveryTest, ADirectoryInPlaceOfTheSnapshotIsRefused) {
  std::filesystem::create_directory(directory_.file("dump.rdb"));
  EXPECT_THAT(refusal(rdb_settings()), HasSubstr("Fatal error loading the DB"));
}

// --- another engine ------------------------------------------------------------------------------

// Runs `begin` in a process of its own, which lives on after it until end().
class OtherProcess {
 public:
  template <typename Begin>
  explicit OtherProcess(const Begin& begin) {
    EXPECT_EQ(::pipe(ready_) | ::pipe(done_), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      const auto kept = begin();
      static_cast<void>(::write(ready_[1], "r", 1) == 1);
      char byte = 0;
      static_cast<void>(::read(done_[0], &byte, 1) == 1);
      ::_exit(0);
    }
    char byte = 0;
    EXPECT_EQ(::read(ready_[0], &byte, 1), 1);
  }
  ~OtherProcess() { end(); }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  pid_t pid() const { return pid_; }
  void end() {
    if (std::exchange(lives_, false)) {
      EXPECT_EQ(::write(done_[1], "d", 1), 1);
      EXPECT_EQ(::waitpid(pid_, nullptr, 0), pid_);
      for (const int fd : {ready_[0], ready_[1], done_[0], done_[1]}) {
        ::close(fd);
      }
    }
  }

 private:
  int ready_[2] = {};
  int done_[2] = {};
  pid_t pid_ = 0;
  bool lives_ = true;
};

TEST_F(RecoveryTest, ASecondEngineOnTheSameLogIsRefusedAndToldWhoseItIs) {
  OtherProcess first([&] {
    auto engine = start(aof_settings());
    engine->set("a", "1");
    return engine;
  });
  EXPECT_THAT(refusal(aof_settings()), AllOf(HasSubstr("in use by another server"),
                                             HasSubstr("process " + std::to_string(first.pid()))));
  Settings other_name = aof_settings();
  other_name.appendfilename = "other.aof";
  EXPECT_EQ(start(other_name)->state(), State()) << "two engines with different names may share it";
  first.end();
  EXPECT_EQ(start(aof_settings())->state(), (State{{"a", "1"}})) << "the lock died with its holder";
}

TEST_F(RecoveryTest, ASecondEngineOnTheSameSnapshotIsRefusedAndToldWhoseItIs) {
  Settings settings = rdb_settings();
  settings.save = {{.seconds = 3600, .changes = 1}};
  OtherProcess first([&] {
    auto engine = start(settings);
    engine->set("a", "1");
    EXPECT_TRUE(engine->persistence.save());
    return engine;
  });
  EXPECT_THAT(refusal(settings), AllOf(HasSubstr("dump.rdb is in use by another server"),
                                       HasSubstr("process " + std::to_string(first.pid()))));
  Settings other_name = settings;
  other_name.dbfilename = "other.rdb";
  EXPECT_EQ(start(other_name)->state(), State()) << "two engines with different names may share it";
  EXPECT_EQ(start(aof_settings())->state(), (State{{"a", "1"}}))
      << "its data is not in the snapshot";
  first.end();
  EXPECT_EQ(start(settings)->state(), (State{{"a", "1"}})) << "the lock died with its holder";
}

// Caches may share a directory, as long as no two of them save.
TEST_F(RecoveryTest, AnEngineWithoutSaveRulesStartsBesideAnotherAndDoesNotReplaceItsSnapshot) {
  OtherProcess first([&] {
    auto engine = start(rdb_settings());
    engine->set("a", "1");
    EXPECT_TRUE(engine->persistence.save());
    return engine;
  });
  auto second = start(rdb_settings());
  second->set("b", "2");
  const auto saved = second->persistence.save();
  ASSERT_FALSE(saved);
  EXPECT_THAT(saved.error().message, HasSubstr("in use by another server"));
  const auto begun = second->persistence.bgsave(false);
  ASSERT_FALSE(begun);
  EXPECT_THAT(begun.error().message, HasSubstr("in use by another server"));
  first.end();
  EXPECT_TRUE(second->persistence.save());
  EXPECT_EQ(start(rdb_settings())->state(), (State{{"a", "1"}, {"b", "2"}}));
}

TEST_F(RecoveryTest, ARefusedStartMakesNoDirectory) {
  write_test_file(directory_.file("appendonly.aof"), "rubbish");
  EXPECT_THAT(refusal(aof_settings()), HasSubstr("Bad file format"));
  EXPECT_FALSE(std::filesystem::exists(directory_.file("appendonlydir")));
}

}  // namespace
}  // namespace engine::persistence
