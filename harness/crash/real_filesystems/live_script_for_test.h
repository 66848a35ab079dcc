// Makes the calls of a TraceScript for real while it writes them down.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "harness/base/error.h"
#include "harness/base/fd.h"
#include "harness/crash/image/image.h"
#include "harness/crash/trace_script_for_test.h"

namespace crashpoint::crash {

class LiveScript {
 public:
  // `directory` holds what was there before. `on_moment` is called with
  // every position of the trace in turn.
  LiveScript(std::filesystem::path directory, std::function<void(trace::Position)> on_moment)
      : directory_(std::move(directory)),
        on_moment_(std::move(on_moment)),
        script_(read_directory(directory_)) {}

  void create(const std::string& name) {
    script_.create(name);
    perform([&] { return Fd(open(name, O_WRONLY | O_CREAT | O_EXCL)).valid(); });
  }
  void append(const std::string& name, const std::string& bytes) {
    script_.append(name, bytes);
    const Fd fd(open(name, O_WRONLY | O_APPEND));
    perform([&] { return wrote(::write(fd.get(), bytes.data(), bytes.size()), bytes); });
  }
  void write(const std::string& name, std::int64_t offset, const std::string& bytes) {
    script_.write(name, offset, bytes);
    const Fd fd(open(name, O_WRONLY));
    perform([&] { return wrote(::pwrite(fd.get(), bytes.data(), bytes.size(), offset), bytes); });
  }
  void truncate(const std::string& name, std::int64_t size) {
    script_.truncate(name, size);
    perform([&] { return ::truncate((directory_ / name).c_str(), size) == 0; });
  }
  void rename(const std::string& from, const std::string& to) {
    script_.rename(from, to);
    perform([&] { return ::rename((directory_ / from).c_str(), (directory_ / to).c_str()) == 0; });
  }
  void link(const std::string& name, const std::string& other) {
    script_.link(name, other);
    perform([&] { return ::link((directory_ / name).c_str(), (directory_ / other).c_str()) == 0; });
  }
  void unlink(const std::string& name) {
    script_.unlink(name);
    perform([&] { return ::unlink((directory_ / name).c_str()) == 0; });
  }
  void mkdir(const std::string& name) {
    script_.mkdir(name);
    perform([&] { return ::mkdir((directory_ / name).c_str(), 0755) == 0; });
  }
  void fsync(const std::string& name) {
    script_.fsync(name);
    const Fd fd(open(name, O_RDONLY));
    perform([&] { return ::fsync(fd.get()) == 0; });
  }
  void fdatasync(const std::string& name) {
    script_.fdatasync(name);
    const Fd fd(open(name, O_RDONLY));
    perform([&] { return ::fdatasync(fd.get()) == 0; });
  }
  void fsync_directory(const std::string& name) {
    script_.fsync_directory(name);
    const Fd fd(open(name, O_RDONLY | O_DIRECTORY));
    perform([&] { return ::fsync(fd.get()) == 0; });
  }
  // Starts write-back of a file and waits for it: what the kernel does by itself after a while.
  void write_back(const std::string& name) {
    script_.sync_range(name);
    const Fd fd(open(name, O_RDONLY));
    perform([&] {
      return ::sync_file_range(fd.get(), 0, 0,
                               SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                   SYNC_FILE_RANGE_WAIT_AFTER) == 0;
    });
  }

  [[nodiscard]] const TraceScript& script() const { return script_; }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  [[nodiscard]] int open(const std::string& name, int flags) const {
    return ::open((directory_ / name).c_str(), flags | O_CLOEXEC, 0644);
  }
  static bool wrote(ssize_t count, const std::string& bytes) {
    return count == static_cast<ssize_t>(bytes.size());
  }

  // Makes the call that was written down last.
  void perform(const std::function<bool()>& call) {
    const trace::Event& event = script_.trace().events.back();
    lines_.push_back(fmt::format("{} {} {}", event.syscall.str(), event.path.str(),
                                 event.path2.empty()
                                     ? fmt::format("{}+{}", event.offset, event.data.size)
                                     : event.path2.str()));
    on_moment_(event.enter);
    if (!call()) {
      throw EnvironmentError(fmt::format("{}: {}", lines_.back(), std::strerror(errno)));
    }
    on_moment_(event.exit);
  }

  std::filesystem::path directory_;
  std::function<void(trace::Position)> on_moment_;
  TraceScript script_;
  std::vector<std::string> lines_;
};

}  // namespace crashpoint::crash
