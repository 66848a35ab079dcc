#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <mutex>

#include "engine/base/files_for_test.h"
#include "engine/io/syscall_trace_for_test.h"

namespace engine::io {
namespace {

struct Recorder {
  std::mutex mutex;
  std::atomic<bool> active = false;  // the rest under the mutex
  std::string root;
  std::vector<TracedCall> calls;
  std::size_t count = 0;
  std::size_t fail_at = 0;
  int fail_error = 0;
  bool short_write = false;
  bool has_failed = false;
  std::string all_name;
  std::string all_path_end;
  int all_error = 0;
};

Recorder& recorder() {
  // Outlives every static that still does I/O. Its mutex is free in a forked child, whatever other
  // threads did.
  static Recorder* const instance = [] {
    ::pthread_atfork([] { recorder().mutex.lock(); }, [] { recorder().mutex.unlock(); },
                     [] { recorder().mutex.unlock(); });
    return new Recorder;
  }();
  return *instance;
}

std::string path_of(int fd) {
  char link[64];
  char target[4096];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const long size = ::syscall(SYS_readlinkat, AT_FDCWD, link, target, sizeof(target));
  return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : "";
}

// Below the root, relative to it; empty: not there.
std::string relative(const Recorder& state, const std::string& path) {
  if (path == state.root) {
    return ".";
  }
  return path.starts_with(state.root + "/") ? path.substr(state.root.size() + 1) : "";
}

struct Verdict {
  int error = 0;
  bool short_write = false;
};

// Notes the call and says whether it must fail.
Verdict note(const char* name, const std::string& path, const std::string& to = "") {
  Recorder& state = recorder();
  if (!state.active) {
    return {};
  }
  const std::lock_guard lock(state.mutex);
  TracedCall call;
  call.name = name;
  call.path = relative(state, path);
  if (call.path.empty()) {
    return {};
  }
  if (!to.empty()) {
    call.to = relative(state, to);
  }
  ++state.count;
  Verdict verdict;
  if (state.count == state.fail_at) {
    verdict = {state.fail_error, state.short_write};
    state.has_failed = true;
  } else if (state.all_error != 0 && state.all_name == name &&
             call.path.ends_with(state.all_path_end)) {
    verdict = {state.all_error, false};
  }
  call.error = verdict.error;
  state.calls.push_back(std::move(call));
  return verdict;
}

bool is_active() {
  return recorder().active;
}

int failed(int error) {
  errno = error;
  return -1;
}

int open_with(const char* path, int flags, unsigned int mode) {
  if (is_active() && (flags & O_ACCMODE) != O_RDONLY) {
    if (const int error = note("open", path).error) {
      return failed(error);
    }
  }
  return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}

}  // namespace

std::string TracedCall::text() const {
  return name + " " + path + (to.empty() ? "" : " -> " + to) + (error != 0 ? " [failed]" : "");
}

SyscallTrace::SyscallTrace(const std::string& directory) {
  Recorder& state = recorder();
  const std::lock_guard lock(state.mutex);
  EXPECT_FALSE(state.active) << "one trace at a time";
  state.root = directory;
  state.calls.clear();
  state.count = 0;
  state.fail_at = 0;
  state.all_error = 0;
  state.has_failed = false;
  state.active = true;
}

SyscallTrace::~SyscallTrace() {
  const std::lock_guard lock(recorder().mutex);
  recorder().active = false;
}

void SyscallTrace::fail_nth(std::size_t n, int error, bool short_write) {
  Recorder& state = recorder();
  const std::lock_guard lock(state.mutex);
  state.count = 0;
  state.fail_at = n;
  state.fail_error = error;
  state.short_write = short_write;
  state.has_failed = false;
}

void SyscallTrace::fail_all(std::string_view name, std::string_view path_end, int error) {
  Recorder& state = recorder();
  const std::lock_guard lock(state.mutex);
  state.all_name = name;
  state.all_path_end = path_end;
  state.all_error = error;
}

bool SyscallTrace::has_failed() const {
  const std::lock_guard lock(recorder().mutex);
  return recorder().has_failed;
}

std::vector<TracedCall> SyscallTrace::calls() const {
  const std::lock_guard lock(recorder().mutex);
  return recorder().calls;
}

void SyscallTrace::clear() {
  const std::lock_guard lock(recorder().mutex);
  recorder().calls.clear();
}

std::optional<std::size_t> SyscallTrace::find(std::string_view text, std::size_t from) const {
  const std::vector<TracedCall> all = calls();
  for (std::size_t i = from; i < all.size(); ++i) {
    if (all[i].text() == text) {
      return i;
    }
  }
  return std::nullopt;
}

std::string SyscallTrace::text() const {
  std::string lines;
  for (const TracedCall& call : calls()) {
    lines += call.text() + "\n";
  }
  return lines;
}

// --- the functions that stand in for the C library's ---------------------------------------------

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const unsigned int mode = (flags & O_CREAT) != 0 ? va_arg(arguments, unsigned int) : 0;
  va_end(arguments);
  return open_with(path, flags, mode);
}

