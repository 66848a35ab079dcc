// Makes the calls of a TraceScript for real, in a directory that holds what its trace begins with.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "harness/base/error.h"
#include "harness/base/fd.h"
#include "harness/trace/trace.h"

namespace crashpoint::crash {

// "pwrite64 a 0+500", "ftruncate a 0+1250"
inline std::string line_of(const trace::Event& event) {
  return fmt::format(
      "{} {} {}", event.syscall.str(), event.path.str(),
      event.path2.empty() ? fmt::format("{}+{}", event.offset, event.length) : event.path2.str());
}

class Performer {
 public:
  // `on_moment` is called with every position of the trace in turn.
  Performer(std::filesystem::path directory, std::function<void(trace::Position)> on_moment)
      : directory_(std::move(directory)), on_moment_(std::move(on_moment)) {}

  // Files stay open until they are closed by the trace, or this ends. `between` is called after each
  // call.
  void perform(const trace::Trace& trace, const std::function<void()>& between) {
    for (const trace::Event& event : trace.events) {
      on_moment_(event.enter);
      if (!make(event, trace.data(event))) {
        throw EnvironmentError(fmt::format("{}: {}", line_of(event), std::strerror(errno)));
      }
      on_moment_(event.exit);
      between();
    }
  }

 private:
  using Op = trace::Op;

  bool make(const trace::Event& event, std::string_view data) {
    const std::filesystem::path path = directory_ / event.path.str();
    const std::filesystem::path path2 = directory_ / event.path2.str();
    switch (event.op) {
      case Op::kOpen: {
        Fd fd(::open(path.c_str(),
                     O_RDWR | O_CLOEXEC | (event.created ? O_CREAT | O_EXCL : O_TRUNC), 0644));
        const bool opened = fd.valid();
        open_[event.file] = std::move(fd);
        return opened;
      }
      case Op::kClose:
        return open_.erase(event.file) == 1;
      case Op::kWrite:
        return ::pwrite(file(event), data.data(), data.size(), event.offset) ==
               static_cast<ssize_t>(data.size());
      case Op::kTruncate:
        return ::ftruncate(file(event), event.length) == 0;
      case Op::kRename:
        return ::rename(path.c_str(), path2.c_str()) == 0;
      case Op::kLink:
        return ::link(path.c_str(), path2.c_str()) == 0;
      case Op::kUnlink:
        return ::unlink(path.c_str()) == 0;
      case Op::kChmod:
        return ::chmod(path.c_str(), event.mode) == 0;
      case Op::kMkdir:
        return ::mkdir(path.c_str(), 0755) == 0;
      case Op::kFsync:
        return ::fsync(event.directory
                           ? Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)).get()
                           : file(event)) == 0;
      case Op::kFdatasync:
        return ::fdatasync(file(event)) == 0;
      case Op::
          kSyncRange:  // the whole file, and waits: what the kernel does by itself after a while
        return ::sync_file_range(file(event), 0, 0,
                                 SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                     SYNC_FILE_RANGE_WAIT_AFTER) == 0;
      case Op::kCopy:
      case Op::kAllocate:
      case Op::kSymlink:
      case Op::kRmdir:
      case Op::kSync:
      case Op::kSyncfs:
      case Op::kMsync:
      case Op::kMap:
      case Op::kSend:
      case Op::kOutput:
      case Op::kFork:
      case Op::kThread:
      case Op::kExec:
      case Op::kExit:
      case Op::kFailpoint:
        break;
    }
    throw EnvironmentError(fmt::format("{}: no script has that yet", line_of(event)));
  }

  // The open file, opened now if it has not been.
  int file(const trace::Event& event) {
    Fd& fd = open_[event.file];
    if (!fd.valid()) {
      fd = Fd(::open((directory_ / event.path.str()).c_str(), O_RDWR | O_CLOEXEC));
    }
    return fd.get();
  }

  std::filesystem::path directory_;
  std::function<void(trace::Position)> on_moment_;
  std::map<trace::FileId, Fd> open_;
};

}  // namespace crashpoint::crash
