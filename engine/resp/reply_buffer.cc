#include "engine/resp/reply_buffer.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace engine::resp {

ReplyBuffer::~ReplyBuffer() {
  std::free(bytes_);
}

void ReplyBuffer::make_room(std::size_t count) {
  const std::size_t held = size();
  if (begin_ > 0 && capacity_ - held >= count && begin_ >= held) {
    // At least as much was sent as is left: moving the rest costs less than a larger block.
    std::memmove(bytes_, bytes_ + begin_, held);
  } else {
    constexpr std::size_t kFirstBytes = 1024;
    const std::size_t capacity = std::max({kFirstBytes, 2 * capacity_, held + count});
    char* moved = static_cast<char*>(std::malloc(capacity));
    if (moved == nullptr) {
      throw std::bad_alloc();
    }
    if (held > 0) {
      std::memcpy(moved, bytes_ + begin_, held);
    }
    std::free(bytes_);
    bytes_ = moved;
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = held;
}

void ReplyBuffer::insert(std::size_t at, std::string_view bytes) {
  ENGINE_CHECK(at <= size(), at, size());
  grow(bytes.size());
  char* const where = bytes_ + begin_ + at;
  std::memmove(where + bytes.size(), where, size() - at);
  std::memcpy(where, bytes.data(), bytes.size());
  end_ += bytes.size();
}

void ReplyBuffer::consume(std::size_t count) {
  ENGINE_CHECK(count <= size(), count, size());
  begin_ += count;
  if (begin_ == end_) {
    clear();
  }
}

void ReplyBuffer::shrink(std::size_t keep_bytes) {
  if (empty() && capacity_ > keep_bytes) {
    std::free(bytes_);
    bytes_ = nullptr;
    begin_ = end_ = capacity_ = 0;
  }
}

}  // namespace engine::resp
