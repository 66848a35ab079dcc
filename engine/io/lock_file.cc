#include "engine/io/lock_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "engine/io/file.h"

namespace engine::io {
namespace {

// The classic record lock: bound to the process, so that a forked child holds nothing, and the
// kernel can name the holder.
struct flock whole_file(short type) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

bool is_same_file(int fd, const std::string& path) {
  struct stat by_fd = {};
  struct stat by_path = {};
  return ::fstat(fd, &by_fd) == 0 && ::stat(path.c_str(), &by_path) == 0 &&
         by_fd.st_dev == by_path.st_dev && by_fd.st_ino == by_path.st_ino;
}

int holder_of(int fd) {
  struct flock lock = whole_file(F_WRLCK);
  if (::fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) {
    return 0;
  }
  return lock.l_pid;
}

}  // namespace

Result<LockFile> LockFile::acquire(std::string path) {
  for (;;) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
      return tl::unexpected(errno_error("open", path, errno));
    }
    struct flock lock = whole_file(F_WRLCK);
    if (::fcntl(fd, F_SETLK, &lock) != 0) {
      const int error = errno;
      const int pid = holder_of(fd);
      static_cast<void>(::close(fd));
      if (error != EAGAIN && error != EACCES) {
        return tl::unexpected(errno_error("lock", path, error));
      }
      return fail(fmt::format("{} is locked by process {}", path, pid), EAGAIN);
    }
    if (is_same_file(fd, path)) {
      return LockFile(fd, std::move(path));
    }
    // The holder before removed the file between our open and our lock: take the new one.
    static_cast<void>(::close(fd));
  }
}

int LockFile::holder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return 0;
  }
  const int pid = holder_of(fd);
  static_cast<void>(::close(fd));
  return pid;
}

LockFile::LockFile(LockFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

LockFile& LockFile::operator=(LockFile&& other) noexcept {
  if (this != &other) {
    release();
    fd_ = std::exchange(other.fd_, -1);
    path_ = std::move(other.path_);
  }
  return *this;
}

LockFile::~LockFile() {
  release();
}

void LockFile::release() {
  if (fd_ < 0) {
    return;
  }
  ::unlink(path_.c_str());  // while it is still locked, so that it cannot be another process's file
  static_cast<void>(::close(std::exchange(fd_, -1)));
}

}  // namespace engine::io
