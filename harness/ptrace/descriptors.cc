// What the numbers of open files mean. Part of Files.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string_view>

#include "harness/base/check.h"
#include "harness/ptrace/connection.h"
#include "harness/ptrace/files.h"

namespace crashpoint::ptrace {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

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

void Files::take_streams(ThreadId thread) {
  streams_ = {link_target(AT_FDCWD, fmt::format("/proc/{}/fd/1", thread.tid)),
              link_target(AT_FDCWD, fmt::format("/proc/{}/fd/2", thread.tid))};
}

// One file may have been given as both: which of them is meant then goes by the number it had first.
Stream Files::stream_of(const std::string& path, int number) const {
  const bool standard = number == STDOUT_FILENO || number == STDERR_FILENO;
  if (path.empty() || (path == "/dev/null" && !standard)) {
    return Stream::kNone;  // which anybody may open
  }
  if (path == streams_[1] && (path != streams_[0] || number == STDERR_FILENO)) {
    return Stream::kError;
  }
  return path == streams_[0] ? Stream::kOutput : Stream::kNone;
}

Descriptor* Files::descriptor(DescriptorTable& table, ThreadId thread, int fd) {
  if (Descriptor* const found = table.find(fd); found != nullptr && table.is_certain()) {
    if (found->inode != nullptr && found->flags_as_of != flags_as_of_) {
      refresh_flags(*found, thread, fd);
    }
    return found;
  }
  table.forget(fd);
  if (fd < 0) {
    return nullptr;
  }
  const std::string link = fmt::format("/proc/{}/fd/{}", thread.tid, fd);
  const std::string path = link_target(AT_FDCWD, link);
  const bool is_path = path.empty() || path.starts_with('/');  // empty: too long to be said
  std::optional<FileStatus> status;
  if (is_path) {
    status = status_of(AT_FDCWD, link, /*follow=*/true);
    if (!status) {
      return nullptr;
    }
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
  if (!is_path || path.starts_with("/memfd:") || status->is_special() || status->is_symlink()) {
    return &descriptor;
  }
  descriptor.kind = status->is_directory() ? DescriptorKind::kDirectory : DescriptorKind::kFile;
  const bool is_unlinked = status->names == 0 && path.ends_with(kDeleted);
  descriptor.inode =
      &known_or_added(*status, is_unlinked ? path.substr(0, path.size() - kDeleted.size()) : path);
  refresh_flags(descriptor, thread, fd);
  return &descriptor;
}

void Files::refresh_flags(Descriptor& descriptor, ThreadId thread, int fd) {
  descriptor.flags_as_of = flags_as_of_;
  const Fd fdinfo(open_fdinfo(thread.tid, fd));
  if (fdinfo.valid()) {
    FdinfoBuffer buffer;
    descriptor.flags = static_cast<std::uint32_t>(
        std::max<std::int64_t>(0, number_after(read_fdinfo(fdinfo.get(), buffer), "flags:", 8)));
  }
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

}  // namespace crashpoint::ptrace
