// The rules of the crash model one by one, by their numbers in README.md: what each syscall changes, what
// makes it durable, and what a crash may leave of it. States as in litmus_test.cc.

#include "harness/crash/model.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/mman.h>

#include <cerrno>
#include <set>
#include <string>

#include "harness/crash/states_for_test.h"
#include "harness/crash/trace_script_for_test.h"

namespace crashpoint::crash {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

using States = std::set<std::string>;

TraceScript with_file(const std::string& content) {
  return TraceScript({{"a", file_entry(content)}});
}

std::string after_process_kill(const TraceScript& script) {
  const States states = all_states(script, "process-kill");
  EXPECT_EQ(states.size(), 1U);
  return *states.begin();
}

// ---- every syscall has its effect (process kill: the kernel lives, so all that returned is there)

TEST(CrashModel, M2AppliesWritesWhereverTheyGo) {
  EXPECT_EQ(after_process_kill(with_file("0123").write("a", 1, "xy")), "a=0xy3");
  EXPECT_EQ(after_process_kill(with_file("0123").write("a", 3, "xy")), "a=012xy");
  EXPECT_EQ(after_process_kill(with_file("01").write("a", 4, "x")), "a=01..x") << "a hole";
}

TEST(CrashModel, M4TruncatesBothWays) {
  EXPECT_EQ(after_process_kill(with_file("0123").truncate("a", 2)), "a=01");
  EXPECT_EQ(after_process_kill(with_file("01").truncate("a", 4)), "a=01..");
  EXPECT_EQ(after_process_kill(with_file("0123").truncate("a", 1).truncate("a", 3)), "a=0..")
      << "what was cut off does not come back";
  EXPECT_EQ(after_process_kill(with_file("0123").open_truncate("a").append("a", "x")), "a=x");
}

TEST(CrashModel, M5KnowsEveryModeOfFallocate) {
  EXPECT_EQ(after_process_kill(with_file("01").allocate("a", 0, 0, 4)), "a=01..");
  EXPECT_EQ(after_process_kill(with_file("01").allocate("a", FALLOC_FL_KEEP_SIZE, 0, 4)), "a=01");
  EXPECT_EQ(after_process_kill(
                with_file("0123").allocate("a", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1, 2)),
            "a=0..3");
  EXPECT_EQ(after_process_kill(with_file("0123").allocate("a", FALLOC_FL_ZERO_RANGE, 2, 4)),
            "a=01....");
  EXPECT_EQ(after_process_kill(with_file("0123").allocate("a", FALLOC_FL_COLLAPSE_RANGE, 1, 2)),
            "a=03");
  EXPECT_EQ(after_process_kill(with_file("0123").allocate("a", FALLOC_FL_INSERT_RANGE, 1, 2)),
            "a=0..123");
}

TEST(CrashModel, M6MovesNamesOfFilesAndDirectories) {
  TraceScript script({{"d", directory_entry()}, {"d/x", file_entry("1")}});
  script.mkdir("e").rename("d", "e/f").append("e/f/x", "2").symlink("f/x", "e/l");
  script.link("e/f/x", "y");
  EXPECT_EQ(after_process_kill(script), "e/ e/f/ e/f/x=12 e/l->f/x y=12");
}

TEST(CrashModel, M7RenamesOverExistingAcrossDirectoriesAndByExchange) {
  TraceScript script({{"d", directory_entry()},
                      {"d/x", file_entry("x")},
                      {"y", file_entry("y")},
                      {"z", file_entry("z")}});
  script.rename("d/x", "y").rename("y", "z", RENAME_EXCHANGE);
  EXPECT_EQ(after_process_kill(script), "d/ y=z z=x");
}

TEST(CrashModel, M7ARenameBetweenTwoNamesOfOneFileDoesNothing) {
  EXPECT_EQ(after_process_kill(with_file("1").link("a", "b").rename("a", "b")), "a=1 b=1");
}

TEST(CrashModel, M6RemovesNamesAndDirectories) {
  TraceScript script({{"d", directory_entry()}, {"d/x", file_entry("x")}});
  EXPECT_EQ(after_process_kill(script.unlink("d/x")), "d/");
  EXPECT_EQ(after_process_kill(script.rmdir("d")), "-");
}

TEST(CrashModel, M6AFileWithoutANameCanBeGivenOne) {
  TraceScript script;
  script.create_nameless("#1").append("#1", "new");
  EXPECT_EQ(after_process_kill(script), "-");
  EXPECT_EQ(after_process_kill(script.link("#1", "b")), "b=new");
}

TEST(CrashModel, M6AnUnlinkedFileIsNoLongerSeenThoughWrittenTo) {
  EXPECT_EQ(after_process_kill(with_file("1").unlink("a").append("a", "2").fsync("a")), "-");
}

TEST(CrashModel, M6KeepsTwoNamesOfOneFileTogether) {
  TraceScript script({{"a", file_entry("1", 7)}, {"b", file_entry("1", 7)}});
  EXPECT_EQ(after_process_kill(script.append("a", "2")), "a=12 b=12");
}

// ---- faults: what counts is what the kernel did

TEST(CrashModel, M1AFailedOrSkippedCallChangesNothing) {
  EXPECT_EQ(after_process_kill(with_file("1").append("a", "2").failing(ENOSPC)), "a=1");
  EXPECT_EQ(after_process_kill(with_file("1").append("a", "2").skipped()), "a=1");
  EXPECT_EQ(after_process_kill(with_file("1").rename("a", "b").failing(EIO)), "a=1");
}

TEST(CrashModel, M1ASyncThatALyingDiskSkippedMakesNothingDurable) {
  TraceScript script = with_file("1").append("a", "2");
  EXPECT_EQ(all_states(script.fsync("a").skipped(), "xfs"), (States{"a=1", "a=12"}));
}

TEST(CrashModel, M20ASyncThatWasNeverTriedMakesNothingDurableAndLosesNothing) {
  TraceScript script = with_file("1").append("a", "2");
  script.fsync("a").failing(EINTR);
  EXPECT_EQ(all_states(script, "xfs"), (States{"a=1", "a=12"}));
  EXPECT_EQ(all_states(script.fsync("a"), "xfs"), (States{"a=12"}));
}

// ---- operations in flight

TEST(CrashModel, M9AWriteInFlightMayHaveHappenedOrNot) {
  const TraceScript script = with_file("1").append("a", "2").never_returning();
  for (const char* const profile : {"process-kill", "prefix", "xfs"}) {
    EXPECT_EQ(all_states(script, profile), (States{"a=1", "a=12"})) << profile;
  }
}

TEST(CrashModel, M11AKilledWriteStopsBetweenPages) {
  TraceScript script;
  script.create("a").append("a", std::string(5000, 'x')).never_returning();
  EXPECT_EQ(all_states(script, "process-kill"),
            (States{"a=", "a=" + std::string(4096, 'x'), "a=" + std::string(5000, 'x')}));
}

TEST(CrashModel, M9ACrashPointDecidesWhatIsInFlight) {
  TraceScript script = with_file("1").append("a", "2");
  EXPECT_EQ(all_states(script, "process-kill", script.during_last()), (States{"a=1", "a=12"}));
  EXPECT_EQ(all_states(script, "process-kill", script.trace().events.back().enter),
            (States{"a=1"}));
  EXPECT_EQ(all_states(script, "process-kill", script.trace().events.back().exit + 1),
            (States{"a=12"}));
}

TEST(CrashModel, M9ASyncInFlightIsNotReliedOn) {
  TraceScript script = with_file("1").append("a", "2").fsync("a");
  EXPECT_EQ(all_states(script, "xfs", script.during_last()), (States{"a=1", "a=12"}));
  EXPECT_EQ(all_states(script, "xfs", script.now()), (States{"a=12"}));
}

TEST(CrashModel, M10ASyncCoversOnlyWhatHadReturnedBeforeItBegan) {
  // The write is in the kernel when the sync begins, and both return.
  TraceScript script = with_file("1");
  script.append("a", "2").never_returning().fsync("a").returning_now(1);
  EXPECT_EQ(all_states(script, "xfs"), (States{"a=1", "a=12"}));
}

TEST(CrashModel, M10CallsThatOverlapAreNotOrdered) {
  TraceScript script({{"a", file_entry("")}, {"b", file_entry("")}});
  script.append("a", "1").never_returning().append("b", "2").returning_now(1);
  EXPECT_EQ(all_states(script, "prefix"), (States{"a= b=", "a=1 b=", "a= b=2", "a=1 b=2"}));
}

TEST(CrashModel, M9OfSeveralRenamesInFlightAnyMayHaveHappened) {
  TraceScript script({{"a", file_entry("1")}, {"b", file_entry("2")}});
  script.rename("a", "c").never_returning().rename("b", "d").never_returning();
  EXPECT_EQ(all_states(script, "process-kill"),
            (States{"a=1 b=2", "b=2 c=1", "a=1 d=2", "c=1 d=2"}));
}

TEST(CrashModel, M9AnOpenInFlightMayHaveCreatedOrTruncated) {
  TraceScript script = with_file("1");
  script.open_truncate("a").never_returning();
  EXPECT_EQ(all_states(script, "process-kill"), (States{"a=1", "a="}));
}

// ---- what a sync makes durable

TEST(CrashModel, M14SyncAndSyncfsMakeEverythingDurable) {
  for (const char* const profile : {"weakest", "ext4-ordered", "xfs", "btrfs", "prefix"}) {
    TraceScript script = with_file("1");
    script.append("a", "2").create("b").append("b", "3").sync();
    EXPECT_EQ(all_states(script, profile), (States{"a=12 b=3"})) << profile;
  }
}

// open(2), O_SYNC: the write, and what is needed to read it, as if followed by fsync.
TEST(CrashModel, M15ASyncedWriteIsDurableWhenItReturnsAndOthersAreNot) {
  TraceScript script({{"a", file_entry("0123")}, {"b", file_entry("0")}});
  script.write("a", 0, "x").write("b", 0, "y").synced_write("a", 3, "z4");
  EXPECT_EQ(all_states(script, "weakest"),
            (States{"a=012z4 b=0", "a=x12z4 b=0", "a=012z4 b=y", "a=x12z4 b=y"}));
}

TEST(CrashModel, M12FdatasyncBringsTheSizeThatIsNeededToReadTheBytes) {
  EXPECT_EQ(all_states(with_file("").append("a", "12").fdatasync("a"), "weakest"),
            (States{"a=12"}));
}

// fs/ext4/fsync.c: an fsync commits the transaction the file's metadata is in, and with it all that
// came before; one that has nothing to commit leaves the journal alone. What was done after the file's
// last change may be in a later transaction: the journal is committed every five seconds too
// (real_filesystems_test.cc).
TEST(Ext4, M18FsyncOfANewFileCommitsEarlierNamesOfOthers) {
  TraceScript script;
  script.create("a").create("b").fsync("b");
  EXPECT_EQ(all_states(script, "ext4-ordered"), (States{"a= b="}));
}

TEST(Ext4, M18FsyncCommitsNoLaterNamesOfOthers) {
  TraceScript script;
  script.create("a").create("b").create("c").fsync("b");
  EXPECT_EQ(all_states(script, "ext4-ordered"), (States{"a= b=", "a= b= c="}));
}

// The same for the size: the kernel may have allocated the block, and committed that, long before.
TEST(Ext4, M18FdatasyncCommitsNoLaterNamesOfOthers) {
  TraceScript script;
  script.create("a").fsync("a").create("b").append("a", "1").create("c").fdatasync("a");
  EXPECT_EQ(all_states(script, "ext4-ordered"), (States{"a=1 b=", "a=1 b= c="}));
}

TEST(Ext4, M18FsyncWithoutNewMetadataCommitsNothing) {
  TraceScript script = with_file("01");
  script.create("b").write("a", 0, "x").fsync("a");
  EXPECT_EQ(all_states(script, "ext4-ordered"), (States{"a=x1", "a=x1 b="}));
}

// ext4_rename marks the inode for fsync and not for fdatasync (i_datasync_tid keeps its value).
TEST(Ext4, M18FdatasyncDoesNotCommitTheNewNameOfAnOldFile) {
  TraceScript script = with_file("1").rename("a", "b");
  TraceScript with_fdatasync = script;
  EXPECT_EQ(all_states(with_fdatasync.fdatasync("b"), "ext4-ordered"), (States{"a=1", "b=1"}));
  EXPECT_EQ(all_states(script.fsync("b"), "ext4-ordered"), (States{"b=1"}));
}

// ext4_fsync_journal: "force a full commit" for what is not a regular file.
TEST(Ext4, M18SyncOfADirectoryCommitsAllMetadata) {
  TraceScript script({{"d", directory_entry()}, {"a", file_entry("1")}});
  script.append("a", "2").create("b").fsync_directory("d");
  EXPECT_EQ(all_states(script, "ext4-ordered"), (States{"a=1. b= d/", "a=12 b= d/"}));
}

// The log is forced up to the file's last change: later ones of other files may be lost.
TEST(Xfs, M18FsyncKeepsMetadataUpToTheFilesOwn) {
  TraceScript script;
  script.create("a").create("b").create("c").fsync("b");
  EXPECT_EQ(all_states(script, "xfs"), (States{"a= b=", "a= b= c="}));
}

// A directory on the way to the file that is renamed later may be in a later part of the log, and where
// the kernel committed the file before that, the fsync has nothing to do (real_filesystems_test.cc).
TEST(AllProfiles, M19FsyncKeepsAWayToTheFileAndNotTheLatestOne) {
  TraceScript script;
  script.mkdir("d").create("d/f").rename("d", "e").fsync("e/f");
  for (const char* const profile : {"ext4-ordered", "xfs", "btrfs"}) {
    EXPECT_EQ(all_states(script, profile), (States{"d/ d/f=", "e/ e/f="})) << profile;
  }
}

// OSDI'14 table 3d: directory operations are not ordered.
TEST(Btrfs, M19FsyncKeepsTheFilesOwnNamesOnly) {
  TraceScript script;
  script.create("a").create("b").create("c").fsync("b");
  EXPECT_EQ(all_states(script, "btrfs"), (States{"b=", "a= b=", "b= c=", "a= b= c="}));
}

TEST(Weakest, M13ASyncOfADirectoryKeepsWhatIsInItAndNotTheWayToIt) {
  TraceScript script;
  script.mkdir("d").create("d/a").mkdir("e").fsync_directory("d");
  EXPECT_EQ(all_states(script, "weakest"), (States{"-", "d/ d/a=", "e/", "d/ d/a= e/"}));
}

// A name that rename(2) replaces is the old file or the new one, under every profile: programs replace
// files this way because there is no other.
TEST(Weakest, M7ANameThatIsReplacedIsNeverMissing) {
  TraceScript script({{"a", file_entry("1")}});
  script.create("t").append("t", "2").fsync("t").fsync_directory().rename("t", "a");
  EXPECT_EQ(all_states(script, "weakest"), (States{"a=1 t=2", "a=1", "a=2", "a=2 t=2"}));
}

TEST(Weakest, M7ARenameAcrossDirectoriesNeedsBothSynced) {
  TraceScript script({{"d", directory_entry()}, {"a", file_entry("1")}});
  script.rename("a", "d/a");
  TraceScript target_synced = script;
  TraceScript source_synced = script;
  EXPECT_EQ(all_states(target_synced.fsync_directory("d"), "weakest"),
            (States{"a=1 d/ d/a=1", "d/ d/a=1"}));
  EXPECT_EQ(all_states(source_synced.fsync_directory(), "weakest"), (States{"d/", "d/ d/a=1"}));
  EXPECT_EQ(all_states(script.fsync_directory().fsync_directory("d"), "weakest"),
            (States{"d/ d/a=1"}));
}

TEST(CrashModel, M14SyncfsOfAnotherFilesystemMakesNothingDurable) {
  TraceScript script = with_file("1");
  script.append("a", "2").syncfs_elsewhere();
  EXPECT_EQ(all_states(script, "xfs"), (States{"a=1", "a=12"}));
}

// msync(2): MS_ASYNC only schedules the write, and since Linux 2.6.19 not even that.
TEST(CrashModel, M16MsyncMakesItsRangeDurableAndOnlyWithMsSync) {
  const std::string old(8192, 'o');
  const auto script = [&](std::int64_t offset, std::int64_t size, std::uint32_t flags) {
    TraceScript calls = with_file(old);
    calls.write("a", 0, "1").write("a", 4096, "2").msync("a", offset, size, flags);
    return all_states(calls, "xfs");
  };
  const auto with = [&](char first, char second) {
    std::string text = "a=" + old;
    text[2] = first;
    text[2 + 4096] = second;
    return text;
  };
  EXPECT_EQ(script(4096, 10, MS_SYNC), (States{with('o', '2'), with('1', '2')}));
  EXPECT_EQ(script(0, 4096, MS_SYNC), (States{with('1', 'o'), with('1', '2')}));
  EXPECT_EQ(script(0, 8192, MS_SYNC), (States{with('1', '2')}));
  EXPECT_EQ(script(0, 4097, MS_SYNC), (States{with('1', '2')}))
      << "the size is rounded up to pages";
  const States any{with('o', 'o'), with('1', 'o'), with('o', '2'), with('1', '2')};
  EXPECT_EQ(script(0, 8192, MS_ASYNC), any);
  EXPECT_EQ(script(0, 8192, MS_INVALIDATE), any);
}

// ---- what may come without what

// ASPLOS'16 section 2, and the same figures: 4096 = 2500 'a' and 1596 NULs.
TEST(Ext4, M24AnAppendAcrossABlockMayShowZerosToTheEndOfTheBlock) {
  TraceScript script = with_file(std::string(2500, 'a'));
  script.append("a", std::string(2500, 'b'));
  const std::string old(2500, 'a');
  EXPECT_EQ(all_states(script, "ext4-ordered"),
            (States{"a=" + old, "a=" + old + std::string(1596, '.'),
                    "a=" + old + std::string(1596, 'b'), "a=" + old + std::string(2500, '.'),
                    "a=" + old + std::string(1596, '.') + std::string(904, 'b'),
                    "a=" + old + std::string(1596, 'b') + std::string(904, '.'),
                    "a=" + old + std::string(2500, 'b')}));
}

TEST(Xfs, M24ABlockOfAnAppendComesWithItsSize) {
  TraceScript script = with_file(std::string(2500, 'a'));
  script.append("a", std::string(2500, 'b'));
  const std::string old(2500, 'a');
  EXPECT_EQ(all_states(script, "xfs"), (States{"a=" + old, "a=" + old + std::string(1596, 'b'),
                                               "a=" + old + std::string(2500, 'b')}));
}

// The block is not on disk before it is allocated, at write-back: until then nothing of it shows.
TEST(Ext4, M24AnAppendInABlockNotYetAllocatedDoesNotOrderLaterNames) {
  TraceScript script;
  script.create("a").fsync("a").append("a", "1").append("a", "2").create("b");
  const States states = all_states(script, "ext4-ordered");
  EXPECT_THAT(states, Contains("a= b="));
  EXPECT_THAT(states, Contains("a=1. b="));
  EXPECT_THAT(states, Contains("a=.. b=")) << "an unwritten block reads as zeros";
}

TEST(Ext4, M21OverwritesFloatFreely) {
  TraceScript script = with_file("01");
  script.create("b").write("a", 0, "x");
  EXPECT_EQ(all_states(script, "ext4-ordered"), (States{"a=01", "a=x1", "a=01 b=", "a=x1 b="}));
}

TEST(Ext4, M2BlocksOfAnOverwriteComeInAnyOrder) {
  const std::string old(8192, 'o');
  const std::string half(4096, 'n');
  TraceScript script = with_file(old);
  script.write("a", 0, half + half);
  const std::string kept(4096, 'o');
  EXPECT_EQ(all_states(script, "ext4-ordered"),
            (States{"a=" + old, "a=" + half + kept, "a=" + kept + half, "a=" + half + half}));
}

// The size was in the journal before the name; what is appended into new blocks comes when it comes.
TEST(Ext4, M21MetadataIsCommittedInOrder) {
  TraceScript script = with_file("0123");
  script.truncate("a", 2).create("b").rename("b", "c");
  EXPECT_EQ(all_states(script, "ext4-ordered"),
            (States{"a=0123", "a=01..", "a=01", "a=01 b=", "a=01 c="}));
}

// ---- M27: what ext4 allocates early

TraceScript rewritten() {
  return with_file("old").open_truncate("a").append("a", "new");
}

TEST(Ext4, M27ARewrittenFileHasItsSizeOnceItIsClosed) {
  EXPECT_THAT(all_states(rewritten().create("x").fsync("x"), "ext4-ordered"), Contains("a= x="));
  EXPECT_EQ(all_states(rewritten().close("a").create("x").fsync("x"), "ext4-ordered"),
            (States{"a=... x=", "a=new x="}));
  EXPECT_EQ(all_states(rewritten().close("a").fsync_directory(), "ext4-ordered"),
            (States{"a=...", "a=new"}));
}

TEST(Ext4, M27LaterNamesNeedTheSizeOfARewrittenFile) {
  const States states = all_states(rewritten().close("a").create("x"), "ext4-ordered");
  EXPECT_THAT(states, Not(Contains("a= x=")));
  EXPECT_THAT(states, Contains("a=... x="));
  EXPECT_THAT(states, Contains("a="));
}

// Without the flag of a truncation ext4_release_file allocates nothing.
TEST(Ext4, M27AFileThatIsNewHasNoSizeWhenItIsClosed) {
  TraceScript script;
  script.create("a").append("a", "new").close("a").create("x").fsync("x");
  EXPECT_THAT(all_states(script, "ext4-ordered"), Contains("a= x="));
}

TEST(Ext4, M27AnAppendAfterTheCloseIsNotAllocated) {
  const States states =
      all_states(rewritten().close("a").append("a", "er").create("x").fsync("x"), "ext4-ordered");
  EXPECT_THAT(states, Contains("a=new x="));
  EXPECT_THAT(states, Not(Contains("a= x=")));
}

// A child has the file open too, so the close in the parent is not the last one.
TEST(Ext4, M27ACloseAfterAForkIsNotReliedOn) {
  EXPECT_THAT(all_states(rewritten().fork().close("a").create("x").fsync("x"), "ext4-ordered"),
              Contains("a= x="));
}

// ext4_release_file takes the flag away whichever descriptor is closed (seen on Linux 6.18).
TEST(Ext4, M27AnotherCloseBeforeTheWriteLeavesNothingToAllocate) {
  TraceScript script = with_file("old");
  script.link("a", "b").open_truncate("a").open_truncate("b");
  script.close("b").append("a", "new").close("a").create("x").fsync("x");
  EXPECT_THAT(all_states(script, "ext4-ordered"), Contains("a= b= x="));
}

TEST(Ext4, M27ACallThatOverlapsTheCloseDoesNotNeedTheSize) {
  TraceScript script = rewritten().close("a").never_returning();
  script.create("x").returning_now(1);
  EXPECT_THAT(all_states(script, "ext4-ordered"), Contains("a= x="));
}

TEST(Ext4, M27AnExchangeBringsNoSize) {
  TraceScript script = with_file("old");
  script.create("t").append("t", "new").rename("t", "a", RENAME_EXCHANGE).fsync_directory();
  EXPECT_THAT(all_states(script, "ext4-ordered"), Contains("a= t=old"));
}

// A rename of a file of several blocks: all sizes come with the name, the bytes do not.
TEST(Ext4, M27ARenameOverAnotherBringsTheWholeSize) {
  TraceScript script = with_file("old");
  script.create("t").append("t", std::string(9000, 'n')).rename("t", "a").fsync_directory();
  for (const std::string& state : all_states(script, "ext4-ordered")) {
    EXPECT_EQ(state.size(), 2U + 9000U) << state.substr(0, 20);
  }
}

// real_filesystems_test.cc: 2500 bytes cut to 1250, and 2500 found, the end of them NUL.
TEST(Ext4, M25TruncationInsideABlockMayLeaveZerosAndTheOldSize) {
  const TraceScript script = with_file("0123").truncate("a", 1);
  EXPECT_EQ(all_states(script, "ext4-ordered"), (States{"a=0123", "a=0...", "a=0"}));
  EXPECT_EQ(all_states(script, "ext4-writeback"), (States{"a=0123", "a=0...", "a=0"}));
  EXPECT_EQ(all_states(script, "weakest"), (States{"a=0123", "a=0...", "a=0"}));
  EXPECT_EQ(all_states(script, "prefix"), (States{"a=0123", "a=0"}));
  EXPECT_EQ(all_states(with_file("0123").truncate("a", 0), "ext4-ordered"),
            (States{"a=0123", "a="}))
      << "a block that goes as a whole is not written";
}

// What a page also holds of an append is not looked at before the size is logged, later.
TEST(Xfs, M23AnOverwriteComesWithoutAnAppendToTheSameSector) {
  const TraceScript script = with_file("12").append("a", "34").write("a", 0, "x");
  EXPECT_EQ(all_states(script, "xfs"), (States{"a=12", "a=x2", "a=1234", "a=x234"}));
  EXPECT_EQ(all_states(script, "btrfs"), (States{"a=12", "a=1234", "a=x234"}));
}

// Sectors of one page, which is written in place, come apart: of two writes to it the later alone.
TEST(Ext4, M23WritesToDifferentSectorsOfABlockFloat) {
  TraceScript script = with_file(std::string(1024, 'o'));
  script.write("a", 1023, "2").write("a", 0, "1");
  const auto with = [](char first, char last) {
    return "a=" + std::string(1, first) + std::string(1022, 'o') + std::string(1, last);
  };
  const States any{with('o', 'o'), with('1', 'o'), with('o', '2'), with('1', '2')};
  EXPECT_EQ(all_states(script, "ext4-ordered"), any);
  EXPECT_EQ(all_states(script, "xfs"), any);
  EXPECT_EQ(all_states(script, "btrfs"), (States{with('o', 'o'), with('o', '2'), with('1', '2')}));
}

// real_filesystems_test.cc: a byte written at 2000 was lost, the cut to 2500 was there.
TEST(Xfs, M25TruncationDoesNotWriteOutOverwrites) {
  EXPECT_EQ(all_states(with_file("0123").write("a", 0, "x").truncate("a", 2), "xfs"),
            (States{"a=0123", "a=x123", "a=x1..", "a=01", "a=x1"}));
}

TEST(Xfs, M25TruncationWritesOutWhatItKeepsOfAnAppend) {
  TraceScript script = with_file("0");
  script.append("a", std::string(6000, 'x')).truncate("a", 3);
  EXPECT_THAT(all_states(script, "xfs"), Not(Contains("a=0..")));
  EXPECT_THAT(all_states(script, "ext4-ordered"), Not(Contains("a=0..")))
      << "the page with the zeros has the bytes too";
  EXPECT_THAT(all_states(script, "ext4-writeback"), Contains("a=0.."));
}

TEST(Btrfs, M21LaterNamesNeedEarlierOnesOfTheSameName) {
  TraceScript script = with_file("1");
  script.unlink("a").create("a").append("a", "2").fsync("a");
  EXPECT_EQ(all_states(script, "btrfs"), (States{"a=2"}));
}

TEST(Btrfs, M21NamesOfOneFileInOneDirectoryAreInOrder) {
  TraceScript script = with_file("1");
  script.link("a", "b").link("b", "c").unlink("a").unlink("b");
  EXPECT_EQ(all_states(script, "btrfs"),
            (States{"a=1", "a=1 b=1", "a=1 b=1 c=1", "b=1 c=1", "c=1"}));
}

// Names of different files, and those of one in different directories, are in the log apart.
TEST(Btrfs, M21NamesOfOneFileInTwoDirectoriesFloat) {
  TraceScript script({{"d", directory_entry()}, {"d/a", file_entry("1")}});
  script.link("d/a", "b").unlink("d/a").fsync_directory("d");
  EXPECT_EQ(all_states(script, "btrfs"), (States{"d/", "b=1 d/"}));
}

TEST(Weakest, M8EverythingMayBeMissing) {
  TraceScript script = with_file("0123");
  script.write("a", 0, "x").truncate("a", 2).append("a", "z");
  EXPECT_EQ(all_states(script, "weakest"),
            (States{"a=0123", "a=x123", "a=01", "a=x1", "a=01.", "a=x1.", "a=01z", "a=x1z",
                    // the cut is lost and what was appended after it overwrites
                    "a=01z3", "a=x1z3",
                    // or reads as zeros
                    "a=01..", "a=x1..", "a=01z.", "a=x1z."}));
}

TEST(AllProfiles, M26FallocateThatShiftsBytesIsABarrierInItsFile) {
  for (const char* const profile : {"ext4-ordered", "xfs", "btrfs"}) {
    TraceScript script = with_file("0123");
    script.write("a", 0, "x").allocate("a", FALLOC_FL_COLLAPSE_RANGE, 1, 2).write("a", 0, "y");
    EXPECT_EQ(all_states(script, profile), (States{"a=0123", "a=x123", "a=x3", "a=y3"})) << profile;
  }
}

TEST(Weakest, M7ADirectoryUnderTwoNamesShowsItsFilesUnderBoth) {
  TraceScript script({{"d", directory_entry()}, {"d/x", file_entry("1")}});
  EXPECT_THAT(all_states(script.rename("d", "e"), "weakest"), Contains("d/ d/x=1 e/ e/x=1"));
}

TEST(Weakest, M7ADirectoryNeverHoldsItself) {
  TraceScript script({{"d", directory_entry()}, {"e", directory_entry()}});
  script.rename("d", "e/d").rename("e/d", "d").rename("e", "d/e");
  EXPECT_THAT(all_states(script, "weakest"), Contains("d/ d/e/"));  // and it ends
}

// ---- a sync that failed: Rebello et al., ATC'20, table 1

TEST(FailedFsync, M20IsNotMadeGoodByARetry) {
  for (const char* const profile : {"weakest", "ext4-ordered", "xfs"}) {
    TraceScript script = with_file("1");
    script.append("a", "2").fsync("a").failing(EIO).fsync("a");
    EXPECT_THAT(all_states(script, profile), Contains("a=1.")) << profile;
    EXPECT_THAT(all_states(script, profile), Contains("a=12")) << profile;
  }
}

TEST(FailedFsync, M20LeavesTheSizeOnExt4AndXfs) {
  TraceScript script = with_file("1");
  script.append("a", "2").fsync("a").failing(EIO);
  EXPECT_EQ(all_states(script, "ext4-ordered"), (States{"a=1.", "a=12"}));
  EXPECT_EQ(all_states(script, "xfs"), (States{"a=1.", "a=12"}));
  EXPECT_EQ(all_states(script, "weakest"), (States{"a=1", "a=1.", "a=12"}));
}

TEST(FailedFsync, M20RevertsTheFileOnBtrfs) {
  TraceScript script = with_file("1");
  script.append("a", "2").fsync("a").failing(EIO).append("a", "3").fsync("a");
  EXPECT_EQ(all_states(script, "btrfs"), (States{"a=1.3"})) << "the offset was not rolled back";
}

TEST(FailedFsync, M20OfAPageWrittenAgainIsMadeGoodByTheNextOne) {
  TraceScript script = with_file("1");
  script.append("a", "2").fsync("a").failing(EIO).append("a", "3").fsync("a");
  EXPECT_EQ(all_states(script, "ext4-ordered"), (States{"a=123"}))
      << "one page, written as a whole";
  EXPECT_EQ(all_states(script, "weakest"), (States{"a=1.3", "a=123"}));
}

TEST(FailedFsync, M20KeepsTheBytesReadableUntilTheKernelGoes) {
  TraceScript script = with_file("1");
  EXPECT_EQ(after_process_kill(script.append("a", "2").fsync("a").failing(EIO)), "a=12");
}

// ---- the model along a trace

TEST(CrashModel, FoldsWhatIsDurableSoThatNodesDoNotPileUp) {
  TraceScript script = with_file("");
  for (int i = 0; i < 1000; ++i) {
    script.append("a", "x").fsync("a");
  }
  CrashModel model(timeline_of(script), *find_profile("weakest"));
  for (trace::Position point = 0; point <= script.now(); ++point) {
    model.advance(point);
    ASSERT_LE(model.nodes().size(), 2U);
  }
  EXPECT_EQ(show(model.image(model.only_durable())), "a=" + std::string(1000, 'x'));
}

TEST(CrashModel, GivesTheSameStatesWhetherItStepsOrJumps) {
  TraceScript script = with_file("01");
  script.append("a", "2").create("t").append("t", "new").fsync("t").rename("t", "a");
  script.append("a", "3").fsync_directory().unlink("a").create("a");
  for (const Profile& profile : profiles()) {
    CrashModel steps(timeline_of(script), profile);
    for (trace::Position point = 0; point <= script.now(); ++point) {
      steps.advance(point);
      States seen;
      StateOptions options{.torn_writes = TornWrites::kNone, .garbage = false};
      options.all_max = 100'000;
      for_each_state(steps, options, [&](CrashState&& state) {
        seen.insert(show(state.image));
        return true;
      });
      if (point > 0) {
        EXPECT_EQ(seen, all_states(script, profile.name, point)) << profile.name << " at " << point;
      }
    }
  }
}

TEST(CrashModel, M6ForgetsFilesThatNoStateCanShow) {
  TraceScript script;
  script.create("a").append("a", "1").unlink("a").fsync_directory().append("a", "2");
  CrashModel model(timeline_of(script), *find_profile("weakest"));
  model.advance(script.now());
  EXPECT_TRUE(model.nodes().empty());
}

TEST(CrashModel, SaysWhatTheTraceLeftOpen) {
  TraceScript script;
  script.append("nowhere", "x").unlink("gone");
  EXPECT_THAT(timeline_of(script)->notes(),
              ElementsAre("write of nowhere: nothing of that name is known",
                          "unlink of gone: nothing of that name is known"));
}

TEST(CrashModel, AFileMovedInFromOutsideIsNoted) {
  TraceScript script;
  script.rename("/tmp/x", "b");
  EXPECT_EQ(after_process_kill(script), "b=");
  EXPECT_THAT(timeline_of(script)->notes(),
              ElementsAre("b was moved in from outside: what it held before is not known"));
}

TEST(CrashModel, WhatIsMovedInComesWhole) {
  TraceScript script;
  script.found_directory("/o/d").found("/o/d/x", "1").rename("/o/d", "d");
  EXPECT_THAT(timeline_of(script)->notes(), testing::IsEmpty());
  for (const Profile& profile : profiles()) {
    States expected{"d/ d/x=1"};
    if (profile.name != "process-kill") {
      expected.insert("-");
    }
    EXPECT_EQ(all_states(script, profile.name), expected) << profile.name;
  }
  script.append("d/x", "2").create("d/y").unlink("d/x");
  EXPECT_EQ(after_process_kill(script), "d/ d/y=");
}

TEST(CrashModel, WhatWasNotSyncedBeforeItWasMovedInMayBeLost) {
  TraceScript script;
  script.found("/o/x", "1", /*durable=*/false).rename("/o/x", "x");
  EXPECT_EQ(after_process_kill(script), "x=1");
  EXPECT_TRUE(all_states(script, "ext4-ordered").contains("x="));
  EXPECT_EQ(all_states(script.fsync("x").fsync_directory(), "weakest"), States{"x=1"});
}

TEST(CrashModel, WhatIsMovedOutKeepsItsBytesUntilItComesBack) {
  TraceScript script({{"d", directory_entry()}, {"d/x", file_entry("1")}, {"a", file_entry("2")}});
  script.rename("d", "/o/d").append("/o/d/x", "1").create("/o/d/y").rename("a", "/o/a");
  EXPECT_EQ(after_process_kill(script), "-");
  script.rename("/o/d", "e").append("/o/a", "2").link("/o/a", "b");
  EXPECT_EQ(after_process_kill(script), "b=22 e/ e/x=11 e/y=");
  EXPECT_THAT(timeline_of(script)->notes(), testing::IsEmpty());
}

TEST(CrashModel, AModeIsThatOfTheLastChmodThatHasReturned) {
  TraceScript script = with_file("1");
  script.chmod("a", 0600).chmod("a", 0711).never_returning();
  for (const Profile& profile : profiles()) {
    CrashModel model(timeline_of(script), profile);
    model.advance(1);
    EXPECT_EQ(model.image(model.everything()).find("a")->mode, 0644U) << profile.name;
    model.advance(trace::kNever);
    EXPECT_EQ(model.image(model.only_durable()).find("a")->mode, 0600U) << profile.name;
  }
}

TEST(CrashModel, M8PermitsExactlyWhatItEnumerates) {
  TraceScript script = with_file("1");
  script.append("a", "2").create("b").rename("b", "c");
  for (const Profile& profile : profiles()) {
    CrashModel model(timeline_of(script), profile);
    model.advance(script.now());
    std::uint64_t permitted = 0;
    for (std::size_t bits = 0; bits < std::size_t{1} << model.nodes().size(); ++bits) {
      Selection selection = model.everything();
      for (std::size_t i = 0; i < model.nodes().size(); ++i) {
        selection.choices[i] = (bits >> i & 1U) != 0 ? Choice::kPresent : Choice::kAbsent;
      }
      States seen{show(model.image(selection))};
      const bool listed = all_states(script, profile.name).contains(*seen.begin());
      permitted += model.permits(selection) ? 1U : 0U;
      EXPECT_TRUE(!model.permits(selection) || listed) << profile.name;
    }
    EXPECT_GE(permitted, all_states(script, profile.name).size()) << profile.name;
  }
}

}  // namespace
}  // namespace crashpoint::crash
