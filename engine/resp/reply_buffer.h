// Bytes waiting to be sent to one client: appended at the end, consumed at the front.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

#include "engine/base/check.h"

namespace engine::resp {

class ReplyBuffer {
 public:
  ReplyBuffer() = default;
  ~ReplyBuffer();
  ReplyBuffer(const ReplyBuffer&) = delete;
  ReplyBuffer& operator=(const ReplyBuffer&) = delete;

  const char* data() const { return bytes_ + begin_; }
  std::size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  std::size_t capacity() const { return capacity_; }
  std::string_view view() const { return {data(), size()}; }

  void append(std::string_view bytes) {
    if (bytes.empty()) {
      return;
    }
    char* to = grow(bytes.size());
    std::memcpy(to, bytes.data(), bytes.size());
    end_ += bytes.size();
  }
  void push_back(char byte) {
    *grow(1) = byte;
    ++end_;
  }
  // Room for `count` more bytes: write there, then commit() what was written.
  char* grow(std::size_t count) {
    if (capacity_ - end_ < count) {
      make_room(count);
    }
    return bytes_ + end_;
  }
  void commit(std::size_t count) {
    ENGINE_CHECK(count <= capacity_ - end_, count, capacity_, end_);
    end_ += count;
  }

  // Puts bytes in before position `at` (0 <= at <= size()); what follows moves.
  void insert(std::size_t at, std::string_view bytes);
  // Drops everything from position `count` on.
  void truncate(std::size_t count) {
    ENGINE_CHECK(count <= size(), count, size());
    end_ = begin_ + count;
  }
  // Drops `count` bytes at the front (they were sent).
  void consume(std::size_t count);
  void clear() { begin_ = end_ = 0; }
  // Gives back memory of an empty buffer that has grown beyond `keep_bytes`.
  void shrink(std::size_t keep_bytes);

 private:
  void make_room(std::size_t count);

  char* bytes_ = nullptr;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace engine::resp
