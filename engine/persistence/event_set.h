// One descriptor that is readable whenever any of several is: what the server's loop waits on.
#pragma once

#include <cstdint>

namespace engine::persistence {

class EventSet {
 public:
  EventSet();  // aborts if the kernel has no descriptors left: the engine cannot start then
  ~EventSet();
  EventSet(const EventSet&) = delete;
  EventSet& operator=(const EventSet&) = delete;

  int fd() const { return epoll_fd_; }
  // An eventfd of the set, for other threads to signal; drain() resets it.
  int signal_fd() const { return signal_fd_; }
  void drain() const;

  // A negative descriptor is ignored. Closing one removes it.
  void add(int fd) const;

 private:
  int epoll_fd_;
  int signal_fd_;
};

}  // namespace engine::persistence
