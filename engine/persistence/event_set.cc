#include "engine/persistence/event_set.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/check.h"

namespace engine::persistence {

EventSet::EventSet()
    : epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)),
      signal_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  ENGINE_CHECK(epoll_fd_ >= 0 && signal_fd_ >= 0);
  add(signal_fd_);
}

EventSet::~EventSet() {
  static_cast<void>(::close(signal_fd_));
  static_cast<void>(::close(epoll_fd_));
}

void EventSet::drain() const {
  std::uint64_t count = 0;
  static_cast<void>(::read(signal_fd_, &count, sizeof(count)) == 0);
}

void EventSet::add(int fd) const {
  if (fd < 0) {
    return;
  }
  epoll_event event = {};
  event.events = EPOLLIN;
  event.data.fd = fd;
  ENGINE_CHECK(::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0);
}

}  // namespace engine::persistence
