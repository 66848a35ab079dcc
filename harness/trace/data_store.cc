#include "harness/trace/data_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/trace/spill_file.h"

namespace crashpoint::trace {
namespace {

// A multiple of every page size. A new segment costs one mmap, and address space until touched.
constexpr std::size_t kSegmentSize = std::size_t{16} << 20;

}  // namespace

SegmentStore::SegmentStore(std::uint64_t memory_bytes, std::string spill_directory)
    : memory_bytes_(memory_bytes), spill_directory_(std::move(spill_directory)) {}

SegmentStore::SegmentStore(const Named& file)
    : memory_bytes_(0),
      file_(::open(file.path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
  if (file_ < 0) {
    throw EnvironmentError(
        fmt::format("cannot write the trace's data to {}: {}", file.path, error_text(errno)));
  }
}

SegmentStore::~SegmentStore() {
  for (const Segment& segment : segments_) {
    ::munmap(segment.memory, segment.size);
  }
  if (file_ >= 0) {
    // A named file ends where its data ends; on failure it ends in NULs, which readers permit.
    const std::uint64_t end =
        segments_.empty() || !segments_.back().in_file ? 0 : segments_.back().start + used_;
    (void)!::ftruncate(file_, static_cast<off_t>(end));
    ::close(file_);
  }
}

DataRef SegmentStore::append(std::span<const std::byte> bytes) {
  std::byte* const room = reserve(bytes.size());
  std::copy(bytes.begin(), bytes.end(), room);
  return commit(bytes.size());
}

std::string_view SegmentStore::view(DataRef ref) const {
  if (ref.size == 0) {
    return {};
  }
  const auto after =
      std::upper_bound(segments_.begin(), segments_.end(), ref.offset,
                       [](std::uint64_t offset, const Segment& s) { return offset < s.start; });
  const Segment& segment = *std::prev(after);
  return {reinterpret_cast<const char*>(segment.memory) + (ref.offset - segment.start), ref.size};
}

std::byte* SegmentStore::reserve(std::size_t size) {
  if (segments_.empty() || segments_.back().size - used_ < size) {
    add_segment(size);
  }
  return segments_.back().memory + used_;
}

DataRef SegmentStore::commit(std::size_t used) {
  const DataRef ref{segments_.back().start + used_, used};
  used_ += used;
  return ref;
}

void SegmentStore::add_segment(std::size_t size_min) {
  Segment segment;
  segment.size =
      (std::max<std::size_t>(size_min, 1) + kSegmentSize - 1) / kSegmentSize * kSegmentSize;
  segment.start = segments_.empty() ? 0 : segments_.back().start + segments_.back().size;
  segment.in_file = file_ >= 0 || segment.start + segment.size > memory_bytes_;
  if (segment.in_file && file_ < 0) {
    file_ = open_spill_file(spill_directory_);
  }
  void* memory = MAP_FAILED;
  if (segment.in_file) {
    // Allocated now: a hole that cannot be filled later would be a SIGBUS.
    const int error =
        ::posix_fallocate(file_, static_cast<off_t>(file_size_), static_cast<off_t>(segment.size));
    if (error != 0) {
      throw EnvironmentError(fmt::format("no room for {} more bytes of recorded data: {}",
                                         segment.size, error_text(error)));
    }
    memory = ::mmap(nullptr, segment.size, PROT_READ | PROT_WRITE, MAP_SHARED, file_,
                    static_cast<off_t>(file_size_));
    file_size_ += segment.size;
  } else {
    memory = ::mmap(nullptr, segment.size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  }
  if (memory == MAP_FAILED) {
    throw EnvironmentError(fmt::format("no memory for {} bytes of recorded data: {}", segment.size,
                                       error_text(errno)));
  }
  segment.memory = static_cast<std::byte*>(memory);
  segments_.push_back(segment);
  used_ = 0;
}

}  // namespace crashpoint::trace
