#include "engine/server/network/poller.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>

#include "engine/base/text.h"

namespace engine::server {
namespace {

epoll_event event_for(std::uint32_t events, EventHandler& handler) {
  epoll_event event = {};
  event.events = events;
  event.data.ptr = &handler;
  return event;
}

}  // namespace

Poller::Poller() : epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)) {
  ENGINE_CHECK(epoll_fd_ >= 0);
}

Poller::~Poller() {
  static_cast<void>(::close(epoll_fd_));
}

Status Poller::add(int fd, std::uint32_t events, EventHandler& handler) {
  epoll_event event = event_for(events, handler);
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
    return fail(std::string("epoll_ctl: ") + error_text(errno), errno);
  }
  return {};
}

void Poller::change(int fd, std::uint32_t events, EventHandler& handler) {
  epoll_event event = event_for(events, handler);
  ENGINE_CHECK(::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0, fd, errno);
}

void Poller::remove(int fd) {
  ENGINE_CHECK(::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr) == 0, fd, errno);
}

int Poller::poll(int timeout_ms) {
  const int count = ::epoll_wait(epoll_fd_, ready_.data(), kEventsMax, timeout_ms);
  ENGINE_CHECK(count >= 0 || errno == EINTR, errno);
  return std::max(count, 0);
}

void Poller::wait(int timeout_ms) {
  using Clock = std::chrono::steady_clock;
  ready_count_ = poll(0);
  if (ready_count_ > 0 || timeout_ms == 0) {
    return;
  }
  const auto begin = Clock::now();
  while (stays_awake_ && ready_count_ == 0 && Clock::now() - begin < kAwake) {
    ready_count_ = poll(0);
  }
  if (ready_count_ == 0) {
    ready_count_ = poll(timeout_ms);
    stays_awake_ = Clock::now() - begin < kAwake;
  }
}

void Poller::dispatch() {
  // A copy of the count: a handler that serves a nested turn (while loading) must not be followed
  // by events of that turn.
  const int count = std::exchange(ready_count_, 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready_[static_cast<std::size_t>(i)];
    static_cast<EventHandler*>(event.data.ptr)->on_ready(event.events);
  }
}

}  // namespace engine::server
