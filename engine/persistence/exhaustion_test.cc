// The machine runs out of something, for real: disk space, descriptors, permission. A clear error,
// no acknowledged write lost, and a way back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>

#include "engine/io/scoped_failpoint_for_test.h"
#include "engine/persistence/engine_for_test.h"

namespace engine::persistence {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using State = std::map<std::string, std::string>;

// A filesystem of 256 KiB, with a filler that takes what is left.
class FullDisk : public EngineTest {
 protected:
  void SetUp() override {
    if (::mount("none", directory_.path().c_str(), "tmpfs", 0, "size=256k") != 0) {
      GTEST_SKIP() << "needs the right to mount a small filesystem (run as root)";
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) {
      EXPECT_EQ(::umount2(directory_.path().c_str(), MNT_DETACH), 0);
    }
  }
  std::string filler() const { return directory_.file("filler"); }
  void fill() const {
    std::ofstream file(filler(), std::ios::binary);
    const std::string block(4096, 'f');
    while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void make_room() const { std::filesystem::remove(filler()); }
  // Writes until the log takes no more; returns what was acknowledged.
  State write_until_full(TestEngine& engine) const {
    State acked;
    fill();
    for (int i = 0; i < 100 && engine.persistence.write_refusal().empty(); ++i) {
      const std::string key = "k" + std::to_string(i);
      const std::string value(1000, 'v');
      engine.step({{"SET", key, value}});
      if (engine.persistence.before_sleep() && !engine.persistence.must_hold_replies()) {
        acked[key] = value;
      }
    }
    EXPECT_FALSE(engine.persistence.write_refusal().empty()) << "the disk did not fill up";
    return acked;
  }
  bool mounted_ = false;
};

TEST_F(FullDisk, UnderEverysecWritesAreRefusedUntilThereIsRoomAndNoneIsLost) {
  auto engine = start(aof_settings(FsyncPolicy::kEverysec));
  static_cast<void>(write_until_full(*engine));
  EXPECT_THAT(engine->persistence.write_refusal(),
              HasSubstr("MISCONF Errors writing to the AOF file: No space left on device"));
  EXPECT_TRUE(engine->persistence.must_hold_replies());
  make_room();
  ASSERT_TRUE(engine->persistence.cron());
  EXPECT_EQ(engine->persistence.write_refusal(), "");
  EXPECT_FALSE(engine->persistence.must_hold_replies());
  const State state = engine->state();
  restart(engine);
  EXPECT_EQ(engine->state(), state);
}

TEST_F(FullDisk, AKillWhileItIsFullCostsNothingThatWasAcknowledged) {
  auto engine = start(aof_settings(FsyncPolicy::kEverysec));
  const State acked = write_until_full(*engine);
  engine.reset();
  make_room();
  engine = start(aof_settings(FsyncPolicy::kEverysec));
  EXPECT_EQ(engine->state(), acked);
}

TEST_F(FullDisk, UnderAlwaysTheEngineStopsAndAStartWithRoomHasWhatWasAcknowledged) {
  auto engine = start(aof_settings());
  fill();
  State acked;
  for (int i = 0; i < 100; ++i) {
    const std::string key = "k" + std::to_string(i);
    engine->step({{"SET", key, std::string(1000, 'v')}});
    if (!engine->persistence.before_sleep()) {
      break;
    }
    acked[key] = std::string(1000, 'v');
  }
  ASSERT_LT(acked.size(), 100U) << "the disk did not fill up";
  engine.reset();
  make_room();
  engine = start(aof_settings());
  EXPECT_EQ(engine->state(), acked);
}

TEST_F(FullDisk, AStartThatCannotWriteIsRefusedAndLeavesWhatWasThere) {
  fill();
  {
    auto engine = make(aof_settings());
    const Status recovered = engine->persistence.recover();
    ASSERT_FALSE(recovered);
    EXPECT_THAT(recovered.error().message, HasSubstr("No space left on device"));
    EXPECT_EQ(engine->log.lines.back(), recovered.error().message);
  }
  make_room();
  auto engine = start(aof_settings());
  engine->set("a", "1");
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"a", "1"}}));
}

