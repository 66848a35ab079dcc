// The source of RDB bytes: a file, through a buffer and a checksum, or memory. Also reads lengths
// and strings, of which everything consists (rdb_format.h).
//
// Errors   The first one is kept; from then on every read gives zeros and empty strings, and ok() is
//          false. A loop over a count that was read must look at ok() each time. A length beyond the
//          end of the input is an error before any memory is taken for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/io/file.h"

namespace engine::rdb {

class Input {
 public:
  // Memory, borrowed.
  explicit Input(std::string_view bytes);
  // A file of `size` bytes, borrowed, from its start. `checksum`: keeps the CRC-64 of what was
  // read.
  Input(const io::File& file, std::uint64_t size, bool checksum);

  std::uint8_t byte();
  // Lives until the next read.
  std::string_view bytes(std::size_t count);
  // A length; a special form of a string is an error here.
  std::uint64_t length();
  // A string in any form, decompressed. Lives until the next read.
  std::string_view string();
  template <typename T>
  T little_endian();

  bool ok() const { return ok_; }
  void fail(std::string why);
  // Why ok() is false, with the position.
  Error error() const;

  std::uint64_t offset() const { return window_offset_ + position_; }
  std::uint64_t left() const { return size_ - offset(); }
  // Of everything read so far.
  std::uint64_t crc();

  // Called about every `interval_bytes` of a file with the offset.
  void on_progress(std::uint64_t interval_bytes, std::function<void(std::uint64_t)> callback);

 private:
  bool fill(std::size_t count);
  std::uint64_t length_or_special(bool& special);
  std::string_view special_string(std::uint8_t form);
  std::string_view compressed_string();

  const io::File* file_ = nullptr;
  bool checksum_ = false;
  std::uint64_t size_ = 0;
  std::uint64_t window_offset_ = 0;  // in the file, of the window's first byte
  std::string buffer_;               // of a file
  std::string_view window_;
  std::size_t position_ = 0;
  std::size_t summed_ = 0;  // of the window, how much is in crc_
  std::uint64_t crc_ = 0;
  std::string plain_;  // a decompressed string
  bool ok_ = true;
  std::string why_;
  int code_ = 0;
  std::uint64_t failed_at_ = 0;

  static constexpr std::size_t kReadBytes = std::size_t{1} << 20;
  std::size_t read_bytes_ = kReadBytes;
  std::uint64_t progress_interval_bytes_ = 0;
  std::uint64_t next_progress_ = 0;
  std::function<void(std::uint64_t)> progress_;
};

}  // namespace engine::rdb
