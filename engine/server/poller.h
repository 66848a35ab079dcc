// Waits for readiness of file descriptors: epoll, level-triggered.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "engine/base/result.h"

namespace engine::server {

class EventHandler {
 public:
  virtual ~EventHandler() = default;
  // `events`: EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR as epoll_wait reported them.
  virtual void on_ready(std::uint32_t events) = 0;
};

class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // `handler` must live until remove(), and until the dispatch() of the turn of remove() is over.
  Status add(int fd, std::uint32_t events, EventHandler& handler);
  void change(int fd, std::uint32_t events, EventHandler& handler);
  void remove(int fd);

  // Waits until something is ready, a signal arrives or the time is over (-1: never).
  void wait(int timeout_ms);
  // Calls the handlers of what wait() found. Handlers may add, change and remove.
  void dispatch();

 private:
  static constexpr int kEventsMax = 1024;

  int epoll_fd_;
  int ready_count_ = 0;
  std::array<epoll_event, kEventsMax> ready_;
};

}  // namespace engine::server