TEST_F(FullDisk, NeitherASnapshotNorARewriteHarmsTheOldFiles) {
  auto engine = start(aof_settings(FsyncPolicy::kEverysec));
  engine->set("big", std::string(60'000, 'b'));
  ASSERT_TRUE(engine->persistence.save());
  engine->set("small", "1");
  fill();
  EXPECT_FALSE(engine->persistence.save());
  ASSERT_TRUE(engine->persistence.bgsave(false));
  wait_for_child(*engine);
  EXPECT_FALSE(engine->persistence.info().rdb_last_bgsave_ok);
  if (engine->persistence.bgrewriteaof(false)) {
    wait_for_child(*engine);
  }
  EXPECT_FALSE(engine->persistence.info().aof_last_bgrewrite_ok);
  const State state = engine->state();
  make_room();
  restart(engine);
  EXPECT_EQ(engine->state(), state);
  engine = start(rdb_settings());
  EXPECT_EQ(engine->state(), (State{{"big", std::string(60'000, 'b')}}));
}

// No descriptor is free while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(lowest_free);
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoDescriptors() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_ = {};
};

using NoDescriptorsLeft = EngineTest;

TEST_F(NoDescriptorsLeft, SavesAndRewritesFailWithTheReasonAndTheLogGoesOn) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.save());
  const auto before = contents();
  Result<std::string> saved;
  Result<std::string> bgsaved;
  Result<std::string> rewritten;
  {
    const NoDescriptors
        none;  // (sanitizers need some for checks of their own: expectations follow)
    saved = engine->persistence.save();
    bgsaved = engine->persistence.bgsave(false);
    rewritten = engine->persistence.bgrewriteaof(false);
  }
  ASSERT_FALSE(saved);
  EXPECT_THAT(saved.error().message, HasSubstr("Too many open files"));
  EXPECT_FALSE(bgsaved);
  EXPECT_FALSE(rewritten);
  EXPECT_FALSE(engine->persistence.has_child());
  EXPECT_EQ(contents(), before);
  {
    const NoDescriptors none;
    engine->set("b", "2");
  }
  ASSERT_TRUE(engine->persistence.bgrewriteaof(false));
  wait_for_child(*engine);
  EXPECT_TRUE(engine->persistence.info().aof_last_bgrewrite_ok);
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"a", "1"}, {"b", "2"}}));
}

TEST_F(NoDescriptorsLeft, AStartIsRefusedAndChangesNothing) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  engine.reset();
  const auto before = contents();
  engine = make(aof_settings());
  Status recovered;
  {
    const NoDescriptors none;
    recovered = engine->persistence.recover();
  }
  EXPECT_FALSE(recovered);
  EXPECT_THAT(engine->log.lines.back(), HasSubstr("Too many open files"));
  engine.reset();
  EXPECT_EQ(contents(), before);
}

// The kernel gives no more threads (RLIMIT_NPROC, a container's limit): everysec cannot be kept.
using NoThreadLeft = EngineTest;

TEST_F(NoThreadLeft, AStartIsRefusedAndChangesNothing) {
  auto engine = start(aof_settings(FsyncPolicy::kEverysec));
  engine->set("a", "1");
  engine.reset();
  const auto before = contents();
  engine = make(aof_settings(FsyncPolicy::kEverysec));
  {
    const io::ScopedFailpoint none("aof/increment/before-thread", EAGAIN);
    EXPECT_FALSE(engine->persistence.recover());
  }
  EXPECT_EQ(engine->log.lines.back(),
            "Can't start the thread that syncs the append only file: Resource temporarily "
            "unavailable");
  engine.reset();
  EXPECT_EQ(contents(), before);
}

