#include "harness/workload/acks.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

namespace crashpoint::workload {
namespace {

using target::RespValue;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using trace::Event;
using trace::Op;

class StringStore : public trace::DataStore {
 public:
  trace::DataRef append(std::span<const std::byte> bytes) override {
    const trace::DataRef ref{.offset = text_.size(), .size = bytes.size()};
    text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return ref;
  }
  [[nodiscard]] std::string_view view(trace::DataRef ref) const override {
    return std::string_view(text_).substr(ref.offset, ref.size);
  }

 private:
  std::string text_;
};

// Events one after the other, 10 ns each.
class TraceOf {
 public:
  TraceOf() { trace.store = std::make_shared<StringStore>(); }

  Event& add(Op op) {
    Event& event = trace.events.emplace_back();
    event.op = op;
    event.enter = trace.end++;
    event.exit = trace.end++;
    event.enter_ns = static_cast<std::int64_t>(event.enter) * 10;
    event.exit_ns = static_cast<std::int64_t>(event.exit) * 10;
    event.pid = 1;
    return event;
  }
  Event& send(const std::string& connection, const std::string& bytes) {
    Event& event = add(Op::kSend);
    event.connection = connection;
    event.data = trace.store->append(std::as_bytes(std::span(bytes)));
    event.performed = event.result = static_cast<std::int64_t>(bytes.size());
    return event;
  }

