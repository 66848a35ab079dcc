// Sockets that accept clients.
//
// Errors are worded for the log, as redis-server words them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/server/network/poller.h"

namespace engine::server {

// A new client: the callback owns `fd` (non-blocking, close-on-exec).
struct Accepted {
  int fd = -1;
  bool is_unix = false;
  bool is_loopback = false;   // from this machine (always, for a Unix socket)
  std::string address;        // "127.0.0.1:50001", "[::1]:50001"; "/path:0" for a Unix socket
  std::string local_address;  // the server's end, in the same form
};
using OnAccept = std::function<void(Accepted)>;

class Listener final : public EventHandler {
 public:
  // Addresses as in `bind`: "*", "127.0.0.1", "::1", "-::1" (a leading '-': may be missing on this
  // machine). At least one must be bound. No addresses: none.
  static Result<std::vector<std::unique_ptr<Listener>>> listen_tcp(
      const std::vector<std::string>& addresses, int port, int backlog, const OnAccept& on_accept);
  // Removes a socket file that is there already. `mode`: permissions, 0: as umask has it.
  static Result<std::unique_ptr<Listener>> listen_unix(const std::string& path, unsigned mode,
                                                       int backlog, OnAccept on_accept);
  ~Listener() override;  // a socket file stays
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int fd() const { return fd_; }
  void on_ready(std::uint32_t events) override;

 private:
  Listener(int fd, std::string unix_path, OnAccept on_accept)
      : fd_(fd), unix_path_(std::move(unix_path)), on_accept_(std::move(on_accept)) {}

  int fd_;
  std::string unix_path_;
  OnAccept on_accept_;
};

}  // namespace engine::server
