// Goal: the audit says exactly what was acknowledged before it was durable.
#include "harness/trace/audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/fs.h>

#include <algorithm>
#include <string>

#include "harness/ptrace/run_for_test.h"

namespace crashpoint::trace {
namespace {

const FileSummary& file(const Audit& audit, const std::string& path) {
  const auto found = std::find_if(audit.files.begin(), audit.files.end(),
                                  [&](const FileSummary& f) { return f.path == path; });
  EXPECT_NE(found, audit.files.end()) << path;
  return *found;
}

// The program syncs each line before it says its number: only its name is ever at stake.
TEST(Audit, FindsNothingInContentSyncedBeforeEachAck) {
  const ptrace::TestFolder folder;
  const Audit found = audit(folder.run({"append", "log", "5"}).trace);
  const FileSummary& log = file(found, "log.done");
  EXPECT_EQ(found.output_lines, 5U);
  EXPECT_TRUE(log.created);
  EXPECT_EQ(log.writes, 5U);
  EXPECT_EQ(log.bytes_written, 35U);
  EXPECT_EQ(log.syncs, 5U);
  EXPECT_EQ(log.content.acks, 0U);
  EXPECT_FALSE(log.unsynced);
}

TEST(Audit, FindsANameThatWasNeverSynced) {
  const ptrace::TestFolder folder;
  const Audit found = audit(folder.run({"append", "log", "5"}).trace);
  EXPECT_EQ(file(found, "log.done").name.acks, 5U) << "no fsync of the directory";
  EXPECT_TRUE(file(found, "log.done").name_unsynced);
}

TEST(Audit, FindsBytesAckedWhileTheDiskLied) {
  const ptrace::TestFolder folder;
  fault::Place sync = ptrace::place("fdatasync", "log");
  sync.nth = {2, 3, 1};
  const Audit found =
      audit(folder.run({"append", "log", "5"}, {ptrace::fault_at(sync, fault::Skip{})}).trace);
  const FileSummary& log = file(found, "log.done");
  EXPECT_EQ(log.content.acks, 2U);
  EXPECT_EQ(log.content.bytes_max, 14U);
  EXPECT_EQ(log.syncs, 3U);
  EXPECT_FALSE(log.unsynced) << "the fourth sync made up for it";
}

// By hand, to order calls as no program of ours would for certain.
class Script {
 public:
  Script& then(Op op, const std::string& path, FileId id, std::int64_t result = 0) {
    Event event;
    event.op = op;
    event.path = path;
    event.file = id;
    event.inside = op != Op::kSend && op != Op::kSync && op != Op::kExit;
    event.directory = path == ".";
    event.enter = trace_.end++;
    event.exit = trace_.end++;
    event.result = event.performed = result;
    trace_.events.push_back(event);
    return *this;
  }
  Script& created(const std::string& path, FileId id) {
    then(Op::kOpen, path, id, 3);
    trace_.events.back().created = true;
    return *this;
  }
  Script& renamed(const std::string& from, FileId id, const std::string& to, FileId other = 0,
                  std::uint32_t flags = 0) {
    then(Op::kRename, from, id);
    trace_.events.back().path2 = to;
    trace_.events.back().file2 = other;
    trace_.events.back().flags = flags;
    return *this;
  }
  Script& to(const std::string& path2) {
    trace_.events.back().path2 = path2;
    return *this;
  }
  // The event before the last returned only after it.
  Script& overlapping() {
    std::swap(trace_.events.back().exit, trace_.events[trace_.events.size() - 2].exit);
    return *this;
  }
  // Of the event before: another filesystem than that of the data.
  Script& elsewhere() {
    trace_.events.back().elsewhere = true;
    return *this;
  }
  Script& internal() {
    trace_.events.back().internal = true;
    return *this;
  }
  Script& directory() {
    trace_.events.back().directory = true;
    return *this;
  }
  [[nodiscard]] Audit audited(const Acks& acks = {}) const { return audit(trace_, acks); }

