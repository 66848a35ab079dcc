#include "engine/io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "engine/base/text.h"

namespace engine::io {
namespace {

constexpr mode_t kFileMode = 0644;

int flags_of(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kCreate:
      return O_WRONLY | O_CREAT | O_EXCL;
    case OpenMode::kCreateNew:
      return O_WRONLY | O_CREAT | O_EXCL | O_APPEND;
    case OpenMode::kAppend:
      return O_WRONLY | O_APPEND;
  }
  return O_RDONLY;
}

}  // namespace

Error errno_error(std::string_view operation, std::string_view path, int error) {
  return Error{fmt::format("{} {}: {}", operation, path, error_text(error)), error};
}

Result<File> File::open(std::string path, OpenMode mode) {
  const auto try_it = [&] {
    int fd = -1;
    do {
      fd = ::open(path.c_str(), flags_of(mode) | O_CLOEXEC, kFileMode);
    } while (fd < 0 && errno == EINTR);
    return fd;
  };
  int fd = try_it();
  // A power loss in the middle of a rename can leave both names, of one file: emptying the
  // temporary one would empty the other.
  if (fd < 0 && errno == EEXIST && mode == OpenMode::kCreate && ::unlink(path.c_str()) == 0) {
    fd = try_it();
  }
  if (fd < 0) {
    return tl::unexpected(errno_error("open", path, errno));
  }
  return File(fd, std::move(path));
}

File::File(File&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    static_cast<void>(close());
    fd_ = std::exchange(other.fd_, -1);
    path_ = std::move(other.path_);
  }
  return *this;
}

File::~File() {
  static_cast<void>(close());
}

Result<std::size_t> File::read_at(std::uint64_t offset, std::span<char> into) const {
  ENGINE_CHECK(is_open(), path_);
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t n =
        ::pread(fd_, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (n < 0) {
      if (errno == EINTR) {
        continue;
      }
      return tl::unexpected(errno_error("read", path_, errno));
    }
    if (n == 0) {
      break;
    }
    done += static_cast<std::size_t>(n);
  }
  return done;
}

Result<std::uint64_t> File::size() const {
  struct stat status = {};
  if (::fstat(fd_, &status) != 0) {
    return tl::unexpected(errno_error("stat", path_, errno));
  }
  return static_cast<std::uint64_t>(status.st_size);
}

WriteOutcome File::write(std::string_view bytes) {
  ENGINE_CHECK(is_open(), path_);
  WriteOutcome outcome;
  while (outcome.written < bytes.size()) {
    const ssize_t n = ::write(fd_, bytes.data() + outcome.written, bytes.size() - outcome.written);
    if (n < 0) {
      if (errno == EINTR) {
        continue;
      }
      outcome.error = errno;
      return outcome;
    }
    if (n == 0) {
      outcome.error = ENOSPC;
      return outcome;
    }
    outcome.written += static_cast<std::size_t>(n);
    ENGINE_CHECK(outcome.written <= bytes.size(), outcome.written, bytes.size());
  }
  return outcome;
}

Status File::write_all(std::string_view bytes) {
  const WriteOutcome outcome = write(bytes);
  if (outcome.error != 0) {
    return tl::unexpected(errno_error("write", path_, outcome.error));
  }
  return {};
}

// No retry on EINTR: fsync reports a lost page once, and a second call would succeed without it.
Status File::sync() {
  ENGINE_CHECK(is_open(), path_);
  if (::fsync(fd_) != 0) {
    return tl::unexpected(errno_error("fsync", path_, errno));
  }
  return {};
}

Status File::sync_data() {
  ENGINE_CHECK(is_open(), path_);
  if (::fdatasync(fd_) != 0) {
    return tl::unexpected(errno_error("fdatasync", path_, errno));
  }
  return {};
}

void File::start_writeback(std::uint64_t offset, std::uint64_t size) {
  static_cast<void>(::sync_file_range(fd_, static_cast<off_t>(offset), static_cast<off_t>(size),
                                      SYNC_FILE_RANGE_WRITE));
}

void File::drop_cache(std::uint64_t offset, std::uint64_t size) {
  static_cast<void>(::posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(size),
                                    POSIX_FADV_DONTNEED));
}

Status File::truncate(std::uint64_t size) {
  ENGINE_CHECK(is_open(), path_);
  int result = 0;
  do {
    result = ::ftruncate(fd_, static_cast<off_t>(size));
  } while (result != 0 && errno == EINTR);
  if (result != 0) {
    return tl::unexpected(errno_error("truncate", path_, errno));
  }
  const Result<std::uint64_t> now = this->size();
  if (!now) {
    return tl::unexpected(now.error());
  }
  if (*now != size) {
    return fail(fmt::format("truncate {}: it has {} bytes instead of {}", path_, *now, size), EIO);
  }
  return {};
}

Status File::close() {
  if (fd_ < 0) {
    return {};
  }
  // The descriptor is gone whatever close() says, so EINTR is no reason to call it again.
  const int result = ::close(std::exchange(fd_, -1));
  if (result != 0 && errno != EINTR) {
    return tl::unexpected(errno_error("close", path_, errno));
  }
  return {};
}

Result<std::string> read_file(const std::string& path, std::size_t limit_bytes) {
  Result<File> file = File::open(path, OpenMode::kRead);
  if (!file) {
    return tl::unexpected(file.error());
  }
  std::string content;
  for (;;) {  // until the end is seen: files of /proc do not know their size
    constexpr std::size_t kChunkBytes = 16384;
    const std::size_t have = content.size();
    content.resize(have + kChunkBytes);
    const Result<std::size_t> got = file->read_at(have, std::span(content).subspan(have));
    if (!got) {
      return tl::unexpected(got.error());
    }
    content.resize(have + *got);
    if (content.size() > limit_bytes) {
      return fail(fmt::format("read {}: it has more than the {} bytes allowed", path, limit_bytes),
                  EFBIG);
    }
    if (*got < kChunkBytes) {
      return content;
    }
  }
}

}  // namespace engine::io
