// The bytes of one file while operations are applied to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "harness/crash/selection.h"
#include "harness/crash/timeline.h"

namespace crashpoint::crash {

class FileAfterCrash {
 public:
  explicit FileAfterCrash(std::string bytes) : bytes_(std::move(bytes)), size_(bytes_.size()) {}

  // `data`: the bytes of a kData operation.
  void apply(const MicroOp& op, std::string_view data);

  // M29: an append's bytes are lost, and garbage or stale ones are there instead.
  void fill(const MicroOp& op, Choice choice);

  // M28: `op` belongs to the torn write, which began at `write_offset` and had `write_size` bytes.
  void apply_torn(const MicroOp& op, std::string_view data, const Tear& tear,
                  std::uint64_t write_offset, std::uint64_t write_size);

  // The file, without bytes that were written past its end.
  [[nodiscard]] std::string take();

 private:
  void put(std::uint64_t offset, std::string_view data);
  void fill(std::uint64_t from, std::uint64_t to, Choice choice);

  std::string bytes_;  // may be longer than the file (bytes whose size is lost), or shorter
  std::uint64_t size_ = 0;
};

}  // namespace crashpoint::crash
