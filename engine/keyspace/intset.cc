#include "engine/keyspace/intset.h"

#include <array>
#include <cstring>
#include <limits>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/base/memory.h"

namespace engine::keyspace {
namespace {

constexpr std::array<unsigned char, Intset::kHeaderBytes> kEmpty = {2, 0, 0, 0, 0, 0, 0, 0};

template <typename Narrow>
bool fits(std::int64_t value) {
  return value >= std::numeric_limits<Narrow>::min() && value <= std::numeric_limits<Narrow>::max();
}

std::uint32_t width_of(std::int64_t value) {
  if (fits<std::int16_t>(value)) {
    return 2;
  }
  return fits<std::int32_t>(value) ? 4 : 8;
}

std::int64_t load(const unsigned char* from, std::uint32_t width) {
  switch (width) {
    case 2:
      return load_le<std::int16_t>(from);
    case 4:
      return load_le<std::int32_t>(from);
    default:
      return load_le<std::int64_t>(from);
  }
}

void store(unsigned char* to, std::uint32_t width, std::int64_t value) {
  switch (width) {
    case 2:
      store_le(to, static_cast<std::int16_t>(value));
      return;
    case 4:
      store_le(to, static_cast<std::int32_t>(value));
      return;
    default:
      store_le(to, value);
  }
}

}  // namespace

const unsigned char* Intset::bytes() const {
  return block_ == nullptr ? kEmpty.data() : block_;
}

Intset Intset::from_blob(std::string_view blob) {
  ENGINE_CHECK(blob.size() >= kHeaderBytes, blob.size());
  ENGINE_DCHECK(validate(blob));
  Intset copy;
  copy.block_ = static_cast<unsigned char*>(memory::allocate(blob.size()));
  std::memcpy(copy.block_, blob.data(), blob.size());
  return copy;
}

Intset::~Intset() {
  memory::release(block_);
}

Intset& Intset::operator=(Intset&& other) noexcept {
  std::swap(block_, other.block_);
  return *this;
}

bool Intset::validate(std::string_view blob) {
  if (blob.size() < kHeaderBytes) {
    return false;
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(blob.data());
  const auto width = load_le<std::uint32_t>(bytes);
  const std::size_t count = load_le<std::uint32_t>(bytes + 4);
  if ((width != 2 && width != 4 && width != 8) || blob.size() != kHeaderBytes + count * width) {
    return false;
  }
  for (std::size_t i = 1; i < count; ++i) {
    const unsigned char* const at = bytes + kHeaderBytes + i * width;
    if (load(at - width, width) >= load(at, width)) {
      return false;
    }
  }
  return true;
}

std::string_view Intset::blob() const {
  return {reinterpret_cast<const char*>(bytes()), kHeaderBytes + count() * width()};
}

std::uint32_t Intset::width() const {
  return load_le<std::uint32_t>(bytes());
}

std::size_t Intset::count() const {
  return load_le<std::uint32_t>(bytes() + 4);
}

std::int64_t Intset::at(std::size_t index) const {
  ENGINE_DCHECK(index < count(), index, count());
  const std::uint32_t width = this->width();
  return load(bytes() + kHeaderBytes + index * width, width);
}

void Intset::put(std::size_t index, std::int64_t value) {
  const std::uint32_t width = this->width();
  store(block_ + kHeaderBytes + index * width, width, value);
}

std::size_t Intset::lower_bound(std::int64_t value) const {
  std::size_t low = 0;
  std::size_t high = count();
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (at(middle) < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

bool Intset::contains(std::int64_t value) const {
  const std::size_t index = lower_bound(value);
  return index < count() && at(index) == value;
}

void Intset::grow(std::uint32_t width) {
  const std::size_t count = this->count();
  const std::uint32_t old_width = this->width();
  const std::size_t bytes_after = kHeaderBytes + (count + 1) * width;
  if (block_ == nullptr) {
    block_ = static_cast<unsigned char*>(memory::allocate(bytes_after));
    std::memcpy(block_, kEmpty.data(), kEmpty.size());
  } else if (bytes_after > memory::usable_size(block_)) {
    block_ = static_cast<unsigned char*>(memory::reallocate(block_, bytes_after + bytes_after / 8));
  }
  if (width != old_width) {
    for (std::size_t i = count; i-- > 0;) {
      store(block_ + kHeaderBytes + i * width, width,
            load(block_ + kHeaderBytes + i * old_width, old_width));
    }
    store_le(block_, width);
  }
}

bool Intset::insert(std::int64_t value) {
  const std::size_t index = lower_bound(value);
  const std::size_t count = this->count();
  if (index < count && at(index) == value) {
    return false;
  }
  grow(std::max(width(), width_of(value)));
  ENGINE_CHECK(kHeaderBytes + (count + 1) * width() <= memory::usable_size(block_), count, width());
  unsigned char* const where = block_ + kHeaderBytes + index * width();
  std::memmove(where + width(), where, (count - index) * width());
  put(index, value);
  store_le(block_ + 4, static_cast<std::uint32_t>(count + 1));
  return true;
}

bool Intset::erase(std::int64_t value) {
  const std::size_t index = lower_bound(value);
  const std::size_t count = this->count();
  if (index == count || at(index) != value) {
    return false;
  }
  unsigned char* const where = block_ + kHeaderBytes + index * width();
  std::memmove(where, where + width(), (count - index - 1) * width());
  store_le(block_ + 4, static_cast<std::uint32_t>(count - 1));
  const std::size_t bytes_after = kHeaderBytes + (count - 1) * width();
  if (bytes_after < memory::usable_size(block_) / 2) {
    block_ = static_cast<unsigned char*>(memory::reallocate(block_, bytes_after));
  }
  return true;
}

}  // namespace engine::keyspace
