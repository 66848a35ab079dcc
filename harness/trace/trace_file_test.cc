#include "harness/trace/trace_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/ptrace/run_for_test.h"

namespace crashpoint::trace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Everything an event holds, to compare.
auto all_of(const Event& e) {
  return std::tuple(
      std::tuple(e.enter, e.exit, e.enter_ns, e.exit_ns, e.role, e.syscall, e.path, e.path2,
                 e.connection, e.file, e.file2, e.offset, e.length, e.result, e.performed),
      std::tuple(e.data.size == 0 ? 0 : e.data.offset, e.data.size, e.pid, e.tid, e.fd, e.fault,
                 e.flags, e.mode, e.op, e.inside, e.directory, e.created, e.truncated,
                 e.synced_write, e.elsewhere, e.not_performed, e.internal));
}

void expect_equal(const Trace& a, const Trace& b) {
  ASSERT_EQ(a.events.size(), b.events.size());
  for (std::size_t i = 0; i < a.events.size(); ++i) {
    EXPECT_EQ(all_of(a.events[i]), all_of(b.events[i])) << "event " << i;
    EXPECT_EQ(a.data(a.events[i]), b.data(b.events[i])) << "event " << i;
  }
  EXPECT_EQ(a.end, b.end);
  EXPECT_EQ(a.notes, b.notes);
  EXPECT_EQ(a.unseen, b.unseen);
  EXPECT_EQ(a.initial.size(), b.initial.size());
}

// Traces `command` into a file in `folder`.
ptrace::Run recorded(const ptrace::TestFolder& folder, std::vector<std::string> command,
                     std::vector<fault::Fault> faults = {}) {
  ptrace::TracerOptions options = folder.options(std::move(faults));
  options.trace_file = folder.path() / "trace";
  return ptrace::Tracer(folder.spec(std::move(command)), options).finish();
}

TEST(TraceFile, HoldsWhatTheTraceInMemoryHolds) {
  const ptrace::TestFolder folder;
  std::ofstream(folder.data() / "earlier") << "some content";
  std::filesystem::create_symlink("earlier", folder.data() / "pointer");
  const auto run =
      recorded(folder, {"every_syscall"}, {ptrace::fault_at(ptrace::place("sync"), fault::Skip{})});
  const TraceFile file = read_trace_file(folder.path() / "trace");
  EXPECT_TRUE(file.complete);
  EXPECT_EQ(file.directory, folder.data());
  EXPECT_THAT(file.command, ElementsAre(HasSubstr("every_syscall")));
  expect_equal(file.trace, run.trace);
  EXPECT_EQ(file.trace.initial.at("earlier").content, "some content");
  EXPECT_EQ(ptrace::replayed(file.trace), ptrace::on_disk(folder.data()));
}

TEST(TraceFile, NamesAreBytesAndComeBackAsTheyWere) {
  const std::vector<std::string> names = {"caf\xe9",  "caf\xea",     "caf\\xe9", "\xff\\",
                                          "\\\\xe9",  "a\\b",        "\\x",      "new\nline",
                                          "\x01\x7f", "caf\xc3\xa9", "\xc3",     "\xed\xa0\x80"};
  const ptrace::TestFolder folder;
  Trace trace;
  {
    TraceFileWriter writer(folder.path() / "trace", folder.data(), names);
    trace.store = writer.store();
    for (const std::string& name : names) {
      trace.initial[name] = {};
      Event& event = trace.events.emplace_back();
      event.enter = trace.end++;
      event.exit = trace.end++;
      event.syscall = "rename";
      event.path = name;
      event.path2 = name + "2";
    }
    trace.notes = trace.unseen = names;
    writer.begin(trace.initial);
    for (const Event& event : trace.events) {
      writer.add(event);
    }
    writer.finish(trace);
  }
  const TraceFile file = read_trace_file(folder.path() / "trace");
  EXPECT_EQ(file.command, names);
  expect_equal(file.trace, trace);
  for (const std::string& name : names) {
    EXPECT_TRUE(file.trace.initial.contains(name)) << name;
  }
  std::set<std::string> lines;
  for (const std::string& line : ptrace::lines_of(ptrace::read_whole(folder.path() / "trace"))) {
    if (line.starts_with(R"({"enter")")) {
      lines.insert(line.substr(line.find("path")));
    }
    for (std::string_view rest = line; !rest.empty(); rest.remove_prefix(utf8_length(rest))) {
      ASSERT_NE(utf8_length(rest), 0U) << line;
    }
  }
  EXPECT_EQ(lines.size(), names.size()) << "no two of them are written alike";
}

TEST(TraceFile, KeepsEventsInFlightPurposesAndStrikes) {
  const ptrace::TestFolder folder;
  const auto run = recorded(
      folder, {"forks"}, {ptrace::fault_at(ptrace::place("fsync", "temp-*.rdb"), fault::Kill{})});
  expect_equal(read_trace_file(folder.path() / "trace").trace, run.trace);
  EXPECT_EQ(run.trace.events.back().op, Op::kExit);
}

TEST(TraceFile, CutAnywhereIsStillATraceOfTheTimeUpToThere) {
  const ptrace::TestFolder folder;
  (void)recorded(folder, {"append"});
  const std::string path = folder.path() / "trace";
  const std::string whole = ptrace::read_whole(path);
  const std::size_t events = read_trace_file(path).trace.events.size();
  for (std::size_t size = whole.find('\n') + 1; size < whole.size(); size += 97) {
    std::ofstream(path) << whole.substr(0, size);
    const TraceFile file = read_trace_file(path);
    EXPECT_FALSE(file.complete);
    EXPECT_LE(file.trace.events.size(), events);
  }
}

TEST(TraceFile, RefusesWhatItCannotReadAndSaysWhere) {
  const ptrace::TestFolder folder;
  const std::string path = folder.path() / "trace";
  std::ofstream(path + ".data").flush();
  const auto why = [&](const std::string& content) -> std::string {
    std::ofstream(path) << content;
    try {
      (void)read_trace_file(path);
      return "it was read";
    } catch (const UsageError& error) {
      return error.what();
    }
  };
  const std::string header = R"({"crashpoint_trace":1,"directory":"/","command":[],"initial":{}})"
                             "\n";
  EXPECT_THAT(why(""), HasSubstr("is empty"));
  EXPECT_THAT(why("[1]\n"), HasSubstr("line 1 is no line of a trace"));
  EXPECT_THAT(why(R"({"crashpoint_trace":2})"
                  "\n"),
              HasSubstr("version 2"));
  EXPECT_THAT(why(header + "nonsense\n"), HasSubstr("line 2"));
  EXPECT_THAT(why(header + R"({"enter":1,"ns":[1,2],"pid":1,"tid":1,"role":"main","op":"write",)"
                           R"("syscall":"write","data":[0,99]})"
                           "\n"),
              HasSubstr("line 2 names an operation or data that is not there"));
  EXPECT_EQ(why(header), "it was read");
}

}  // namespace
}  // namespace crashpoint::trace
