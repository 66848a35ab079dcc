#include "harness/ptrace/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "harness/base/check.h"
#include "harness/base/error.h"
#include "harness/ptrace/connection.h"
#include "harness/ptrace/content.h"

namespace crashpoint::ptrace {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

std::string read_link(const std::string& path) {
  std::array<char, PATH_MAX> buffer;
  const ssize_t size = ::readlink(path.c_str(), buffer.data(), buffer.size());
  return size < 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(size));
}

bool is_inside(const std::string& directory, std::string_view absolute) {
  return absolute.size() >= directory.size() && absolute.starts_with(directory) &&
         (absolute.size() == directory.size() || absolute[directory.size()] == '/');
}

trace::Name name_in(const std::string& directory, std::string_view absolute) {
  if (!is_inside(directory, absolute)) {
    return absolute;
  }
  return absolute.size() == directory.size() ? std::string_view(".")
                                             : absolute.substr(directory.size() + 1);
}

// The number after `label` in a file of /proc, in base `base`; -1: not there.
std::int64_t number_after(std::string_view text, std::string_view label, int base) {
  const std::size_t at = text.find(label);
  if (at == std::string_view::npos) {
    return -1;
  }
  text.remove_prefix(at + label.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::int64_t number = -1;
  std::from_chars(text.data(), text.data() + text.size(), number, base);
  return number;
}

// The first lines of fdinfo, which is all we need, are short.
using FdinfoBuffer = std::array<char, 128>;

std::string_view read_fdinfo(int file, FdinfoBuffer& buffer) {
  const ssize_t size = ::pread(file, buffer.data(), buffer.size(), 0);
  return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

int open_fdinfo(pid_t tid, int fd) {
  return ::open(fmt::format("/proc/{}/fdinfo/{}", tid, fd).c_str(), O_RDONLY | O_CLOEXEC);
}

}  // namespace

std::string canonical(const std::string& path) {
  std::array<char, PATH_MAX> buffer;
  return ::realpath(path.c_str(), buffer.data()) != nullptr ? std::string(buffer.data()) : path;
}

Descriptor::~Descriptor() {
  for (const int ours : {position_file, copy}) {
    if (ours >= 0) {
      ::close(ours);
    }
  }
}

Descriptor& DescriptorTable::add(int fd) {
  HARNESS_CHECK(fd >= 0, fd);
  const auto index = static_cast<std::size_t>(fd);
  if (index >= table_.size()) {
    table_.resize(index + 1);
  }
  table_[index] = std::make_unique<Descriptor>();
  return *table_[index];
}

void DescriptorTable::forget(int fd) {
  if (fd >= 0 && static_cast<std::size_t>(fd) < table_.size()) {
    table_[static_cast<std::size_t>(fd)].reset();
  }
}

void DescriptorTable::forget_range(std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t fd = first; fd < table_.size() && fd <= last; ++fd) {
    table_[fd].reset();
  }
}

Files::Files(const std::string& data_directory, trace::Image& initial, bool with_content,
             trace::Notes& notes)
    : data_directory_(canonical(data_directory)) {
  const Initial wanted{initial, with_content, notes};
  read_directory(data_directory_, &wanted);
}

void Files::take_streams(ThreadId thread) {
  streams_ = {read_link(fmt::format("/proc/{}/fd/1", thread.tid)),
              read_link(fmt::format("/proc/{}/fd/2", thread.tid))};
}

// One file may have been given as both: which of them is meant then goes by the number it had first.
Stream Files::stream_of(const std::string& path, int number) const {
  const bool standard = number == STDOUT_FILENO || number == STDERR_FILENO;
  if (path == "/dev/null" && !standard) {
    return Stream::kNone;  // which anybody may open
  }
  if (path == streams_[1] && (path != streams_[0] || number == STDERR_FILENO)) {
    return Stream::kError;
  }
  return path == streams_[0] ? Stream::kOutput : Stream::kNone;
}

