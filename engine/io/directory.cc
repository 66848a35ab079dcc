#include "engine/io/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "engine/io/file.h"

namespace engine::io {
namespace {

std::string parent_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

std::string join_path(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && path.back() != '/') {
    path += '/';
  }
  path += name;
  return path;
}

Status sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return tl::unexpected(errno_error("open", path, errno));
  }
  const int result = ::fsync(fd);
  const int error = errno;
  static_cast<void>(::close(fd));  // nothing was written through it
  if (result != 0) {
    return tl::unexpected(errno_error("fsync", path, error));
  }
  return {};
}

Result<bool> make_directory(const std::string& path) {
  constexpr mode_t kDirectoryMode = 0755;
  bool made = true;
  if (::mkdir(path.c_str(), kDirectoryMode) != 0) {
    const int error = errno;
    if (error != EEXIST || !is_directory(path)) {
      return tl::unexpected(errno_error("mkdir", path, error));
    }
    made = false;
  }
  // Also when it existed: the process that made it may have been killed before this.
  if (const Status synced = sync_directory(parent_of(path)); !synced) {
    return tl::unexpected(synced.error());
  }
  return made;
}

Status remove_directory(const std::string& path) {
  if (::rmdir(path.c_str()) != 0) {
    return tl::unexpected(errno_error("rmdir", path, errno));
  }
  return {};
}

Status rename_file(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return tl::unexpected(errno_error("rename", from + " to " + to, errno));
  }
  return {};
}

Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0) {
    return tl::unexpected(errno_error("unlink", path, errno));
  }
  return {};
}

Result<std::uint64_t> file_size(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) {
    return tl::unexpected(errno_error("stat", path, errno));
  }
  return static_cast<std::uint64_t>(status.st_size);
}

bool is_directory(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool exists(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

// readdir() returns null at the end and on an error: only errno distinguishes them.
Result<std::vector<std::string>> list_directory(const std::string& path) {
  const auto close_directory = [](DIR* directory) { ::closedir(directory); };
  const std::unique_ptr<DIR, decltype(close_directory)> directory(::opendir(path.c_str()),
                                                                  close_directory);
  if (directory == nullptr) {
    return tl::unexpected(errno_error("open", path, errno));
  }
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) {
      if (errno != 0) {
        return tl::unexpected(errno_error("read", path, errno));
      }
      break;
    }
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") {
      names.emplace_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace engine::io
