#include "engine/rdb/input.h"

#include <fmt/format.h>
#include <liblzf/lzf.h>

#include <algorithm>
#include <limits>

#include "engine/base/bytes.h"
#include "engine/base/crc64.h"
#include "engine/base/text.h"
#include "engine/rdb/rdb_format.h"

namespace engine::rdb {
namespace {

// Three bytes of LZF decompress to at most 264: a larger claim is refused.
constexpr std::uint64_t kLzfRatioMax = 264 / 3 + 1;

// In redis-server's words, by which operators find it.
constexpr const char* kShortRead =
    "Short read or OOM loading DB. Unrecoverable error, aborting now: Unexpected EOF reading RDB "
    "file";

}  // namespace

Input::Input(std::string_view bytes) : size_(bytes.size()), window_(bytes) {}

Input::Input(const io::File& file, std::uint64_t size, bool checksum)
    : file_(&file), checksum_(checksum), size_(size) {}

void Input::on_progress(std::uint64_t interval_bytes, std::function<void(std::uint64_t)> callback) {
  progress_interval_bytes_ = interval_bytes;
  // The window moves at least once per interval, or a small file would be read without a call.
  read_bytes_ = static_cast<std::size_t>(std::min<std::uint64_t>(kReadBytes, interval_bytes));
  next_progress_ = interval_bytes;
  progress_ = std::move(callback);
}

void Input::fail(std::string why) {
  if (ok_) {
    ok_ = false;
    why_ = std::move(why);
    failed_at_ = offset();
  }
}

Error Input::error() const {
  const std::string where = file_ == nullptr ? "the payload" : file_->path();
  return Error{fmt::format("{}: {} (at byte {} of {})", where, why_, failed_at_, size_), code_};
}

std::uint64_t Input::crc() {
  if (checksum_) {
    ENGINE_CHECK(summed_ <= position_ && position_ <= window_.size(), summed_, position_);
    crc_ = crc64(crc_, window_.substr(summed_, position_ - summed_));
    summed_ = position_;
  }
  return crc_;
}

// Makes `count` bytes from the position on part of the window.
bool Input::fill(std::size_t count) {
  if (!ok_) {
    return false;
  }
  if (window_.size() - position_ >= count) {
    return true;
  }
  if (count > left()) {
    fail(kShortRead);
    return false;
  }
  static_cast<void>(crc());
  const std::size_t have = window_.size() - position_;
  window_offset_ += position_;
  buffer_.erase(0, position_);
  position_ = 0;
  summed_ = 0;
  // Memory is one window: only a file can have bytes beyond it.
  ENGINE_CHECK(file_ != nullptr && window_offset_ + have <= size_, window_offset_, have, size_);
  const std::uint64_t unread = size_ - window_offset_ - have;
  buffer_.resize(have + static_cast<std::size_t>(
                            std::min<std::uint64_t>(unread, std::max(count - have, read_bytes_))));
  const Result<std::size_t> got =
      file_->read_at(window_offset_ + have, std::span(buffer_).subspan(have));
  if (!got || have + *got < buffer_.size()) {
    window_ = {};
    code_ = got ? 0 : got.error().code;
    fail(got ? kShortRead : got.error().message);
    return false;
  }
  window_ = buffer_;
  if (progress_ && window_offset_ >= next_progress_) {
    next_progress_ = window_offset_ + progress_interval_bytes_;
    progress_(window_offset_);
  }
  return true;
}

std::uint8_t Input::byte() {
  if (position_ == window_.size() && !fill(1)) {
    return 0;
  }
  return static_cast<std::uint8_t>(window_[position_++]);
}

std::string_view Input::bytes(std::size_t count) {
  if (!fill(count)) {
    return {};
  }
  const std::string_view view = window_.substr(position_, count);
  position_ += count;
  return view;
}

template <typename T>
T Input::little_endian() {
  const std::string_view view = bytes(sizeof(T));
  return ok_ ? load_le<T>(view.data()) : T{};
}

template std::int8_t Input::little_endian();
template std::int16_t Input::little_endian();
template std::int32_t Input::little_endian();
template std::int64_t Input::little_endian();
template std::uint64_t Input::little_endian();
template double Input::little_endian();

// A length, or with `special` the low six bits that name a special form of a string.
std::uint64_t Input::length_or_special(bool& special) {
  const std::uint8_t first = byte();
  special = (first & kSpecial) == kSpecial;
  if (special) {
    return first & 0x3f;
  }
  if ((first & kSpecial) == 0) {
    return first;
  }
  std::size_t rest = 1;
  std::uint64_t value = 0;
  if ((first & kSpecial) == kLength14) {
    value = first & 0x3f;
  } else if (first == kLength32) {
    rest = 4;
  } else if (first == kLength64) {
    rest = 8;
  } else {
    fail(fmt::format("Unknown length encoding {} in rdbLoadLen()", first));
    return 0;
  }
  for (const char c : bytes(rest)) {
    value = (value << 8) | static_cast<unsigned char>(c);
  }
  return ok_ ? value : 0;
}

std::uint64_t Input::length() {
  bool special = false;
  const std::uint64_t value = length_or_special(special);
  if (special) {
    fail("a length was expected, not a string");
    return 0;
  }
  return value;
}

std::string_view Input::string() {
  bool special = false;
  const std::uint64_t value = length_or_special(special);
  if (special) {
    return special_string(static_cast<std::uint8_t>(value));
  }
  return bytes(value);
}

std::string_view Input::special_string(std::uint8_t form) {
  std::int64_t integer = 0;
  switch (form) {
    case kInt8:
      integer = little_endian<std::int8_t>();  // NOLINT(bugprone-signed-char-misuse): signed
      break;
    case kInt16:
      integer = little_endian<std::int16_t>();
      break;
    case kInt32:
      integer = little_endian<std::int32_t>();
      break;
    case kLzf:
      return compressed_string();
    default:
      fail(fmt::format("Unknown RDB string encoding type {}", form));
      return {};
  }
  if (!ok_) {
    return {};
  }
  plain_ = Digits(integer).view();
  return plain_;
}

// Both sizes are claims of the file: they are checked before memory is taken for them.
std::string_view Input::compressed_string() {
  const std::uint64_t compressed_size = length();
  const std::uint64_t plain_size = length();
  if (!ok_) {
    return {};
  }
  if (plain_size == 0 || plain_size > std::numeric_limits<unsigned int>::max() ||
      compressed_size > std::numeric_limits<unsigned int>::max() ||
      plain_size / kLzfRatioMax > compressed_size) {
    fail("Invalid LZF compressed string");
    return {};
  }
  const std::string_view compressed = bytes(compressed_size);
  if (!ok_) {
    return {};
  }
  plain_.resize(plain_size);
  const unsigned int size =
      lzf_decompress(compressed.data(), static_cast<unsigned int>(compressed_size), plain_.data(),
                     static_cast<unsigned int>(plain_size));
  if (size != plain_size) {
    fail("Invalid LZF compressed string");
    return {};
  }
  return plain_;
}

}  // namespace engine::rdb