void Files::read_directory(const std::string& absolute, const Initial* initial) {
  namespace fs = std::filesystem;
  struct stat status {};
  if (::lstat(absolute.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    throw EnvironmentError(fmt::format("the data directory {} is no directory", absolute));
  }
  if (absolute == data_directory_) {
    device_ = status.st_dev;
  }
  names_.insert_or_assign(name_of(absolute), &known(status, absolute));
  std::error_code error;
  fs::recursive_directory_iterator at(absolute, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const std::string path = at->path();
    if (::lstat(path.c_str(), &status) != 0) {
      continue;
    }
    Inode& inode = known(status, path);
    const std::string name = name_of(path);
    if (inode.directory && ::access(path.c_str(), R_OK | X_OK) != 0) {
      at.disable_recursion_pending();
      if (initial != nullptr) {
        initial->notes.push_back(
            fmt::format("{} could not be read: what was in it at the start is not known", name));
      }
    }
    if (!names_.insert_or_assign(name, &inode).second) {
      continue;
    }
    inode.links = inode.regular ? inode.links + 1 : 1;
    if (inode.regular && inode.links == 1) {
      bytes_inside_ += static_cast<std::uint64_t>(inode.size);
    }
    if (initial == nullptr) {
      continue;
    }
    trace::ImageEntry in_image;
    in_image.mode = status.st_mode & 07777U;
    in_image.file = inode.id;
    if (inode.directory) {
      in_image.kind = trace::ImageEntry::Kind::kDirectory;
    } else if (S_ISLNK(status.st_mode)) {
      in_image.kind = trace::ImageEntry::Kind::kSymlink;
      in_image.content = read_link(path);
    } else if (!inode.regular) {
      continue;  // sockets and FIFOs hold no data
    } else if (initial->with_content) {
      if (const std::string why = read_content(path, in_image.content); !why.empty()) {
        initial->notes.push_back(fmt::format(
            "{} could not be read ({}): what was in it at the start is not in the trace", name,
            why));
      }
    }
    initial->image.insert_or_assign(name, std::move(in_image));
  }
  if (error) {
    throw EnvironmentError(
        fmt::format("cannot read the data directory {}: {}", absolute, error.message()));
  }
}

trace::Name Files::name_of(std::string_view absolute) const {
  return name_in(data_directory_, absolute);
}

ResolvedPath resolve_path(const std::string& data_directory, ThreadId thread, int directory_fd,
                          std::string_view path) {
  std::string absolute;
  for (const std::string_view self : {"/proc/self/", "/proc/thread-self/"}) {
    if (path.starts_with(self)) {
      absolute = fmt::format("/proc/{}/{}", thread.tid, path.substr(self.size()));
    }
  }
  if (absolute.empty() && path.starts_with('/')) {
    absolute = path;
  } else if (absolute.empty()) {
    absolute = read_link(directory_fd == AT_FDCWD
                             ? fmt::format("/proc/{}/cwd", thread.tid)
                             : fmt::format("/proc/{}/fd/{}", thread.tid, directory_fd));
    if (!path.empty()) {
      absolute += '/';
      absolute += path;
    }
  }
  while (absolute.size() > 1 && absolute.ends_with('/')) {
    absolute.pop_back();
  }
  const std::size_t slash = absolute.rfind('/');
  const std::string last = absolute.substr(slash == std::string::npos ? 0 : slash + 1);
  if (last.empty() || last == "." || last == "..") {
    absolute = canonical(absolute);
  } else if (slash != std::string::npos) {
    std::string parent = canonical(slash == 0 ? "/" : absolute.substr(0, slash));
    if (!parent.ends_with('/')) {
      parent += '/';
    }
    absolute = parent + last;
  }
  ResolvedPath resolved;
  resolved.inside = is_inside(data_directory, absolute);
  resolved.name = name_in(data_directory, absolute);
  resolved.absolute = std::move(absolute);
  return resolved;
}

Inode* Files::find(const ResolvedPath& path, bool follow) {
  if (path.inside) {
    const auto found = names_.find(path.name.str());
    if (found == names_.end()) {
      return nullptr;
    }
    if (!follow || found->second->regular || found->second->directory) {
      return found->second;
    }
  }
  struct stat status {};
  const int failed =
      follow ? ::stat(path.absolute.c_str(), &status) : ::lstat(path.absolute.c_str(), &status);
  return failed != 0 ? nullptr : &known(status, path.absolute);
}

Descriptor* Files::descriptor(DescriptorTable& table, ThreadId thread, int fd) {
  if (Descriptor* const found = table.find(fd); found != nullptr) {
    return found;
  }
  if (fd < 0) {
    return nullptr;
  }
  const std::string link = fmt::format("/proc/{}/fd/{}", thread.tid, fd);
  std::string path = read_link(link);
  if (path.empty()) {
    return nullptr;
  }
  Descriptor& descriptor = table.add(fd);
  descriptor.stream = stream_of(path, table.original(fd));
  if (path.starts_with("socket:")) {
    descriptor.kind = DescriptorKind::kSocket;
    const Connection connection = connection_of(thread.pid, fd, path, insiders_);
    descriptor.peer = connection.peer;
    descriptor.internal = connection.internal;
    descriptor.copy = connection.copy;
    return &descriptor;
  }
  struct stat status {};
  if (!path.starts_with('/') || path.starts_with("/memfd:") || ::stat(link.c_str(), &status) != 0 ||
      !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))) {
    return &descriptor;
  }
  if (path.ends_with(kDeleted)) {
    path.resize(path.size() - kDeleted.size());
  }
  descriptor.kind = S_ISDIR(status.st_mode) ? DescriptorKind::kDirectory : DescriptorKind::kFile;
  descriptor.inode = &known(status, path);
  const int fdinfo = open_fdinfo(thread.tid, fd);
  if (fdinfo >= 0) {
    FdinfoBuffer buffer;
    descriptor.flags = static_cast<std::uint32_t>(
        std::max<std::int64_t>(0, number_after(read_fdinfo(fdinfo, buffer), "flags:", 8)));
    ::close(fdinfo);
  }
  return &descriptor;
}

