#include "harness/campaign/workspace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/text.h"

namespace crashpoint::campaign {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPrefix = "crashpoint-";
constexpr const char* kLockName = "lock";
constexpr std::uint64_t kRoomBytes = 256ULL << 20;

bool has_room(const fs::path& folder) {
  struct statvfs info {};
  return ::statvfs(folder.c_str(), &info) == 0 && ::access(folder.c_str(), W_OK) == 0 &&
         info.f_bavail * info.f_bsize >= kRoomBytes;
}

fs::path default_parent() {
  if (const char* chosen = std::getenv("CRASHPOINT_TMPDIR"); chosen != nullptr && *chosen != '\0') {
    return chosen;
  }
  const fs::path shared_memory = "/dev/shm";
  if (has_room(shared_memory)) {
    return shared_memory;
  }
  std::error_code error;
  const fs::path folder = fs::temp_directory_path(error);
  if (error) {
    throw EnvironmentError(
        "TMPDIR is not a directory; set it or CRASHPOINT_TMPDIR to a writable directory");
  }
  return folder;
}

// The descriptor that holds the lock of `folder`, or -1 when another process holds it.
int try_lock(const fs::path& folder) {
  const int fd = ::open((folder / kLockName).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return -1;
  }
  return fd;
}

void remove_abandoned(const fs::path& parent) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(parent, error)) {
    const fs::path& path = entry.path();
    if (path.filename().string().starts_with(kPrefix) && fs::exists(path / kLockName, error)) {
      if (const int fd = try_lock(path); fd >= 0) {
        fs::remove_all(path, error);
        ::close(fd);
      }
    }
  }
}

}  // namespace

Workspace Workspace::open() {
  return open_in(default_parent());
}

Workspace Workspace::open_in(const fs::path& given) {
  const fs::path parent = fs::absolute(given);  // targets have other working directories
  if (parent.string().find('\n') !=
      std::string::npos) {  // the engine's recovery server reads one path per line
    throw EnvironmentError(fmt::format(
        "cannot work in {}: its name has a line end; set CRASHPOINT_TMPDIR to another directory",
        shorten(parent.string(), 4096)));
  }
  remove_abandoned(parent);
  std::string pattern = (parent / fmt::format("{}XXXXXX", kPrefix)).string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw EnvironmentError(fmt::format(
        "cannot create a directory in {}: {}; set CRASHPOINT_TMPDIR to a writable directory",
        parent.string(), error_text(errno)));
  }
  const int lock_fd = try_lock(pattern);
  if (lock_fd < 0) {
    throw EnvironmentError(fmt::format("cannot lock {}: {}", pattern, error_text(errno)));
  }
  return {fs::path(pattern), lock_fd};
}

Workspace::Workspace(Workspace&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_fd_(std::exchange(other.lock_fd_, -1)) {}

Workspace::~Workspace() {
  if (lock_fd_ >= 0) {
    std::error_code error;
    fs::remove_all(path_, error);
    ::close(lock_fd_);
  }
}

}  // namespace crashpoint::campaign
