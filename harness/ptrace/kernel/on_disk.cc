#include "harness/ptrace/kernel/on_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <vector>

#include "harness/base/fd.h"

namespace crashpoint::ptrace {

std::optional<FileStatus> status_of(int directory, const std::string& path, bool follow) {
  struct statx status {};
  const int flags =
      (path.empty() ? AT_EMPTY_PATH : 0) | (follow ? 0 : AT_SYMLINK_NOFOLLOW) | AT_NO_AUTOMOUNT;
  if (::statx(directory, path.c_str(), flags, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) {
    return std::nullopt;
  }
  FileStatus known;
  known.key.device = ::makedev(status.stx_dev_major, status.stx_dev_minor);
  known.key.number = status.stx_ino;
  if ((status.stx_mask & STATX_BTIME) != 0) {
    known.key.born_ns = status.stx_btime.tv_sec * 1'000'000'000 +
                        static_cast<std::int64_t>(status.stx_btime.tv_nsec);
  }
  known.mode = status.stx_mode;
  known.names = status.stx_nlink;
  known.size = static_cast<std::int64_t>(status.stx_size);
  return known;
}

std::string link_target(int directory, const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t size = ::readlinkat(directory, path.c_str(), buffer.data(), buffer.size());
  return size < 0 ? std::string() : std::string(buffer.data(), static_cast<std::size_t>(size));
}

void DirectoryWalk::enter(int parent, const std::string& name, const std::string& prefix) {
  Fd opened(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  DIR* const stream = opened.valid() ? ::fdopendir(opened.get()) : nullptr;
  if (stream == nullptr) {
    if (errno != ENOENT) {
      unreadable_(prefix);
    }
    return;
  }
  (void)opened.release();  // the stream closes it
  const std::unique_ptr<DIR, int (*)(DIR*)> closer(stream, ::closedir);
  std::vector<std::string> names;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is ours alone
  while (const dirent* const entry = ::readdir(stream)) {
    names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  for (const std::string& entry : names) {
    if (entry == "." || entry == "..") {
      continue;
    }
    const std::string path = prefix.empty() ? entry : prefix + "/" + entry;
    const std::optional<FileStatus> status = status_of(::dirfd(stream), entry, /*follow=*/false);
    if (!status) {
      if (errno != ENOENT) {
        unreadable_(path);
      }
      continue;
    }
    visit_(path, ::dirfd(stream), entry, *status);
    if (status->is_directory()) {
      enter(::dirfd(stream), entry, path);
    }
  }
}

}  // namespace crashpoint::ptrace
