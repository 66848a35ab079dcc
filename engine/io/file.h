// File: one open file, and every operation on its bytes that the engine uses. Together with
// directory.h it is the only door to the disk: no other part calls the kernel for files.
//
// Durability  Nothing is durable before sync() or sync_data() has succeeded, and never because of
//             close(). A file's name is durable only after sync_directory() of its folder.
// Errors      Every result is read. Error::code is the errno; the message names the operation and the
//             file. EINTR is retried; nothing else is.
// Ownership   Move-only; the destructor closes, and drops close()'s result: call close() where it
//             matters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/result.h"

namespace engine::io {

enum class OpenMode {
  kRead,
  kCreate,  // write; a new file in place of the one of that name (which is not truncated: it may have other names)
  kCreateNew,  // append; must not exist yet
  kAppend,     // append; must exist
};

// How far write() came: `error` is 0 exactly if everything was written.
struct WriteOutcome {
  std::size_t written = 0;
  int error = 0;
};

class File {
 public:
  File() = default;  // closed
  static Result<File> open(std::string path, OpenMode mode);
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  ~File();

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  const std::string& path() const { return path_; }
  void renamed(std::string path) { path_ = std::move(path); }  // for messages

  // Reads up to `into.size()` bytes at `offset`; fewer only at the end of the file.
  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const;
  Result<std::uint64_t> size() const;

  // Continues after short writes until everything is written or the kernel reports an error. A
  // write that makes no progress counts as ENOSPC, as redis-server counts it.
  WriteOutcome write(std::string_view bytes);
  Status write_all(std::string_view bytes);

  Status sync();       // fsync
  Status sync_data();  // fdatasync
  // Starts writing out [offset, offset + size) and waits for what was started before it, so that a
  // later sync() finds little to do. Makes nothing durable; a failure is only a lost hint.
  void start_writeback(std::uint64_t offset, std::uint64_t size);
  // Tells the kernel that [offset, offset + size) will not be needed in the page cache.
  void drop_cache(std::uint64_t offset, std::uint64_t size);

  // Cuts the file and verifies by its new size that it is cut.
  Status truncate(std::uint64_t size);

  Status close();

 private:
  File(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  int fd_ = -1;
  std::string path_;
};

// The whole content; for small files (a manifest). Fails when it is larger than `limit_bytes`.
Result<std::string> read_file(const std::string& path, std::size_t limit_bytes);

// "open /data/x: No such file or directory", with the errno as code.
Error errno_error(std::string_view operation, std::string_view path, int error);

}  // namespace engine::io
