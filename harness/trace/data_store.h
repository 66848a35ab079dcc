// The one implementation of DataStore: segments of memory, and past a bound segments of a mapped
// file, which the kernel writes out when memory is short.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/trace/trace.h"

namespace crashpoint::trace {

class SegmentStore : public DataStore {
 public:
  // Up to `memory_bytes` stay in memory; the rest goes to an unlinked file in `spill_directory`
  // (empty: $TMPDIR, or /tmp).
  explicit SegmentStore(std::uint64_t memory_bytes = std::uint64_t{256} << 20,
                        std::string spill_directory = {});

  // All of it in the file at `path`, replaced if it exists, at the offsets of the DataRefs. What
  // was appended is in the file even if this process is killed; the file may then end in NULs.
  struct Named {
    std::string path;
  };
  explicit SegmentStore(const Named& file);

  ~SegmentStore() override;
  SegmentStore(const SegmentStore&) = delete;
  SegmentStore& operator=(const SegmentStore&) = delete;

  // Throws EnvironmentError when there is no room for more.
  DataRef append(std::span<const std::byte> bytes) override;
  [[nodiscard]] std::string_view view(DataRef ref) const override;

  // To fill in place: reserve() gives room for `size` bytes, commit() keeps the first `used` of
  // them. Nothing else may be appended in between.
  std::byte* reserve(std::size_t size);
  DataRef commit(std::size_t used);

 private:
  struct Segment {
    std::uint64_t start = 0;  // as in DataRef::offset
    std::uint64_t size = 0;
    std::byte* memory = nullptr;
    bool in_file = false;
  };
  void add_segment(std::size_t size_min);

  std::uint64_t memory_bytes_;
  std::string spill_directory_;
  int file_ = -1;
  std::uint64_t file_size_ = 0;
  std::vector<Segment> segments_;
  std::uint64_t used_ = 0;  // of the last segment
};

}  // namespace crashpoint::trace
