// Reads an append only file item by item: commands and annotation lines, with their offsets.
//
// Memory   A window of the file, as large as the largest item or as require() asks, never more than
//          the file itself.
// Errors   Only of reading the file. What is wrong with its content is an Item.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/io/file.h"

namespace engine::aof {

struct Item {
  enum class Kind {
    kCommand,
    kAnnotation,
    kEnd,        // nothing follows
    kCut,        // the file ends inside an item
    kBadFormat,  // neither a command nor an annotation
  };
  Kind kind = Kind::kEnd;
  std::uint64_t begin = 0;                 // file offset of its first byte
  std::uint64_t end = 0;                   // one past its last
  std::span<const std::string_view> argv;  // of a command, never empty
  std::string_view line;                   // of an annotation, without its line end
};

class CommandReader {
 public:
  // Reads `file` from `offset` to `size`, whatever is appended in the meantime. Borrows `file`.
  CommandReader(const io::File& file, std::uint64_t offset, std::uint64_t size);

  // The views in the item live until the next call. After kCut and kBadFormat it stays there.
  Result<Item> next();

  // The next `count` bytes after the last item, unparsed; shorter at the end of the file. Does not
  // advance.
  Result<std::string_view> peek(std::uint64_t count);

  std::uint64_t offset() const { return window_offset_ + position_; }

 private:
  enum class Parse { kDone, kMore, kCut, kBad };
  // Parses an item at `position_`. kMore: the window ends inside it, which is at least `needed`
  // bytes long; kCut: the file does.
  Parse parse(Item& item, std::size_t& needed);
  Parse parse_number(std::size_t& at, char prefix, std::uint64_t& value) const;
  // Makes at least `count` bytes from position_ on part of the window, if the file has them.
  Status fill(std::size_t count);
  bool at_file_end() const { return window_offset_ + window_.size() == size_; }

  const io::File& file_;
  std::uint64_t size_;
  std::uint64_t window_offset_;  // in the file
  std::string window_;
  std::size_t position_ = 0;  // in the window
  std::vector<std::string_view> argv_;
};

}  // namespace engine::aof
