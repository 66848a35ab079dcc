// Writes traces down by hand, for tests: one line a syscall, as a program would make them. Each call
// returns before the next is entered unless said otherwise.
#pragma once

#include <cerrno>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "harness/trace/trace.h"

namespace crashpoint::crash {

inline trace::ImageEntry file_entry(std::string content, trace::FileId file = 0,
                                    std::uint32_t mode = 0644) {
  return {trace::ImageEntry::Kind::kFile, mode, std::move(content), file};
}
inline trace::ImageEntry directory_entry(std::uint32_t mode = 0755) {
  return {trace::ImageEntry::Kind::kDirectory, mode, {}, 0};
}
inline trace::ImageEntry symlink_entry(std::string target) {
  return {trace::ImageEntry::Kind::kSymlink, 0777, std::move(target), 0};
}

class TraceScript {
 public:
  // `initial`: the data directory before the run. Entries without a file number get one.
  explicit TraceScript(trace::Image initial = {});

  TraceScript& create(const std::string& path, std::uint32_t flags = 0);
  TraceScript& create_nameless(const std::string& name);  // O_TMPFILE; `name` for later calls only
  TraceScript& open_truncate(const std::string& path);
  TraceScript& close(const std::string& path);
  TraceScript& append(const std::string& path, std::string_view bytes);
  TraceScript& write(const std::string& path, std::int64_t offset, std::string_view bytes);
  TraceScript& synced_write(const std::string& path, std::int64_t offset, std::string_view bytes);
  TraceScript& truncate(const std::string& path, std::int64_t size);
  TraceScript& allocate(const std::string& path, std::uint32_t mode, std::int64_t offset,
                        std::int64_t size);
  TraceScript& fsync(const std::string& path);
  TraceScript& fdatasync(const std::string& path);
  TraceScript& fsync_directory(const std::string& path = ".");
  TraceScript& sync();
  TraceScript& syncfs_elsewhere();  // of another filesystem than the data directory's
  TraceScript& sync_range(const std::string& path);
  TraceScript& msync(const std::string& path, std::int64_t offset, std::int64_t size,
                     std::uint32_t flags);
  TraceScript& rename(const std::string& from, const std::string& to, std::uint32_t flags = 0);
  TraceScript& link(const std::string& path, const std::string& name);
  TraceScript& symlink(const std::string& target, const std::string& name);
  TraceScript& unlink(const std::string& path);
  TraceScript& mkdir(const std::string& path);
  TraceScript& rmdir(const std::string& path);
  TraceScript& chmod(const std::string& path, std::uint32_t mode);
  // What lies outside, by its absolute path, and is about to be moved in.
  TraceScript& found(const std::string& path, std::string_view bytes, bool durable = true);
  TraceScript& found_directory(const std::string& path);
  TraceScript& fork();
  TraceScript& ack(std::string_view bytes = "+OK\r\n");  // a reply leaves on a socket

  // The last call fails: the kernel did not do it, and the program was told -error.
  TraceScript& failing(int error);
  // The last call is reported done, and was not.
  TraceScript& skipped();
  // The last call never returns: what follows overlaps it.
  TraceScript& never_returning();
  // The last call returns only now, after those made since... `calls_back` counts from it: 0 the
  // last, 1 the one before.
  TraceScript& returning_now(std::size_t calls_back);

  // Past everything so far: all calls that returned have happened.
  [[nodiscard]] trace::Position now() const { return position_; }
  // While the last call is in the kernel.
  [[nodiscard]] trace::Position during_last() const { return trace_.events.back().enter + 1; }
  [[nodiscard]] const trace::Trace& trace() const { return trace_; }

 private:
  trace::Event& add(trace::Op op, std::string_view syscall, const std::string& path);
  trace::Event& add_write(const std::string& path, std::int64_t offset, std::string_view bytes);
  void move_names(const std::string& from, const std::string& to);

  trace::Trace trace_;
  trace::Position position_ = 1;
  trace::FileId last_file_ = 0;
  std::map<std::string, trace::FileId> files_;  // by the name it has now
  std::map<trace::FileId, std::int64_t> sizes_;
  std::map<std::string, int> descriptors_;  // by the name at the last open
  int last_fd_ = 2;
};

}  // namespace crashpoint::crash
