// Goal: what is recorded is what the program did. Method: programs of our own that know what they
// do are held against the recording; and the recording, done again, must give what is on disk.
#include "harness/ptrace/recorder.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/ptrace/run_for_test.h"
#include "harness/ptrace/tracer.h"

namespace crashpoint::ptrace {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

std::vector<const trace::Event*> events_of(const trace::Trace& trace, trace::Op op,
                                           const std::string& path = {}) {
  std::vector<const trace::Event*> found;
  for (const trace::Event& event : trace.events) {
    if (event.op == op && (path.empty() || event.path == path)) {
      found.push_back(&event);
    }
  }
  return found;
}

// sync(2) waits for the disks of the whole machine: not in a test.
fault::Fault no_sync() {
  return fault_at(place("sync"), fault::Skip{});
}

TEST(Recorder, TellsEverySyscallAsTheProgramKnowsIt) {
  const TestFolder folder;
  const auto run = folder.run({"every_syscall"}, {no_sync()});
  ASSERT_EQ(run.status, 0) << folder.output();
  EXPECT_THAT(told(run.trace), ElementsAreArray(lines_of(folder.output())));
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
}

// The tracer writes in the place of a program that writes much, and stays on its CPU.
TEST(Recorder, AProgramThatWritesMuchCannotTellWhoWrites) {
  const TestFolder folder;
  const auto run = folder.run({"many_writes"});
  ASSERT_EQ(run.status, 0) << folder.output();
  EXPECT_THAT(told(run.trace), ElementsAreArray(lines_of(folder.output())));
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
}

TEST(Recorder, SeesEveryFamilyOfSyscallsThatAFaultCanName) {
  const TestFolder folder;
  const auto run = folder.run({"every_syscall"}, {no_sync()});
  std::set<std::string> seen;
  for (const trace::Event& event : run.trace.events) {
    seen.insert(event.syscall);
  }
  for (const trace::Syscall& syscall : trace::syscalls()) {
    const bool by_another_test = syscall.family == "fork" || syscall.family == "setxattr" ||
                                 syscall.handling != trace::Handling::kRecord;
    EXPECT_TRUE(by_another_test || seen.contains(syscall.name)) << syscall.name;
  }
}

TEST(Recorder, KnowsWhichSyncfsIsOfAnotherFilesystem) {
  const TestFolder folder;
  const auto run = folder.run({"sh", "-c", "sync -f /proc; sync -f ."},
                              {fault_at(place("syncfs"), fault::Skip{})});
  const auto syncs = events_of(run.trace, trace::Op::kSyncfs);
  ASSERT_EQ(syncs.size(), 2U);
  EXPECT_TRUE(syncs[0]->elsewhere);
  EXPECT_FALSE(syncs[1]->elsewhere);
}

TEST(Recorder, SeesAProgramWithoutLibc) {
  const TestFolder folder;
  const auto run = folder.run({"no_libc"});
  ASSERT_TRUE(WIFEXITED(run.status));
  EXPECT_EQ(WEXITSTATUS(run.status), 7);
  EXPECT_THAT(told(run.trace), ElementsAre("openat|raw||0|0|3|", "write|raw||0|7|7|record\n",
                                           "fdatasync|raw||0|0|0|", "write|raw||7|7|7|record\n",
                                           "fdatasync|raw||0|0|0|", "write|raw||14|7|7|record\n",
                                           "fdatasync|raw||0|0|0|"));
}

TEST(Recorder, SeesWhatStdioWritesInsideLibc) {
  const TestFolder folder;
  const auto run = folder.run({"stdio_only"});
  ASSERT_EQ(run.status, 0);
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
  EXPECT_THAT(folder.file("all-lines"), HasSubstr("line 1999\nthe last\n"));
}

TEST(Recorder, OffsetsAreRightWhenThreadsWriteAtOnce) {
  const TestFolder folder;
  const auto run = folder.run({"threads"});
  ASSERT_EQ(run.status, 0);
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
  std::map<std::uint32_t, int> writes;
  for (const trace::Event* event : events_of(run.trace, trace::Op::kWrite)) {
    EXPECT_EQ(event->role.kind, trace::RoleKind::kThread);
    ++writes[event->role.ordinal];
  }
  EXPECT_EQ(writes.size(), 8U);
  EXPECT_TRUE(
      std::all_of(writes.begin(), writes.end(), [](const auto& w) { return w.second == 150; }));
}

TEST(Recorder, TellsParentChildAndGrandchildApart) {
  const TestFolder folder;
  const auto run = folder.run({"forks"});
  ASSERT_EQ(run.status, 0);
  EXPECT_EQ(folder.file("log"), "parent\nchild\ngrandchild\nchild ended\nexec\nend\n");
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
  std::map<std::string, trace::Role> writer;
  for (const trace::Event* event : events_of(run.trace, trace::Op::kWrite)) {
    writer[std::string(run.trace.data(*event))] = event->role;
  }
  EXPECT_EQ(writer["parent\n"].kind, trace::RoleKind::kMain);
  EXPECT_EQ(writer["child\n"], (trace::Role{trace::RoleKind::kChild, 1, "snapshot"}));
  EXPECT_EQ(writer["grandchild\n"], (trace::Role{trace::RoleKind::kChild, 2, {}}));
  EXPECT_EQ(writer["exec\n"], (trace::Role{trace::RoleKind::kChild, 3, {}}));
  const auto forks = events_of(run.trace, trace::Op::kFork);
  ASSERT_EQ(forks.size(), 3U);
  EXPECT_GT(forks[0]->result, 0);
}

TEST(Recorder, TellsAChildsPurposeInItsEarlierEventsToo) {
  const TestFolder folder;
  const auto run = folder.run({"forks"});
  for (const trace::Event& event : run.trace.events) {
    if (event.role.kind == trace::RoleKind::kChild && event.role.ordinal == 1) {
      EXPECT_EQ(event.role.purpose, "snapshot") << event.syscall;
    }
  }
}

TEST(Recorder, KeepsTheWaitStatusOfEveryProcess) {
  const TestFolder folder;
  const auto run = folder.run({"forks"});
  std::map<std::uint32_t, std::int64_t> status;
  for (const trace::Event* event : events_of(run.trace, trace::Op::kExit)) {
    status[event->role.ordinal] = WEXITSTATUS(static_cast<int>(event->result));
  }
  EXPECT_EQ(status, (std::map<std::uint32_t, std::int64_t>{{0, 0}, {1, 5}, {2, 0}, {3, 0}}));
}

TEST(Recorder, StartsFromWhatIsThereAlready) {
  const TestFolder folder;
  std::filesystem::create_directory(folder.data() / "sub");
  std::ofstream(folder.data() / "sub" / "old") << "before\n";
  std::filesystem::create_hard_link(folder.data() / "sub" / "old", folder.data() / "linked");
  std::filesystem::create_symlink("sub/old", folder.data() / "pointer");
  const auto run = folder.run({"sh", "-c", "echo more >> pointer; rm linked; mv sub moved"});
  ASSERT_EQ(run.status, 0);
  EXPECT_EQ(run.trace.initial.at("sub/old").content, "before\n");
  EXPECT_EQ(run.trace.initial.at("sub/old").file, run.trace.initial.at("linked").file);
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
  EXPECT_EQ(folder.file("moved/old"), "before\nmore\n");
}

TEST(Recorder, AFileNumberIsNeverUsedAgain) {
  const TestFolder folder;
  // Most filesystems give the same inode number to the next file at once.
  const auto run = folder.run({"sh", "-c", "for i in 1 2 3; do echo $i > f; rm f; done"});
  std::set<trace::FileId> created;
  for (const trace::Event* event : events_of(run.trace, trace::Op::kOpen, "f")) {
    EXPECT_TRUE(event->created);
    created.insert(event->file);
  }
  EXPECT_EQ(created.size(), 3U);
}

TEST(Recorder, KeepsDataOfFilesInsideTheDataDirectoryOnly) {
  const TestFolder folder;
  const auto run =
      folder.run({"sh", "-c",
                  CRASHPOINT_TEST_PROGRAMS "/append inside 1; " CRASHPOINT_TEST_PROGRAMS
                                           "/append ../outside 1"});
  const auto inside = events_of(run.trace, trace::Op::kWrite, "inside");
  const auto outside =
      events_of(run.trace, trace::Op::kWrite, (folder.path() / "outside").string());
  ASSERT_EQ(inside.size(), 1U);
  ASSERT_EQ(outside.size(), 1U);
  EXPECT_EQ(run.trace.data(*inside[0]), "line 1\n");
  EXPECT_EQ(outside[0]->result, 7);
  EXPECT_EQ(outside[0]->data.size, 0U);
  EXPECT_FALSE(outside[0]->inside);
}

TEST(Recorder, NotesWhatItCannotSeeInFull) {
  const TestFolder folder;
  const auto run = folder.run({"unseen", ".", "/bin/true"});
  ASSERT_EQ(run.status, 0);
  const auto noted = [&run](const char* text) {
    return testing::Value(run.trace.notes, Contains(HasSubstr(text)));
  };
  const auto unseen = [&run](const char* text) {
    return testing::Value(run.trace.unseen, Contains(HasSubstr(text)));
  };
  EXPECT_TRUE(unseen("mapped is mapped shared and writable"));
  EXPECT_TRUE(unseen("made-writable is mapped shared and writable"));
  EXPECT_FALSE(unseen("only-read"));
  EXPECT_EQ(noted("direct is opened with O_DIRECT"), can_open_direct(folder.data()));
  EXPECT_EQ(noted("io_uring was answered ENOSYS"), can_use_io_uring());
}

TEST(Recorder, FollowsChildrenAndThreadsThatAskedNotToBeTraced) {
  for (const char* const how : {"clone", "clone3", "thread"}) {
    const TestFolder folder;
    const auto run = folder.run({"hides", how, "file"});
    EXPECT_EQ(run.status, 0) << how;
    EXPECT_EQ(replayed(run.trace), (Content{{"file", "hidden"}})) << how;
    EXPECT_EQ(folder.file("file"), "hidden") << how;
    EXPECT_TRUE(run.trace.unseen.empty());
  }
}

TEST(Recorder, DoesNotSeeCallsOf32BitsButSaysSo) {
  const TestFolder folder;
  const auto run = folder.run({"hides", "foreign", "file"});
  if (WEXITSTATUS(run.status) == 77) {
    GTEST_SKIP() << "this kernel has no calls of 32 bits";
  }
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.trace.unseen, Contains(HasSubstr("32-bit")));
  const auto writes = events_of(run.trace, trace::Op::kWrite, "file");
  ASSERT_EQ(writes.size(), 1U);
  EXPECT_EQ(run.trace.data(*writes[0]), "seen");
  EXPECT_EQ(writes[0]->offset, 6);
}