std::int64_t Files::position(Descriptor& descriptor, ThreadId thread, int fd) {
  if (descriptor.copy >= 0) {
    return ::lseek(descriptor.copy, 0, SEEK_CUR);
  }
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (descriptor.position_file < 0) {
      descriptor.position_file = open_fdinfo(thread.tid, fd);
    }
    FdinfoBuffer buffer;
    const std::int64_t position =
        number_after(read_fdinfo(descriptor.position_file, buffer), "pos:", 10);
    if (position >= 0) {
      return position;
    }
    // It was opened through a thread that has ended since: once more through this one.
    if (descriptor.position_file >= 0) {
      ::close(descriptor.position_file);
      descriptor.position_file = -1;
    }
  }
  return -1;
}

Inode& Files::add(const struct stat& status, std::string_view absolute) {
  Inode& inode = inodes_.emplace_back();
  inode.id = inodes_.size();
  inode.path = name_of(absolute);
  inode.inside = is_inside(data_directory_, absolute);
  inode.directory = S_ISDIR(status.st_mode);
  inode.regular = S_ISREG(status.st_mode);
  inode.elsewhere = status.st_dev != device_;
  inode.links = 0;
  inode.size = status.st_size;
  by_key_.insert_or_assign({status.st_dev, status.st_ino}, &inode);
  return inode;
}

Inode& Files::known(const struct stat& status, std::string_view absolute) {
  const auto found = by_key_.find({status.st_dev, status.st_ino});
  return found != by_key_.end() ? *found->second : add(status, absolute);
}

