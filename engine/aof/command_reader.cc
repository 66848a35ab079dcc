#include "engine/aof/command_reader.h"

#include <algorithm>
#include <cstring>

#include "engine/aof/aof_format.h"

namespace engine::aof {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr std::size_t kNumberDigitsMax = 18;

}  // namespace

CommandReader::CommandReader(const io::File& file, std::uint64_t offset, std::uint64_t size)
    : file_(file), size_(std::max(offset, size)), window_offset_(offset) {}

Status CommandReader::fill(std::size_t count) {
  const std::size_t have = window_.size() - position_;
  if (have >= count || at_file_end()) {
    return {};
  }
  window_.erase(0, position_);
  window_offset_ += position_;
  position_ = 0;
  const std::uint64_t left = size_ - window_offset_ - have;
  const std::size_t wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(left, std::max(count - have, kReadBytes)));
  window_.resize(have + wanted);
  const Result<std::size_t> got =
      file_.read_at(window_offset_ + have, std::span(window_).subspan(have));
  if (!got) {
    return tl::unexpected(got.error());
  }
  window_.resize(have + *got);
  if (*got < wanted) {
    size_ = window_offset_ + window_.size();  // it has been cut meanwhile
  }
  return {};
}

Result<std::string_view> CommandReader::peek(std::uint64_t count) {
  const std::uint64_t left = size_ - offset();
  const std::size_t wanted = static_cast<std::size_t>(std::min(count, left));
  if (const Status filled = fill(wanted); !filled) {
    return tl::unexpected(filled.error());
  }
  return std::string_view(window_).substr(position_, wanted);
}

CommandReader::Parse CommandReader::parse_number(std::size_t& at, char prefix,
                                                 std::uint64_t& value) const {
  const std::string_view rest = std::string_view(window_).substr(at);
  if (rest.empty()) {
    return Parse::kMore;
  }
  if (rest[0] != prefix) {
    return Parse::kBad;
  }
  std::size_t i = 1;
  value = 0;
  while (i < rest.size() && rest[i] >= '0' && rest[i] <= '9') {
    if (i > kNumberDigitsMax) {
      return Parse::kBad;
    }
    value = value * 10 + static_cast<std::uint64_t>(rest[i] - '0');
    ++i;
  }
  if (i == rest.size()) {
    return Parse::kMore;
  }
  if (i == 1 || rest[i] != '\r') {
    return Parse::kBad;
  }
  if (i + 1 == rest.size()) {
    return Parse::kMore;
  }
  if (rest[i + 1] != '\n') {
    return Parse::kBad;
  }
  at += i + 2;
  return Parse::kDone;
}

// Sizes are claims of the file: one that leads beyond its end is a cut, found without reading that
// far.
CommandReader::Parse CommandReader::parse(Item& item, std::size_t& needed) {
  const std::string_view window = window_;
  std::size_t at = position_;
  needed = window.size() - position_ + 1;
  if (window[at] == '#') {
    const std::string_view rest = window.substr(at, kAnnotationBytesMax);
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
      return rest.size() == kAnnotationBytesMax ? Parse::kBad : Parse::kMore;
    }
    item.kind = Item::Kind::kAnnotation;
    item.line = rest.substr(0, end);
    if (item.line.ends_with('\r')) {
      item.line.remove_suffix(1);
    }
    position_ = at + end + 1;
    return Parse::kDone;
  }

  std::uint64_t count = 0;
  if (const Parse result = parse_number(at, '*', count); result != Parse::kDone) {
    return result;
  }
  if (count == 0) {
    return Parse::kBad;
  }
  argv_.clear();
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t size = 0;
    if (const Parse result = parse_number(at, '$', size); result != Parse::kDone) {
      return result;
    }
    if (window.size() - at < size + 2) {
      if (size + 2 > size_ - (window_offset_ + at)) {
        return Parse::kCut;
      }
      needed = at - position_ + size + 2;
      return Parse::kMore;
    }
    argv_.push_back(window.substr(at, size));
    at += size;
    if (window[at] != '\r' || window[at + 1] != '\n') {
      return Parse::kBad;
    }
    at += 2;
  }
  item.kind = Item::Kind::kCommand;
  item.argv = argv_;
  position_ = at;
  return Parse::kDone;
}

Result<Item> CommandReader::next() {
  std::size_t needed = 1;
  for (;;) {
    if (const Status filled = fill(needed); !filled) {
      return tl::unexpected(filled.error());
    }
    Item item;
    item.begin = offset();
    if (position_ == window_.size()) {
      item.end = item.begin;
      return item;
    }
    Item cut;
    cut.kind = Item::Kind::kCut;
    cut.begin = item.begin;
    cut.end = size_;
    switch (parse(item, needed)) {
      case Parse::kDone:
        item.end = offset();
        return item;
      case Parse::kBad:
        item.kind = Item::Kind::kBadFormat;
        item.end = item.begin;
        return item;
      case Parse::kCut:
        return cut;
      case Parse::kMore:
        if (at_file_end()) {
          return cut;
        }
        // At least twice what was parsed without success, so that a large item is not parsed too
        // often.
        needed = std::max(needed, 2 * (window_.size() - position_));
        break;
    }
  }
}

}  // namespace engine::aof
