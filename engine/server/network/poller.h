// Waits for readiness of file descriptors: epoll, level-triggered.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
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
  // Sleeping and being woken costs the server, and the client that wakes it, more than most
  // requests do. So if something arrived this soon after the last sleep began, the loop first polls
  // for this long before the next sleep. If nothing arrives in that time, it sleeps at once from
  // then on.
  static constexpr std::chrono::microseconds kAwake{50};

  int poll(int timeout_ms);

  int epoll_fd_;
  bool stays_awake_ = false;
  int ready_count_ = 0;
  std::array<epoll_event, kEventsMax> ready_{};
};

}  // namespace engine::server