Inode& Files::created(const ResolvedPath& path, const struct stat& status, bool named) {
  Inode& inode = add(status, path.absolute);
  if (path.inside && named) {
    names_.insert_or_assign(path.name, &inode);
    inode.links = 1;
    bytes_inside_ += inode.regular ? static_cast<std::uint64_t>(inode.size) : 0;
  }
  return inode;
}

void Files::drop_name(const std::string& name) {
  const auto found = names_.find(name);
  if (found == names_.end()) {
    return;
  }
  Inode& inode = *found->second;
  names_.erase(found);
  if (inode.links > 0 && --inode.links == 0 && inode.regular) {
    bytes_inside_ -= static_cast<std::uint64_t>(inode.size);
  }
}

void Files::unlinked(const ResolvedPath& path) {
  if (path.inside) {
    drop_name(path.name);
  }
}

void Files::linked(Inode& inode, const ResolvedPath& to) {
  if (!to.inside) {
    return;
  }
  names_.insert_or_assign(to.name, &inode);
  if (inode.links++ == 0) {
    inode.path = to.name;
    inode.inside = true;
    bytes_inside_ += inode.regular ? static_cast<std::uint64_t>(inode.size) : 0;
  }
}

void Files::renamed(const ResolvedPath& from, const ResolvedPath& to, bool exchanged) {
  // Takes a name and, of a directory, all names below it out of the table: the rest of each name
  // after `path`, and the file.
  using Moved = std::vector<std::pair<std::string, Inode*>>;
  const auto take = [this](const ResolvedPath& path) {
    Moved moved;
    if (!path.inside) {
      return moved;
    }
    const std::string& name = path.name;
    if (const auto found = names_.find(name); found != names_.end()) {
      moved.emplace_back("", found->second);
      names_.erase(found);
    }
    const std::string below = name + "/";
    for (auto at = names_.lower_bound(below); at != names_.end() && at->first.starts_with(below);
         at = names_.erase(at)) {
      moved.emplace_back(at->first.substr(name.size()), at->second);
    }
    return moved;
  };
  const auto put = [this](const Moved& moved, const ResolvedPath& path) {
    for (const auto& [rest, inode] : moved) {
      inode->path = path.name.str() + rest;
      inode->inside = path.inside;
      if (path.inside) {
        names_.insert_or_assign(inode->path, inode);
      } else if (inode->links > 0 && --inode->links == 0 && inode->regular) {
        bytes_inside_ -= static_cast<std::uint64_t>(inode->size);
      }
    }
  };
  if (from.absolute == to.absolute) {
    return;
  }
  if (exchanged) {
    const Moved first = take(from);
    const Moved second = take(to);
    put(first, to);
    put(second, from);
    return;
  }
  if (from.inside && to.inside) {
    const auto a = names_.find(from.name.str());
    const auto b = names_.find(to.name.str());
    if (a != names_.end() && b != names_.end() && a->second == b->second) {
      return;  // two names of one file: rename(2) leaves both
    }
  }
  if (to.inside) {
    drop_name(to.name);
  }
  if (from.inside) {
    put(take(from), to);
    return;
  }
  struct stat status {};
  if (::lstat(to.absolute.c_str(), &status) == 0) {
    Inode& inode = known(status, to.absolute);
    inode.path = to.name;
    inode.inside = to.inside;
    linked(inode, to);
    if (inode.directory) {
      read_directory(to.absolute, nullptr);
    }
  }
}

std::int64_t Files::growth(const trace::Event& event) const {
  HARNESS_CHECK(event.file >= 1 && event.file <= inodes_.size(), event.file, inodes_.size());
  const Inode& inode = inodes_[event.file - 1];
  return std::max<std::int64_t>(0, event.offset + event.length - inode.size);
}

void Files::set_size(Inode& inode, std::int64_t size) {
  if (inode.inside && inode.regular && inode.links > 0) {
    bytes_inside_ += static_cast<std::uint64_t>(size) - static_cast<std::uint64_t>(inode.size);
  }
  inode.size = size;
}

}  // namespace crashpoint::ptrace
