#include "harness/trace/event_list.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/trace/spill_file.h"

namespace crashpoint::trace {
namespace {

static_assert(std::is_trivially_copyable_v<Event> && std::is_trivially_destructible_v<Event>);

constexpr std::size_t kBytesMin = std::size_t{64} << 10;
constexpr std::size_t kStepMax = std::size_t{64} << 20;

[[noreturn]] void no_room(std::size_t bytes) {
  throw EnvironmentError(
      fmt::format("no room for {} bytes of recorded events: {}", bytes, error_text(errno)));
}

}  // namespace

EventList::EventList(std::uint64_t memory_bytes, std::string spill_directory)
    : memory_bytes_(memory_bytes), spill_directory_(std::move(spill_directory)) {}

EventList::EventList(std::initializer_list<Event> events) {
  for (const Event& event : events) {
    push_back(event);
  }
}

EventList::EventList(const EventList& other) {
  for (const Event& event : other) {
    push_back(event);
  }
}

EventList::EventList(EventList&& other) noexcept
    : events_(std::exchange(other.events_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_bytes_(std::exchange(other.mapped_bytes_, 0)),
      file_(std::exchange(other.file_, -1)),
      memory_bytes_(other.memory_bytes_),
      spill_directory_(std::move(other.spill_directory_)) {}

EventList& EventList::operator=(EventList other) noexcept {
  std::swap(events_, other.events_);
  std::swap(size_, other.size_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  std::swap(file_, other.file_);
  std::swap(memory_bytes_, other.memory_bytes_);
  std::swap(spill_directory_, other.spill_directory_);
  return *this;
}

EventList::~EventList() {
  if (events_ != nullptr) {
    ::munmap(events_, mapped_bytes_);
  }
  if (file_ >= 0) {
    ::close(file_);
  }
}

Event& EventList::push_back(const Event& event) {
  if ((size_ + 1) * sizeof(Event) > mapped_bytes_) {
    const Event kept = event;  // it may be one of ours
    grow();
    return *::new (&events_[size_++]) Event(kept);
  }
  return *::new (&events_[size_++]) Event(event);
}

void EventList::grow() {
  const std::size_t bytes = mapped_bytes_ + std::clamp(mapped_bytes_, kBytesMin, kStepMax);
  if (file_ < 0 && bytes > memory_bytes_) {
    spill(bytes);
    return;
  }
  // Allocated now: a hole that cannot be filled later would be a SIGBUS.
  if (file_ >= 0 && (errno = ::posix_fallocate(file_, 0, static_cast<off_t>(bytes))) != 0) {
    no_room(bytes);
  }
  void* const memory = events_ == nullptr
                           ? ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                           : ::mremap(events_, mapped_bytes_, bytes, MREMAP_MAYMOVE);
  if (memory == MAP_FAILED) {
    no_room(bytes);
  }
  events_ = static_cast<Event*>(memory);
  mapped_bytes_ = bytes;
}

// From memory to a file.
void EventList::spill(std::size_t bytes) {
  file_ = open_spill_file(spill_directory_);
  if ((errno = ::posix_fallocate(file_, 0, static_cast<off_t>(bytes))) != 0) {
    no_room(bytes);
  }
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
  if (memory == MAP_FAILED) {
    no_room(bytes);
  }
  if (events_ != nullptr) {
    std::memcpy(memory, static_cast<const void*>(events_), size_ * sizeof(Event));
    ::munmap(events_, mapped_bytes_);
  }
  events_ = static_cast<Event*>(memory);
  mapped_bytes_ = bytes;
}

}  // namespace crashpoint::trace