// Some headers turn open into open64.
int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const unsigned int mode = (flags & O_CREAT) != 0 ? va_arg(arguments, unsigned int) : 0;
  va_end(arguments);
  return open_with(path, flags, mode);
}

ssize_t write(int fd, const void* bytes, std::size_t size) {
  if (is_active()) {
    const Verdict verdict = note("write", path_of(fd));
    if (verdict.error != 0) {
      if (!verdict.short_write || size < 2) {
        return failed(verdict.error);
      }
      // The kernel's way: what fits is written, and the next call says why no more does.
      Recorder& state = recorder();
      const std::lock_guard lock(state.mutex);
      state.fail_at = state.count + 1;
      state.short_write = false;
      size /= 2;
    }
  }
  return ::syscall(SYS_write, fd, bytes, size);
}

int fsync(int fd) {
  if (is_active()) {
    if (const int error = note("fsync", path_of(fd)).error) {
      return failed(error);
    }
  }
  return static_cast<int>(::syscall(SYS_fsync, fd));
}

int fdatasync(int fd) {
  if (is_active()) {
    if (const int error = note("fdatasync", path_of(fd)).error) {
      return failed(error);
    }
  }
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

int ftruncate(int fd, off_t size) noexcept {
  if (is_active()) {
    if (const int error = note("ftruncate", path_of(fd)).error) {
      return failed(error);
    }
  }
  return static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}

int rename(const char* from, const char* to) noexcept {
  if (is_active()) {
    if (const int error = note("rename", from, to).error) {
      return failed(error);
    }
  }
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int unlink(const char* path) noexcept {
  if (is_active()) {
    if (const int error = note("unlink", path).error) {
      return failed(error);
    }
  }
  return static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

int mkdir(const char* path, mode_t mode) noexcept {
  if (is_active()) {
    if (const int error = note("mkdir", path).error) {
      return failed(error);
    }
  }
  return static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

int rmdir(const char* path) noexcept {
  if (is_active()) {
    if (const int error = note("rmdir", path).error) {
      return failed(error);
    }
  }
  return static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR));
}

}  // extern "C"

// --- tests of the instrument itself --------------------------------------------------------------

namespace {

TEST(SyscallTrace, SeesChangesBelowItsDirectoryInOrder) {
  TempDirectory directory;
  TempDirectory elsewhere;
  SyscallTrace trace(directory.path());
  for (const std::string& path : {directory.file("a"), elsewhere.file("a")}) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT, 0644);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(::write(fd, "xy", 2), 2);
    EXPECT_EQ(::fsync(fd), 0);
    ::close(fd);
    EXPECT_EQ(::rename(path.c_str(), (path + "b").c_str()), 0);
  }
  EXPECT_EQ(trace.text(), "open a\nwrite a\nfsync a\nrename a -> ab\n");
}

TEST(SyscallTrace, FailsTheChosenCallAndWritesHalfIfTold) {
  TempDirectory directory;
  SyscallTrace trace(directory.path());
  const int fd = ::open(directory.file("a").c_str(), O_WRONLY | O_CREAT, 0644);
  trace.fail_nth(2, ENOSPC, true);
  EXPECT_EQ(::write(fd, "abcd", 4), 4);
  EXPECT_EQ(::write(fd, "abcd", 4), 2);
  EXPECT_EQ(::write(fd, "cd", 2), -1);
  EXPECT_EQ(errno, ENOSPC);
  EXPECT_EQ(::write(fd, "cd", 2), 2);
  ::close(fd);
  EXPECT_EQ(read_test_file(directory.file("a")), "abcdabcd");
}

}  // namespace
}  // namespace engine::io
