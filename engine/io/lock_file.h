// A lock that one process holds on something, by a file of its own. The kernel drops it with the
// process, however that ends; a leftover file locks nothing.
#pragma once

#include <string>

#include "engine/base/result.h"

namespace engine::io {

class LockFile {
 public:
  LockFile() = default;  // holds nothing
  // Makes the file if it is not there. Fails with EAGAIN and the holder's process id in the message
  // when another process holds the lock. Not inherited by forked children.
  static Result<LockFile> acquire(std::string path);
  // The process id of the holder; 0: none. Changes nothing.
  static int holder(const std::string& path);

  LockFile(LockFile&& other) noexcept;
  LockFile& operator=(LockFile&& other) noexcept;
  ~LockFile();  // removes the file and lets go

  bool held() const { return fd_ >= 0; }

 private:
  LockFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  void release();

  int fd_ = -1;
  std::string path_;
};

}  // namespace engine::io