TEST_F(NoThreadLeft, AnotherPolicyIsRefusedAndTheLogGoesOn) {
  auto engine = start(aof_settings(FsyncPolicy::kNo));
  {
    const io::ScopedFailpoint none("aof/increment/before-thread", EAGAIN);
    Settings wanted = engine->persistence.settings();
    wanted.appendfsync = FsyncPolicy::kEverysec;
    EXPECT_FALSE(engine->persistence.apply(wanted, false));
  }
  EXPECT_EQ(engine->persistence.settings().appendfsync, FsyncPolicy::kNo);
  engine->set("a", "1");
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"a", "1"}}));
}

TEST_F(NoThreadLeft, EnablingTheLogIsTriedAgainUntilThereIsOne) {
  Settings settings = aof_settings(FsyncPolicy::kEverysec);
  settings.appendonly = false;
  auto engine = start(settings);
  engine->set("a", "1");
  {
    const io::ScopedFailpoint none("aof/increment/before-thread", EAGAIN);
    settings = engine->persistence.settings();
    settings.appendonly = true;
    ASSERT_TRUE(engine->persistence.apply(settings, false));
    wait_for_child(*engine);
    EXPECT_FALSE(engine->persistence.info().aof_last_bgrewrite_ok);
  }
  engine->set("b", "2");
  ASSERT_TRUE(engine->persistence.cron());
  wait_for_child(*engine);
  EXPECT_TRUE(engine->persistence.info().aof_last_bgrewrite_ok);
  restart(engine);
  EXPECT_EQ(engine->state(), (State{{"a", "1"}, {"b", "2"}}));
}

// Without the rights of root while it lives.
class NoPrivilege : public EngineTest {
 protected:
  static constexpr uid_t kNobody = 65534;
  void SetUp() override {
    if (::geteuid() == 0) {
      EXPECT_EQ(::chown(directory_.path().c_str(), kNobody, kNobody), 0);
      EXPECT_EQ(::seteuid(kNobody), 0);
    }
  }
  void TearDown() override {
    if (::getuid() == 0) {
      EXPECT_EQ(::seteuid(0), 0);
    }
  }
};

TEST_F(NoPrivilege, InAReadOnlyDirectoryAStartIsRefusedWithTheReason) {
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0500), 0);
  EXPECT_THAT(refusal(aof_settings()), HasSubstr("Permission denied"));
}

TEST_F(NoPrivilege, ALogThatCannotBeWrittenIsRefusedBeforeAnythingIsChanged) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  engine.reset();
  ASSERT_EQ(::chmod(aof_file("appendonly.aof.1.incr.aof").c_str(), 0400), 0);
  EXPECT_THAT(refusal(aof_settings()), HasSubstr("Permission denied"));
}

TEST_F(NoPrivilege, AFileThatCannotBeReadIsRefusedByName) {
  auto engine = start(rdb_settings());
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.save());
  engine.reset();
  ASSERT_EQ(::chmod(directory_.file("dump.rdb").c_str(), 0), 0);
  engine = make(rdb_settings());
  EXPECT_FALSE(engine->persistence.recover());
  EXPECT_THAT(engine->log.lines.back(),
              AllOf(HasSubstr("dump.rdb"), HasSubstr("Permission denied")));
}

TEST_F(NoPrivilege, WhereTheDirectoryBecomesReadOnlyASaveFailsAndTheOldFileStays) {
  auto engine = start(rdb_settings());
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.save());
  const auto before = contents();
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0500), 0);
  engine->set("a", "2");
  const Result<std::string> saved = engine->persistence.save();
  ASSERT_FALSE(saved);
  EXPECT_THAT(saved.error().message, HasSubstr("Permission denied"));
  EXPECT_EQ(contents(), before);
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0700), 0);
}

}  // namespace
}  // namespace engine::persistence