  trace::Trace trace;
};

History two_clients(std::size_t commands_each) {
  History history;
  for (std::uint32_t client = 0; client < 2; ++client) {
    history.clients.push_back({.number = client, .connection = "@" + std::to_string(client)});
    for (std::size_t index = 0; index < commands_each; ++index) {
      history.operations.push_back({.client = client, .index = index, .arguments = {"INCR", "n"}});
    }
  }
  return history;
}

// The kernel draws the names of connections, and draws that of one that is closed again.
TEST(FillAcks, AnEarlierConnectionOfTheSameNameWasAnotherOne) {
  TraceOf run;
  run.send("@0", "+PONG\r\n");
  const std::int64_t sent_ns = static_cast<std::int64_t>(run.trace.end) * 10;
  run.send("@0", ":1\r\n");
  History history = two_clients(1);
  history.operations[0].sent_ns = sent_ns;
  fill_acks(history, run.trace);
  ASSERT_TRUE(history.operations[0].reply);
  EXPECT_EQ(history.operations[0].reply->integer, 1);
  EXPECT_EQ(history.operations[0].acked, 3U);
}

TEST(FillAcks, AReplyIsAckedWhenTheSendOfItsLastByteReturns) {
  TraceOf run;
  run.send("@1", ":1\r\n:2");
  run.send("@0", "+OK\r\n");
  run.send("@1", "\r\n");
  History history = two_clients(2);
  fill_acks(history, run.trace);
  const std::vector<Operation>& operations = history.operations;
  EXPECT_EQ(operations[0].acked, 3U);
  EXPECT_EQ(operations[0].acked_ns, 30);
  EXPECT_EQ(operations[0].reply->text, "OK");
  EXPECT_FALSE(operations[1].is_acked());
  EXPECT_EQ(operations[2].acked, 1U);
  EXPECT_EQ(operations[3].acked, 5U);
  EXPECT_EQ(operations[3].reply->integer, 2);
}

TEST(FillAcks, ASendThatNeverReturnedAcksNothing) {
  TraceOf run;
  run.send("@0", ":1\r\n").exit = trace::kNever;
  History history = two_clients(1);
  fill_acks(history, run.trace);
  EXPECT_FALSE(history.operations[0].is_acked());
}

TEST(FillAcks, OnlyTheBytesThatTheKernelTookCount) {
  TraceOf run;
  run.send("@0", ":1\r\n:2\r\n").performed = 6;
  run.send("@1", ":1\r\n").performed = -32;
  History history = two_clients(2);
  fill_acks(history, run.trace);
  EXPECT_TRUE(history.operations[0].is_acked());
  EXPECT_FALSE(history.operations[1].is_acked());
  EXPECT_FALSE(history.operations[2].is_acked());
}

TEST(FillAcks, WhatOnlyTheClientSawStays) {
  TraceOf run;
  History history = two_clients(1);
  history.operations[0].reply = RespValue{.kind = RespValue::Kind::kInteger, .integer = 7};
  history.operations[0].read_ns = 99;
  fill_acks(history, run.trace);
  EXPECT_EQ(history.operations[0].reply->integer, 7);
  EXPECT_EQ(history.operations[0].answered_ns(), 99);
}

// A save by a child: fork, its temp file, the rename by whoever does it.
void background_save(TraceOf& run, pid_t child, pid_t renamer) {
  run.add(Op::kFork).result = child;
  Event& open = run.add(Op::kOpen);
  open.pid = child;
  open.flags = O_WRONLY | O_CREAT;
  open.file = static_cast<trace::FileId>(child);
  Event& rename = run.add(Op::kRename);
  rename.pid = renamer;
  rename.file = static_cast<trace::FileId>(child);
  rename.path = "temp-" + std::to_string(child) + ".rdb";
  rename.path2 = "dump.rdb";
}

TEST(FillSnapshots, ABackgroundSaveHoldsTheDataOfItsFork) {
  for (const pid_t renamer : {1, 77}) {
    TraceOf run;
    run.add(Op::kWrite);
    background_save(run, 77, renamer);
    History history;
    history.snapshots = {{.from_ns = 5, .to_ns = 1000, .completed_ns = 1000, .what = "BGSAVE"}};
    fill_snapshots(history, run.trace);
    EXPECT_THAT(
        history.snapshots,
        ElementsAre(Snapshot{.from_ns = 20, .to_ns = 30, .completed_ns = 1000, .what = "BGSAVE"}));
  }
}

TEST(FillSnapshots, FindsTheSavesThatNobodyAskedFor) {
  TraceOf run;
  background_save(run, 77, 1);
  History history;
  fill_snapshots(history, run.trace);
  EXPECT_THAT(history.snapshots,
              ElementsAre(Snapshot{.from_ns = 0, .to_ns = 10, .what = "save rule"}));
}

TEST(FillSnapshots, ASaveInTheMainProcessHoldsTheDataOfItsWholeCourse) {
  TraceOf run;
  Event& open = run.add(Op::kOpen);
  open.flags = O_WRONLY | O_CREAT;
  open.file = 9;
  Event& rename = run.add(Op::kRename);
  rename.file = 9;
  rename.path2 = "other.rdb";
  History history;
  fill_snapshots(history, run.trace);
  EXPECT_THAT(history.snapshots, IsEmpty());
  fill_snapshots(history, run.trace, "other.rdb");
  EXPECT_THAT(history.snapshots,
              ElementsAre(Snapshot{.from_ns = 0, .to_ns = 30, .what = "save rule"}));
}

TEST(FillSnapshots, OneThatNeverGotItsNameIsNone) {
  TraceOf run;
  run.add(Op::kFork).result = 77;
  History history;
  history.snapshots = {{.from_ns = 0, .to_ns = 10, .what = "BGSAVE"}};
  fill_snapshots(history, run.trace);
  EXPECT_THAT(history.snapshots, IsEmpty());
}

TEST(FillSnapshots, OneReportedCompleteIsPromisedThoughTheTraceLacksIt) {
  TraceOf run;  // a lying disk: the rename was skipped
  History history;
  history.snapshots = {{.from_ns = 0, .to_ns = 10, .completed_ns = 10, .what = "SAVE"}};
  fill_snapshots(history, run.trace);
  EXPECT_THAT(history.snapshots,
              ElementsAre(Snapshot{.from_ns = 0, .to_ns = 10, .completed_ns = 10, .what = "SAVE"}));
}

TEST(FillSnapshots, ATempFileThatACrashLeftIsWrittenAnew) {
  TraceOf run;
  background_save(run, 77, 77);
  run.trace.events[1].created = false;
  History history;
  fill_snapshots(history, run.trace);
  EXPECT_EQ(history.snapshots.size(), 1U);
}

}  // namespace
}  // namespace crashpoint::workload
