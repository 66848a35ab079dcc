// For tests: sees every call by which this process changes files below a directory, in order, and
// makes chosen ones fail. It takes the place of the C library's functions in the test binary, so
// the code under test is the code that ships.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace engine::io {

struct TracedCall {
  std::string name;  // "open" (only for writing), "write", "fsync", "fdatasync", "ftruncate",
                     // "rename", "unlink", "mkdir", "rmdir"
  std::string path;  // below the directory; "." is the directory itself
  std::string to;    // of a rename
  int error = 0;     // errno it failed with

  // "fsync a/b", "rename a -> b"
  std::string text() const;
};

// One at a time. Also follows a forked child, which continues the count, but whose calls are not
// seen.
class SyscallTrace {
 public:
  explicit SyscallTrace(const std::string& directory);
  ~SyscallTrace();
  SyscallTrace(const SyscallTrace&) = delete;
  SyscallTrace& operator=(const SyscallTrace&) = delete;

  // The n-th call (from 1, counted from now on) fails with `error`; a write then still writes half
  // of its bytes if `short_write`.
  void fail_nth(std::size_t n, int error, bool short_write = false);
  // Every call of this name on a path that ends so fails with `error`, from now on; 0: none.
  void fail_all(std::string_view name, std::string_view path_end, int error);
  // The call of fail_nth() has come.
  bool has_failed() const;

  std::vector<TracedCall> calls() const;
  void clear();
  // Index of the first call with this text at or after `from`; nothing if there is none.
  std::optional<std::size_t> find(std::string_view text, std::size_t from = 0) const;
  std::string text() const;  // all calls, a line each
};

}  // namespace engine::io