 private:
  Trace trace_;
};

constexpr FileId kDirectory = 1;
constexpr FileId kLog = 2;
constexpr FileId kOther = 3;

TEST(Audit, ASyncCoversOnlyWhatHadReturnedBeforeItWasCalled) {
  const Audit found = Script()
                          .created("log", kLog)
                          .then(Op::kWrite, "log", kLog, 100)
                          .then(Op::kFdatasync, "log", kLog)
                          .overlapping()
                          .then(Op::kSend, "", 0, 5)
                          .audited();
  EXPECT_EQ(file(found, "log").content.acks, 1U);
}

TEST(Audit, ASyncOfTheDirectoryCoversItsNamesOnly) {
  const Audit found = Script()
                          .created("log", kLog)
                          .then(Op::kWrite, "log", kLog, 100)
                          .then(Op::kFsync, ".", kDirectory)
                          .then(Op::kSend, "", 0, 5)
                          .audited();
  EXPECT_EQ(file(found, "log").name.acks, 0U);
  EXPECT_EQ(file(found, "log").content.acks, 1U);
}

TEST(Audit, ASyncOfEverythingCoversEverything) {
  const Audit found = Script()
                          .created("log", kLog)
                          .then(Op::kWrite, "log", kLog, 100)
                          .then(Op::kSync, "", 0)
                          .then(Op::kSend, "", 0, 5)
                          .audited();
  EXPECT_EQ(file(found, "log").name.acks + file(found, "log").content.acks, 0U);
  EXPECT_EQ(found.sends, 1U);
}

TEST(Audit, ASyncOfAnotherFilesystemCoversNothing) {
  const auto acked_after = [](bool elsewhere) {
    Script script;
    script.created("log", kLog)
        .then(Op::kWrite, "log", kLog, 100)
        .then(Op::kSyncfs, "/mnt", kOther);
    if (elsewhere) {
      script.elsewhere();
    }
    return script.then(Op::kSend, "", 0, 5).audited();
  };
  EXPECT_EQ(file(acked_after(true), "log").content.acks, 1U);
  EXPECT_EQ(file(acked_after(true), "log").name.acks, 1U);
  EXPECT_EQ(file(acked_after(false), "log").content.acks, 0U);
  EXPECT_EQ(file(acked_after(false), "log").name.acks, 0U);
}

TEST(Audit, WhatAProgramSendsToItselfAcknowledgesNothing) {
  const Audit found = Script()
                          .created("log", kLog)
                          .then(Op::kSend, "", 0, 5)
                          .internal()
                          .then(Op::kFsync, ".", kDirectory)
                          .then(Op::kSend, "", 0, 5)
                          .audited();
  EXPECT_EQ(found.sends, 1U);
  EXPECT_EQ(file(found, "log").name.acks, 0U);
}

TEST(Audit, AnExitWithStatus0IsAnAcknowledgementWhereItIsSaidToBe) {
  const auto audited = [](const Acks& acks, std::int64_t status) {
    return Script()
        .created("log", kLog)
        .then(Op::kSend, "", 0, 5)
        .then(Op::kExit, "", 0, status)
        .audited(acks);
  };
  const Acks exit_only{.sends = false, .output = false, .exit = true};
  EXPECT_EQ(audited({}, 0).exits, 0U);
  EXPECT_EQ(audited(exit_only, 256).acks(), 0U) << "it failed";
  EXPECT_EQ(audited(exit_only, 0).acks(), 1U);
  EXPECT_EQ(file(audited(exit_only, 0), "log").name.acks, 1U);
  EXPECT_EQ(audited({.exit = true}, 0).acks(), 2U);
}

TEST(Audit, CountsTheCallsThatChangedTheDirectory) {
  EXPECT_EQ(Script().then(Op::kFsync, "log", kLog).then(Op::kSend, "", 0, 5).audited().changes, 0U);
  EXPECT_EQ(Script().created("log", kLog).then(Op::kUnlink, "log", kLog).audited().changes, 2U);
}

TEST(Audit, ARemovalIsDurableOnceTheDirectoryIsSynced) {
  const Audit found = Script()
                          .created("log", kLog)
                          .then(Op::kFsync, ".", kDirectory)
                          .then(Op::kUnlink, "log", kLog)
                          .then(Op::kSend, "", 0, 5)
                          .then(Op::kFsync, ".", kDirectory)
                          .then(Op::kSend, "", 0, 5)
                          .audited();
  EXPECT_EQ(file(found, "log").removal.acks, 1U);
  EXPECT_FALSE(file(found, "log").removal_unsynced);
}

TEST(Audit, ASyncOfAFileDoesNotMakeItsRemovalDurable) {
  const Audit found = Script()
                          .created("log", kLog)
                          .then(Op::kUnlink, "log", kLog)
                          .then(Op::kFsync, "log", kLog)
                          .then(Op::kSend, "", 0, 5)
                          .audited();
  EXPECT_EQ(file(found, "log").removal.acks, 1U);
  EXPECT_TRUE(file(found, "log").removal_unsynced);
}

TEST(Audit, ARemovedDirectoryTakesTheRemovalsInItAlong) {
  Script script;
  script.then(Op::kMkdir, "made", kOther).directory().created("made/log", kLog);
  script.then(Op::kUnlink, "made/log", kLog).then(Op::kRmdir, "made", kOther).directory();
  script.then(Op::kSend, "", 0, 5);
  EXPECT_EQ(file(script.audited(), "made/log").removal.acks, 1U);
  EXPECT_EQ(file(script.audited(), "made").removal.acks, 1U);
  script.then(Op::kFsync, ".", kDirectory).then(Op::kSend, "", 0, 5);
  EXPECT_EQ(file(script.audited(), "made/log").removal.acks, 1U);
  EXPECT_EQ(file(script.audited(), "made").removal.acks, 1U);
}

TEST(Audit, AMoveToAnotherDirectoryTakesASyncOfBoth) {
  const auto synced = [](const std::string& directory, FileId id) {
    Script script;
    script.then(Op::kMkdir, "to", kOther).directory().created("log", kLog);
    script.then(Op::kSync, "", 0).renamed("log", kLog, "to/log");
    script.then(Op::kFsync, directory, id).directory();
    return script.then(Op::kSend, "", 0, 5).audited();
  };
  EXPECT_EQ(file(synced("to", kOther), "to/log").name.acks, 0U);
  EXPECT_EQ(file(synced("to", kOther), "to/log").removal.acks, 1U);
  EXPECT_EQ(file(synced("to", kOther), "to/log").removed, "log");
  EXPECT_EQ(file(synced(".", kDirectory), "to/log").name.acks, 1U);
  EXPECT_EQ(file(synced(".", kDirectory), "to/log").removal.acks, 0U);
}

TEST(Audit, AMoveOutOfTheDirectoryIsARemoval) {
  const Audit found = Script()
                          .created("log", kLog)
                          .then(Op::kWrite, "log", kLog, 100)
                          .then(Op::kSync, "", 0)
                          .renamed("log", kLog, "/elsewhere/log")
                          .then(Op::kSend, "", 0, 5)
                          .audited();
  EXPECT_EQ(file(found, "log").removal.acks, 1U);
  EXPECT_EQ(file(found, "log").name.acks + file(found, "log").content.acks, 0U);
}

TEST(Audit, TheSwitchOfASymlinkIsAChangeOfNames) {
  const Audit found = Script()
                          .then(Op::kSymlink, "v2", kLog)
                          .to("new")
                          .renamed("new", kLog, "current", kOther)
                          .then(Op::kSend, "", 0, 5)
                          .audited();
  EXPECT_EQ(file(found, "current").name.acks, 1U);
}

TEST(Audit, OfAFileThatIsGoneOnlyTheRemovalIsMissed) {
  const Audit found = Script()
                          .created("log", kLog)
                          .then(Op::kWrite, "log", kLog, 100)
                          .then(Op::kUnlink, "log", kLog)
                          .then(Op::kSend, "", 0, 5)
                          .audited();
  EXPECT_TRUE(file(found, "log").unlinked);
  EXPECT_EQ(file(found, "log").name.acks + file(found, "log").content.acks, 0U);
  EXPECT_EQ(file(found, "log").removal.acks, 1U);
}

TEST(Audit, FilesThatExchangeTheirNamesAreBothStillThere) {
  const Audit found = Script()
                          .created("new", kLog)
                          .created("old", kOther)
                          .then(Op::kWrite, "old", kOther, 100)
                          .renamed("new", kLog, "old", kOther, RENAME_EXCHANGE)
                          .then(Op::kSend, "", 0, 5)
                          .audited();
  EXPECT_FALSE(file(found, "new").unlinked);
  EXPECT_EQ(file(found, "new").content.bytes_max, 100U) << "the old one's";
  EXPECT_EQ(file(found, "old").bytes_written, 0U);
}

TEST(Audit, AMovedDirectoryTakesItsFilesAlong) {
  const Audit found = Script()
                          .created("made/log", kLog)
                          .renamed("made", kOther, "moved")
                          .then(Op::kFsync, "moved", kOther)
                          .directory()
                          .then(Op::kSend, "", 0, 5)
                          .audited();
  EXPECT_EQ(file(found, "moved/log").name.acks, 0U);
}

}  // namespace
}  // namespace crashpoint::trace
