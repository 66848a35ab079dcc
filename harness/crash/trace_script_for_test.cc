// The script itself, kept out of the library because only tests use it, and what they rely on.
#include "harness/crash/trace_script_for_test.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "harness/trace/data_store.h"

namespace crashpoint::crash {

using trace::Event;
using trace::Op;

TraceScript::TraceScript(trace::Image initial) {
  trace_.store = std::make_shared<trace::SegmentStore>();
  trace_.initial = std::move(initial);
  for (auto& [path, entry] : trace_.initial) {
    last_file_ = std::max(last_file_, entry.file);
  }
  for (auto& [path, entry] : trace_.initial) {
    entry.file = entry.file == 0 ? ++last_file_ : entry.file;
    files_[path] = entry.file;
    sizes_[entry.file] = static_cast<std::int64_t>(entry.content.size());
  }
  trace_.end = position_;
}

Event& TraceScript::add(Op op, std::string_view syscall, const std::string& path) {
  Event event;
  event.enter = position_++;
  event.exit = position_++;
  event.enter_ns = static_cast<std::int64_t>(event.enter) * 1000;
  event.exit_ns = static_cast<std::int64_t>(event.exit) * 1000;
  event.op = op;
  event.syscall = syscall;
  event.path = path;
  event.inside = true;
  const auto known = files_.find(path);
  event.file = known == files_.end() ? 0 : known->second;
  trace_.events.push_back(event);
  trace_.end = position_;
  return trace_.events.back();
}

TraceScript& TraceScript::create(const std::string& path, std::uint32_t flags) {
  files_[path] = ++last_file_;
  Event& event = add(Op::kOpen, "openat", path);
  event.created = true;
  event.mode = 0644;
  event.flags = O_CREAT | O_WRONLY | flags;
  event.fd = descriptors_[path] = ++last_fd_;
  event.result = event.performed = event.fd;
  return *this;
}

TraceScript& TraceScript::create_nameless(const std::string& name) {
  create(name, O_TMPFILE);
  trace_.events.back().path = ".";
  return *this;
}

TraceScript& TraceScript::open_truncate(const std::string& path) {
  Event& event = add(Op::kOpen, "openat", path);
  event.truncated = true;
  event.flags = O_TRUNC | O_WRONLY;
  event.fd = descriptors_[path] = ++last_fd_;
  event.result = event.performed = event.fd;
  sizes_[event.file] = 0;
  return *this;
}

TraceScript& TraceScript::close(const std::string& path) {
  add(Op::kClose, "close", path).fd = descriptors_.at(path);
  return *this;
}

Event& TraceScript::add_write(const std::string& path, std::int64_t offset,
                              std::string_view bytes) {
  Event& event = add(Op::kWrite, "pwrite64", path);
  event.offset = offset;
  event.length = static_cast<std::int64_t>(bytes.size());
  event.result = event.performed = event.length;
  event.data = trace_.store->append(std::as_bytes(std::span(bytes)));
  sizes_[event.file] = std::max(sizes_[event.file], offset + event.length);
  return event;
}

TraceScript& TraceScript::append(const std::string& path, std::string_view bytes) {
  add_write(path, sizes_[files_[path]], bytes).syscall = "write";
  return *this;
}

TraceScript& TraceScript::write(const std::string& path, std::int64_t offset,
                                std::string_view bytes) {
  add_write(path, offset, bytes);
  return *this;
}

TraceScript& TraceScript::synced_write(const std::string& path, std::int64_t offset,
                                       std::string_view bytes) {
  add_write(path, offset, bytes).synced_write = true;
  return *this;
}

TraceScript& TraceScript::truncate(const std::string& path, std::int64_t size) {
  Event& event = add(Op::kTruncate, "ftruncate", path);
  event.length = size;
  sizes_[event.file] = size;
  return *this;
}

TraceScript& TraceScript::allocate(const std::string& path, std::uint32_t mode, std::int64_t offset,
                                   std::int64_t size) {
  Event& event = add(Op::kAllocate, "fallocate", path);
  event.flags = mode;
  event.offset = offset;
  event.length = size;
  std::int64_t& now = sizes_[event.file];
  if ((mode & FALLOC_FL_COLLAPSE_RANGE) != 0) {
    now -= size;
  } else if ((mode & FALLOC_FL_INSERT_RANGE) != 0) {
    now += size;
  } else if ((mode & FALLOC_FL_KEEP_SIZE) == 0) {
    now = std::max(now, offset + size);
  }
  return *this;
}

TraceScript& TraceScript::fsync(const std::string& path) {
  add(Op::kFsync, "fsync", path);
  return *this;
}

TraceScript& TraceScript::fdatasync(const std::string& path) {
  add(Op::kFdatasync, "fdatasync", path);
  return *this;
}

TraceScript& TraceScript::fsync_directory(const std::string& path) {
  add(Op::kFsync, "fsync", path).directory = true;
  return *this;
}

TraceScript& TraceScript::sync() {
  add(Op::kSync, "sync", {}).inside = false;
  return *this;
}

TraceScript& TraceScript::syncfs_elsewhere() {
  Event& event = add(Op::kSyncfs, "syncfs", "/mnt/other");
  event.inside = false;
  event.elsewhere = true;
  return *this;
}

TraceScript& TraceScript::msync(const std::string& path, std::int64_t offset, std::int64_t size,
                                std::uint32_t flags) {
  Event& event = add(Op::kMsync, "msync", path);
  event.offset = offset;
  event.length = size;
  event.flags = flags;
  return *this;
}

TraceScript& TraceScript::sync_range(const std::string& path) {
  add(Op::kSyncRange, "sync_file_range", path);
  return *this;
}

// A directory takes what lies below it along.
void TraceScript::move_names(const std::string& from, const std::string& to) {
  std::map<std::string, trace::FileId> moved;
  for (auto at = files_.begin(); at != files_.end();) {
    if (at->first == from || at->first.starts_with(from + "/")) {
      moved[to + at->first.substr(from.size())] = at->second;
      at = files_.erase(at);
    } else {
      ++at;
    }
  }
  for (const auto& [path, file] : moved) {
    files_[path] = file;
  }
}

TraceScript& TraceScript::rename(const std::string& from, const std::string& to,
                                 std::uint32_t flags) {
  Event& event = add(Op::kRename, "rename", from);
  event.path2 = to;
  event.flags = flags;
  event.file2 = files_.contains(to) ? files_[to] : 0;
  if ((flags & RENAME_EXCHANGE) != 0) {
    move_names(from, from + "\n");
    move_names(to, from);
    move_names(from + "\n", to);
  } else {
    move_names(from, to);
  }
  return *this;
}

TraceScript& TraceScript::link(const std::string& path, const std::string& name) {
  add(Op::kLink, "linkat", path).path2 = name;
  files_[name] = files_[path];
  return *this;
}

TraceScript& TraceScript::symlink(const std::string& target, const std::string& name) {
  Event& event = add(Op::kSymlink, "symlinkat", target);
  event.path2 = name;
  event.file = files_[name] = ++last_file_;
  return *this;
}

TraceScript& TraceScript::unlink(const std::string& path) {
  add(Op::kUnlink, "unlink", path);
  return *this;
}

TraceScript& TraceScript::mkdir(const std::string& path) {
  files_[path] = ++last_file_;
  Event& event = add(Op::kMkdir, "mkdir", path);
  event.directory = true;
  event.mode = 0755;
  return *this;
}

TraceScript& TraceScript::rmdir(const std::string& path) {
  add(Op::kRmdir, "rmdir", path).directory = true;
  return *this;
}

TraceScript& TraceScript::chmod(const std::string& path, std::uint32_t mode) {
  add(Op::kChmod, "fchmodat", path).mode = mode;
  return *this;
}

TraceScript& TraceScript::found(const std::string& path, std::string_view bytes, bool durable) {
  files_[path] = ++last_file_;
  Event& made = add(Op::kOpen, "found", path);
  made.found = made.created = true;
  made.synced_write = true;
  made.mode = 0644;
  add_write(path, 0, bytes);
  trace_.events.back().found = true;
  trace_.events.back().synced_write = durable;
  return *this;
}

TraceScript& TraceScript::found_directory(const std::string& path) {
  mkdir(path);
  trace_.events.back().found = trace_.events.back().synced_write = true;
  return *this;
}

TraceScript& TraceScript::fork() {
  Event& event = add(Op::kFork, "clone", {});
  event.inside = false;
  event.result = event.performed = 4711;
  return *this;
}

TraceScript& TraceScript::ack(std::string_view bytes) {
  Event& event = add(Op::kSend, "sendto", {});
  event.inside = false;
  event.connection = "@client";
  event.result = event.performed = event.length = static_cast<std::int64_t>(bytes.size());
  event.data = trace_.store->append(std::as_bytes(std::span(bytes)));
  return *this;
}

TraceScript& TraceScript::failing(int error) {
  Event& event = trace_.events.back();
  event.not_performed = true;
  event.result = -error;
  event.performed = 0;
  return *this;
}

TraceScript& TraceScript::skipped() {
  Event& event = trace_.events.back();
  event.not_performed = true;
  event.performed = 0;
  return *this;
}

TraceScript& TraceScript::never_returning() {
  trace_.events.back().exit = trace::kNever;
  return *this;
}

TraceScript& TraceScript::returning_now(std::size_t calls_back) {
  Event& event = trace_.events[trace_.events.size() - 1 - calls_back];
  event.exit = position_++;
  trace_.end = position_;
  return *this;
}

namespace {

TEST(TraceScript, CallsFollowEachOtherUnlessSaidOtherwise) {
  TraceScript script;
  script.create("a").append("a", "12").append("a", "3").fsync("a").never_returning();
  const trace::Trace& trace = script.trace();
  ASSERT_EQ(trace.events.size(), 4U);
  EXPECT_LT(trace.events[0].exit, trace.events[1].enter);
  EXPECT_EQ(trace.events[2].offset, 2);
  EXPECT_EQ(trace.data(trace.events[2]), "3");
  EXPECT_EQ(trace.events[3].exit, trace::kNever);
  EXPECT_GT(script.now(), trace.events[3].enter);
}

TEST(TraceScript, AFileKeepsItsNumberThroughRenames) {
  TraceScript script({{"d", directory_entry()}, {"d/a", file_entry("old")}});
  script.append("d/a", "x").rename("d", "e").append("e/a", "y");
  const auto& events = script.trace().events;
  EXPECT_NE(events[0].file, 0U);
  EXPECT_EQ(events[2].file, events[0].file);
  EXPECT_EQ(events[2].offset, 4);
}

}  // namespace
}  // namespace crashpoint::crash