TEST(Recorder, SaysThatATracedProgramHasNoStrictMode) {
  const TestFolder folder;
  const auto run = folder.run({"hides", "strict", "file"});
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.trace.notes, ElementsAre(HasSubstr("seccomp's strict mode")));
}

TEST(Recorder, KnowsWhatAProgramSendsToItself) {
  for (const char* const how : {"pair", "child", "unix", "tcp"}) {
    const TestFolder folder;
    const auto run = folder.run({"talks", how});
    ASSERT_EQ(run.status, 0) << how;
    const auto sends = events_of(run.trace, trace::Op::kSend);
    EXPECT_GE(sends.size(), 1U) << how;
    for (const trace::Event* send : sends) {
      EXPECT_TRUE(send->internal) << how << " to " << send->connection;
    }
  }
}

TEST(Recorder, WhatAProgramSendsToAnotherIsNotInternal) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const TestFolder folder;
  const auto run = folder.run({"talks", std::to_string(ntohs(address.sin_port))});
  ::close(listener);
  ASSERT_EQ(run.status, 0);
  const auto sends = events_of(run.trace, trace::Op::kSend);
  ASSERT_EQ(sends.size(), 1U);
  EXPECT_FALSE(sends[0]->internal);
}

TEST(Recorder, WhatCannotBeKeptOfTheDirectoryAtTheStartIsNamed) {
  const TestFolder folder;
  std::ofstream(folder.data() / "sparse").put('x');
  std::filesystem::resize_file(folder.data() / "sparse", std::uintmax_t{1} << 40);
  std::ofstream(folder.data() / "small") << "content";
  std::filesystem::resize_file(folder.data() / "small", 1 << 20);
  ASSERT_EQ(::mkfifo((folder.data() / "fifo").c_str(), 0600), 0);
  const auto run = folder.run({"sh", "-c", "echo new > file"});
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.trace.notes, ElementsAre(HasSubstr("sparse could not be read (it has ")));
  EXPECT_TRUE(run.trace.unseen.empty());
  EXPECT_EQ(run.trace.initial.at("sparse").content, "");
  std::string small = "content";
  small.resize(1 << 20);
  EXPECT_EQ(run.trace.initial.at("small").content, small);
  EXPECT_FALSE(run.trace.initial.contains("fifo"));
}

TEST(Recorder, DataBeyondTheBoundIsSpilledAndStillThere) {
  const TestFolder folder;
  TracerOptions options = folder.options();
  options.memory_bytes = 0;
  options.spill_directory = folder.path();
  const auto run =
      Tracer(folder.spec({"dd", "if=/dev/zero", "of=big", "bs=1M", "count=4"}), options).finish();
  ASSERT_EQ(run.status, 0) << folder.output();
  EXPECT_EQ(replayed(run.trace), on_disk(folder.data()));
}

}  // namespace
}  // namespace crashpoint::ptrace
