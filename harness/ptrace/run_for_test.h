// Runs a program under the tracer in a temporary folder: for the tests of the tracer.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/temporary_directory.h"
#include "harness/fault/fault.h"
#include "harness/ptrace/tracer.h"
#include "harness/trace/trace.h"

namespace crashpoint::ptrace {

inline std::string read_whole(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return file ? std::string{std::istreambuf_iterator<char>(file), {}} : "(none)";
}

// A folder that is gone when this is, with a data directory in it.
class TestFolder {
 public:
  TestFolder() { std::filesystem::create_directory(data()); }

  [[nodiscard]] std::filesystem::path path() const { return directory_.path(); }
  [[nodiscard]] std::filesystem::path data() const { return path() / "data"; }
  [[nodiscard]] std::string file(const std::string& name) const {
    return read_whole(data() / name);
  }
  [[nodiscard]] std::string output() const { return read_whole(path() / "output"); }

  // `command.front()` is one of testdata/, or a path or a name on PATH. It works in the data
  // directory; its output is output().
  [[nodiscard]] target::ProcessSpec spec(std::vector<std::string> command) const {
    const std::filesystem::path ours =
        std::filesystem::path(CRASHPOINT_TEST_PROGRAMS) / command.front();
    if (std::filesystem::exists(ours)) {
      command.front() = ours;
    }
    target::ProcessSpec spec;
    spec.argv = std::move(command);
    spec.directory = data();
    spec.stdout_path = path() / "output";
    spec.stderr_path = path() / "output";
    return spec;
  }
  [[nodiscard]] TracerOptions options(std::vector<fault::Fault> faults = {}) const {
    TracerOptions options;
    options.data_directory = data();
    options.faults = std::move(faults);
    return options;
  }
  // Runs `command` to its end.
  [[nodiscard]] Run run(std::vector<std::string> command,
                        std::vector<fault::Fault> faults = {}) const {
    return Tracer(spec(std::move(command)), options(std::move(faults))).finish();
  }

 private:
  TemporaryDirectory directory_;
};

inline fault::Place place(const std::string& syscall, const std::string& path = {},
                          std::uint64_t nth = 1, fault::Phase phase = fault::Phase::kBefore) {
  fault::Place place;
  place.syscall = syscall;
  place.path = path;
  place.nth = {nth, nth, 1};
  place.phase = phase;
  return place;
}

inline fault::Fault fault_at(fault::Place place, fault::FaultAction action) {
  fault::Fault fault;
  fault.text = place.syscall + place.failpoint;
  fault.at = std::move(place);
  fault.action = std::move(action);
  return fault;
}

// Not where a container's own filter answers before ours.
inline bool can_use_io_uring() {
  std::array<std::uint32_t, 64> parameters{};
  const auto ring = static_cast<int>(::syscall(SYS_io_uring_setup, 1, parameters.data()));
  return ring >= 0 && ::close(ring) == 0;
}

inline bool can_open_direct(const std::filesystem::path& directory) {
  const int file =
      ::open((directory / "direct").c_str(), O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
  return file >= 0 && ::close(file) == 0;
}

// Path -> content of a file, "-> target" of a symlink, "/" of a directory.
using Content = std::map<std::string, std::string>;

inline Content on_disk(const std::filesystem::path& directory) {
  Content content;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    const std::string name = entry.path().lexically_relative(directory);
    content[name] = entry.is_symlink()     ? "-> " + read_symlink(entry.path()).string()
                    : entry.is_directory() ? "/"
                                           : read_whole(entry.path());
  }
  return content;
}

// What the events did, done again to Trace::initial: equal to what is on disk if the recording is
// whole and right. (No fallocate mode but the plain one, no hard links to directories.)
class Replay {
 public:
  explicit Replay(const trace::Trace& trace) : trace_(trace) {
    for (const auto& [path, entry] : trace.initial) {
      names_[path] = entry.file;
      files_[entry.file] = entry.kind == trace::ImageEntry::Kind::kFile      ? entry.content
                           : entry.kind == trace::ImageEntry::Kind::kSymlink ? "-> " + entry.content
                                                                             : "/";
    }
    std::map<trace::Position, const trace::Event*> by_exit;
    for (const trace::Event& event : trace.events) {
      if (event.exit != trace::kNever && event.performed >= 0 && !event.not_performed) {
        by_exit[event.exit] = &event;
      }
    }
    for (const auto& [position, event] : by_exit) {
      apply(*event);
    }
  }

