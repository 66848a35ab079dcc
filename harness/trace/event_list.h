// The events of a trace: a vector that may grow to tens of millions without a copy of what it
// holds, and past a bound lies in an unlinked file, which the kernel writes out when memory is
// short. Contiguous: iterators are pointers, which growing and moving invalidates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <string>

#include "harness/trace/event.h"

namespace crashpoint::trace {

class EventList {
 public:
  using value_type = Event;
  using iterator = Event*;
  using const_iterator = const Event*;

  EventList() = default;
  // Past `memory_bytes` the events are kept in `spill_directory` (empty: $TMPDIR, or /tmp).
  EventList(std::uint64_t memory_bytes, std::string spill_directory);
  EventList(std::initializer_list<Event> events);
  EventList(const EventList& other);  // in memory
  EventList(EventList&& other) noexcept;
  EventList& operator=(EventList other) noexcept;
  ~EventList();

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  Event& operator[](std::size_t index) { return events_[index]; }
  const Event& operator[](std::size_t index) const { return events_[index]; }
  Event& front() { return events_[0]; }
  [[nodiscard]] const Event& front() const { return events_[0]; }
  Event& back() { return events_[size_ - 1]; }
  [[nodiscard]] const Event& back() const { return events_[size_ - 1]; }

  iterator begin() { return events_; }
  iterator end() { return events_ + size_; }
  [[nodiscard]] const_iterator begin() const { return events_; }
  [[nodiscard]] const_iterator end() const { return events_ + size_; }
  [[nodiscard]] auto rbegin() const { return std::make_reverse_iterator(end()); }
  [[nodiscard]] auto rend() const { return std::make_reverse_iterator(begin()); }

  // Throws EnvironmentError when there is no room for more.
  Event& push_back(const Event& event);
  Event& emplace_back() { return push_back({}); }
  // The events from the one at `index` on are gone.
  void truncate(std::size_t index) { size_ = index; }

 private:
  void grow();
  void spill(std::size_t bytes);

  Event* events_ = nullptr;
  std::size_t size_ = 0;
  std::size_t mapped_bytes_ = 0;
  int file_ = -1;
  std::uint64_t memory_bytes_ = std::numeric_limits<std::uint64_t>::max();
  std::string spill_directory_;
};

}  // namespace crashpoint::trace
