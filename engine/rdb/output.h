// The destination of RDB bytes: a file, through a buffer and a checksum, or memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/io/file.h"

namespace engine::rdb {

class Output {
 public:
  // Collects in memory: see bytes().
  Output() = default;
  // Writes to `file`, which is borrowed. `checksum`: keeps the CRC-64 of everything put in.
  // `write_back`: has the kernel write out every few MiB, so that the sync at the end is short.
  Output(io::File& file, bool checksum, bool write_back)
      : file_(&file), checksum_(checksum), write_back_(write_back) {}

  // The first error is kept for flush(); after it nothing more is written.
  void put(std::string_view bytes);
  void put_byte(std::uint8_t byte) { put({reinterpret_cast<const char*>(&byte), 1}); }

  // Writes everything to the file; this makes nothing durable.
  Status flush();
  bool failed() const { return !status_.has_value(); }
  // Of what has been put in so far; only with `checksum`, and after flush().
  std::uint64_t crc() const { return crc_; }
  // In memory only.
  const std::string& bytes() const { return buffer_; }

 private:
  static constexpr std::size_t kBufferBytes = std::size_t{256} << 10;
  static constexpr std::uint64_t kWriteBackBytes = std::uint64_t{4} << 20;

  void write(std::string_view bytes);

  io::File* file_ = nullptr;
  bool checksum_ = false;
  bool write_back_ = false;
  std::string buffer_;
  std::uint64_t crc_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t written_back_ = 0;
  Status status_;
};

}  // namespace engine::rdb