  [[nodiscard]] Content content() const {
    Content content;
    for (const auto& [path, file] : names_) {
      if (!path.starts_with('/')) {  // moved out, or on its way in
        content[path] = files_.at(file);
      }
    }
    return content;
  }

 private:
  void apply(const trace::Event& event) {
    if (!event.inside) {
      return;
    }
    std::string& content = files_[event.file];
    if (event.op == trace::Op::kOpen) {
      if (event.created) {
        put(event.path, event.file);
      }
      if (event.truncated) {
        content.clear();
      }
    } else if (event.op == trace::Op::kWrite || event.op == trace::Op::kCopy) {
      const auto offset = static_cast<std::size_t>(event.offset);
      const std::string_view data = trace_.data(event);
      if (!data.empty()) {
        content.resize(std::max(content.size(), offset + data.size()));
        content.replace(offset, data.size(), data);
      }
    } else if (event.op == trace::Op::kTruncate) {
      content.resize(static_cast<std::size_t>(event.length));
    } else if (event.op == trace::Op::kAllocate) {
      allocate(event, content);
    } else if (event.op == trace::Op::kRename) {
      rename(event);
    } else if (event.op == trace::Op::kLink) {
      put(event.path2, event.file);
    } else if (event.op == trace::Op::kSymlink) {
      put(event.path2, event.file);
      content = "-> " + event.path.str();
    } else if (event.op == trace::Op::kMkdir) {
      put(event.path, event.file);
      content = "/";
    } else if (event.op == trace::Op::kUnlink || event.op == trace::Op::kRmdir) {
      names_.erase(event.path.str());
    }
  }

  static void allocate(const trace::Event& event, std::string& content) {
    constexpr std::uint32_t kKeepSize = 1;
    constexpr std::uint32_t kPunchHole = 2;
    constexpr std::uint32_t kZeroRange = 16;
    const auto from = static_cast<std::size_t>(event.offset);
    const std::size_t to = from + static_cast<std::size_t>(event.length);
    if ((event.flags & kKeepSize) == 0) {
      content.resize(std::max(content.size(), to));
    }
    if ((event.flags & (kPunchHole | kZeroRange)) != 0) {
      for (std::size_t i = from; i < std::min(to, content.size()); ++i) {
        content[i] = '\0';
      }
    }
  }

  void rename(const trace::Event& event) {
    constexpr std::uint32_t kExchange = 2;
    std::map<std::string, trace::FileId> moved;
    const auto take = [&](const std::string& from, const std::string& to) {
      for (auto at = names_.begin(); at != names_.end();) {
        const bool below = at->first.starts_with(from + "/");
        if (at->first == from || below) {
          moved[to + at->first.substr(from.size())] = at->second;
          at = names_.erase(at);
        } else {
          ++at;
        }
      }
    };
    if (names_.contains(event.path) && names_.contains(event.path2) &&
        names_.at(event.path) == names_.at(event.path2)) {
      return;  // two names of one file
    }
    take(event.path, event.path2);
    if ((event.flags & kExchange) != 0) {
      take(event.path2, event.path);
    }
    for (const auto& [path, file] : moved) {
      names_[path] = file;
    }
  }

  void put(const std::string& path, trace::FileId file) { names_[path] = file; }

  const trace::Trace& trace_;
  std::map<std::string, trace::FileId> names_;
  std::map<trace::FileId, std::string> files_;
};

inline Content replayed(const trace::Trace& trace) {
  return Replay(trace).content();
}

// Events as the programs in testdata/ tell of them (told.h): of files and sockets, in order.
inline std::vector<std::string> told(const trace::Trace& trace) {
  std::vector<std::string> lines;
  for (const trace::Event& event : trace.events) {
    if (event.op != trace::Op::kOutput && event.op != trace::Op::kExec &&
        event.op != trace::Op::kExit && event.op != trace::Op::kFork &&
        event.op != trace::Op::kThread) {
      std::string data(trace.data(event));
      std::replace(data.begin(), data.end(), '\0', '.');
      lines.push_back(fmt::format("{}|{}|{}|{}|{}|{}|{}", event.syscall.str(), event.path.str(),
                                  event.path2.str(), event.offset, event.length, event.result,
                                  data));
    }
  }
  return lines;
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace crashpoint::ptrace
