#include "engine/rdb/ziplist.h"

#include <cstddef>
#include <cstdint>

#include "engine/base/bytes.h"

namespace engine::rdb {
namespace {

constexpr unsigned char kEnd = 0xff;
constexpr unsigned char kBig = 0xfe;  // a size of 4 bytes follows
constexpr std::size_t kZiplistHeaderBytes = 10;

// Reads bytes from the front of a blob; a short read is remembered and gives zeros.
class Cursor {
 public:
  explicit Cursor(std::string_view rest) : rest_(rest) {}

  bool ok() const { return ok_; }
  std::size_t left() const { return rest_.size(); }

  std::string_view take(std::size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  unsigned char byte() {
    const std::string_view one = take(1);
    return one.empty() ? '\0' : static_cast<unsigned char>(one[0]);
  }
  template <typename T>
  T number() {
    const std::string_view bytes = take(sizeof(T));
    return bytes.empty() ? T{} : load_le<T>(bytes.data());
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::int64_t int24(Cursor& cursor) {
  const std::string_view bytes = cursor.take(3);
  if (bytes.empty()) {
    return 0;
  }
  unsigned char padded[4] = {};
  for (std::size_t i = 0; i < 3; ++i) {
    padded[i + 1] = static_cast<unsigned char>(bytes[i]);
  }
  return load_le<std::int32_t>(padded) >> 8;
}

// The element after its encoding byte. Sets `ok` to false for an encoding that does not exist.
keyspace::Element element(Cursor& cursor, bool& ok) {
  const unsigned char encoding = cursor.byte();
  switch (encoding >> 6) {
    case 0:
      return cursor.take(encoding & 0x3f);
    case 1: {
      const std::size_t high = encoding & 0x3f;
      return cursor.take((high << 8) | cursor.byte());
    }
    case 2: {
      std::size_t size = 0;
      for (int i = 0; i < 4; ++i) {
        size = (size << 8) | cursor.byte();
      }
      ok = ok && encoding == 0x80;
      return cursor.take(size);
    }
    default:
      break;
  }
  switch (encoding) {
    case 0xc0:
      return keyspace::Element(std::int64_t{cursor.number<std::int16_t>()});
    case 0xd0:
      return keyspace::Element(std::int64_t{cursor.number<std::int32_t>()});
    case 0xe0:
      return keyspace::Element(cursor.number<std::int64_t>());
    case 0xf0:
      return keyspace::Element(int24(cursor));
    case 0xfe:
      return keyspace::Element(std::int64_t{cursor.number<std::int8_t>()});
    default:
      ok = ok && encoding >= 0xf1 && encoding <= 0xfd;
      return keyspace::Element(std::int64_t{(encoding & 0x0f) - 1});
  }
}

std::size_t zipmap_size(Cursor& cursor, unsigned char first) {
  return first == kBig ? cursor.number<std::uint32_t>() : first;
}

}  // namespace

bool for_each_in_ziplist(std::string_view blob,
                         const std::function<void(const keyspace::Element&)>& fn) {
  if (blob.size() <= kZiplistHeaderBytes || load_le<std::uint32_t>(blob.data()) != blob.size() ||
      static_cast<unsigned char>(blob.back()) != kEnd) {
    return false;
  }
  const std::uint16_t declared = load_le<std::uint16_t>(blob.data() + 8);
  Cursor cursor(blob.substr(kZiplistHeaderBytes, blob.size() - kZiplistHeaderBytes - 1));
  std::size_t count = 0;
  while (cursor.left() > 0) {
    if (cursor.byte() == kBig) {
      static_cast<void>(cursor.number<std::uint32_t>());
    }
    bool ok = true;
    const keyspace::Element read = element(cursor, ok);
    if (!ok || !cursor.ok()) {
      return false;
    }
    fn(read);
    ++count;
  }
  return declared == UINT16_MAX || declared == count;
}

bool for_each_in_zipmap(
    std::string_view blob,
    const std::function<void(std::string_view field, std::string_view value)>& fn) {
  if (blob.size() < 2) {
    return false;
  }
  const auto declared = static_cast<unsigned char>(blob[0]);
  Cursor cursor(blob.substr(1));
  std::size_t count = 0;
  for (;;) {
    const unsigned char first = cursor.byte();
    if (!cursor.ok()) {
      return false;
    }
    if (first == kEnd) {
      break;
    }
    const std::string_view field = cursor.take(zipmap_size(cursor, first));
    const std::size_t value_size = zipmap_size(cursor, cursor.byte());
    const std::size_t free = cursor.byte();
    const std::string_view value = cursor.take(value_size);
    static_cast<void>(cursor.take(free));
    if (!cursor.ok()) {
      return false;
    }
    fn(field, value);
    ++count;
  }
  return cursor.left() == 0 && (declared >= kBig || declared == count);
}

}  // namespace engine::rdb
