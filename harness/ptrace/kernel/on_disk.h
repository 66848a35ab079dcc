// What is on disk right now, asked of the kernel.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace crashpoint::ptrace {

// Tells a file from all others: also from one that had its number before, where the filesystem knows
// when a file was made.
struct FileKey {
  std::uint64_t device = 0;
  std::uint64_t number = 0;
  std::int64_t born_ns = 0;  // 0: not known
  auto operator<=>(const FileKey&) const = default;
};

struct FileStatus {
  FileKey key;
  std::uint32_t mode = 0;   // with the type
  std::uint32_t names = 0;  // of all filesystems' names it has
  std::int64_t size = 0;

  [[nodiscard]] bool is_file() const { return S_ISREG(mode); }
  [[nodiscard]] bool is_directory() const { return S_ISDIR(mode); }
  [[nodiscard]] bool is_symlink() const { return S_ISLNK(mode); }
  // A socket, a FIFO or a device: holds no data.
  [[nodiscard]] bool is_special() const { return !is_file() && !is_directory() && !is_symlink(); }
  [[nodiscard]] std::uint32_t permissions() const { return mode & 07777U; }
};

// Of a path as in fstatat(2), an empty one meaning `directory` itself; nothing if there is none or it
// may not be looked at.
[[nodiscard]] std::optional<FileStatus> status_of(int directory, const std::string& path,
                                                  bool follow);

// Where a symlink points to; empty if it cannot be read.
[[nodiscard]] std::string link_target(int directory, const std::string& path);

// Reads files and directories that lie below an open directory, however deep. No symlink is followed.
class DirectoryWalk {
 public:
  // A parent comes before what is in it. `path` is relative to where the walk began, `directory` and `name`
  // are how to get at the entry.
  using Visit = std::function<void(const std::string& path, int directory, const std::string& name,
                                   const FileStatus& status)>;
  // Something that is there and could not be looked at: "" is the directory itself.
  using Unreadable = std::function<void(const std::string& path)>;

  DirectoryWalk(Visit visit, Unreadable unreadable)
      : visit_(std::move(visit)), unreadable_(std::move(unreadable)) {}

  // `directory` may be opened with O_PATH.
  void walk(int directory) { enter(directory, ".", {}); }

 private:
  void enter(int parent, const std::string& name, const std::string& prefix);

  Visit visit_;
  Unreadable unreadable_;
};

}  // namespace crashpoint::ptrace
