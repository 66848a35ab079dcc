#include "engine/server/network/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "engine/base/text.h"

namespace engine::server {
namespace {

constexpr int kAcceptsPerTurnMax = 1000;

struct SocketCloser {
  int fd = -1;
  ~SocketCloser() {
    if (fd >= 0) {
      static_cast<void>(::close(fd));
    }
  }
  int release() { return std::exchange(fd, -1); }
};

std::string describe(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text = {};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  return fmt::format("[{}]:{}", text.data(), ntohs(v6.sin6_port));
}

bool is_loopback(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return (ntohl(v4.sin_addr.s_addr) >> 24) == 127;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
         (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && v6.sin6_addr.s6_addr[12] == 127);
}

Result<int> bind_one(const addrinfo& info, int backlog) {
  SocketCloser socket{::socket(info.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (socket.fd < 0) {
    return fail(fmt::format("socket: {}", error_text(errno)), errno);
  }
  constexpr int kOn = 1;
  if (info.ai_family == AF_INET6) {
    ::setsockopt(socket.fd, IPPROTO_IPV6, IPV6_V6ONLY, &kOn, sizeof(kOn));
  }
  ::setsockopt(socket.fd, SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof(kOn));
  if (::bind(socket.fd, info.ai_addr, info.ai_addrlen) != 0) {
    return fail(fmt::format("bind: {}", error_text(errno)), errno);
  }
  if (::listen(socket.fd, backlog) != 0) {
    return fail(fmt::format("listen: {}", error_text(errno)), errno);
  }
  return socket.release();
}

Result<int> bind_tcp(const std::string& address, int port, int backlog) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  const bool any = address == "*" || address == "::*";
  hints.ai_family = address == "*" ? AF_INET : (any ? AF_INET6 : AF_UNSPEC);
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(any ? nullptr : address.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    return fail(::gai_strerror(error), ENOENT);
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> guard(found, &::freeaddrinfo);
  return bind_one(*found, backlog);
}

// An address that this machine does not have, or of a family that it does not speak.
bool means_not_there(int error) {
  return error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == ENOPROTOOPT ||
         error == ENOTSUP || error == EPFNOSUPPORT || error == EPROTONOSUPPORT ||
         error == ESOCKTNOSUPPORT || error == ENOENT;
}

// A socket file on which no process listens any more: what a crashed server leaves. One that
// is in use stays, so that a second server does not make the first one unreachable.
bool is_stale_socket(const sockaddr_un& address) {
  struct stat status = {};
  if (::lstat(address.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) {
    return false;
  }
  const SocketCloser probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  return ::connect(probe.fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
         errno == ECONNREFUSED;
}

// Out of file descriptors, a waiting client would be reported ready forever: it is accepted with
// this one, and closed.
class SpareDescriptor {
 public:
  void refuse_one(int listener_fd) {
    static_cast<void>(::close(fd_));
    const int refused = ::accept4(listener_fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (refused >= 0) {
      static_cast<void>(::close(refused));
    }
    fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  }

 private:
  int fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
};
SpareDescriptor g_spare;

}  // namespace

Result<std::vector<std::unique_ptr<Listener>>> Listener::listen_tcp(
    const std::vector<std::string>& addresses, int port, int backlog, const OnAccept& on_accept) {
  std::vector<std::unique_ptr<Listener>> listeners;
  for (const std::string& given : addresses) {
    const bool optional = given.starts_with('-');
    const std::string address = optional ? given.substr(1) : given;
    auto fd = bind_tcp(address, port, backlog);
    if (!fd) {
      if (optional && means_not_there(fd.error().code)) {
        continue;
      }
      return fail(fmt::format("Could not create server TCP listening socket {}:{}: {}", address,
                              port, fd.error().message),
                  fd.error().code);
    }
    listeners.push_back(std::unique_ptr<Listener>(new Listener(*fd, {}, on_accept)));
  }
  return listeners;
}

Result<std::unique_ptr<Listener>> Listener::listen_unix(const std::string& path, unsigned mode,
                                                        int backlog, OnAccept on_accept) {
  const auto failure = [](std::string_view step) {
    return fail(fmt::format("Failed opening Unix socket: {}: {}", step, error_text(errno)), errno);
  };
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    errno = ENAMETOOLONG;
    return failure("bind");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  SocketCloser socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (socket.fd < 0) {
    return failure("socket");
  }
  if (is_stale_socket(address)) {
    ::unlink(path.c_str());
  }
  if (::bind(socket.fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return failure("bind");
  }
  if (mode != 0 && ::chmod(path.c_str(), mode) != 0) {
    return failure("chmod");
  }
  if (::listen(socket.fd, backlog) != 0) {
    return failure("listen");
  }
  return std::unique_ptr<Listener>(new Listener(socket.release(), path, std::move(on_accept)));
}

Listener::~Listener() {
  static_cast<void>(::close(fd_));
}

void Listener::on_ready(std::uint32_t) {
  for (int i = 0; i < kAcceptsPerTurnMax; ++i) {
    sockaddr_storage peer = {};
    socklen_t size = sizeof(peer);
    const int fd =
        ::accept4(fd_, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && errno == EMFILE) {
      g_spare.refuse_one(fd_);
      continue;
    }
    if (fd < 0) {
      return;  // no more clients are waiting
    }
    Accepted accepted{.fd = fd,
                      .is_unix = !unix_path_.empty(),
                      .is_loopback = true,
                      .address = {},
                      .local_address = {}};
    if (accepted.is_unix) {
      accepted.address = unix_path_ + ":0";
      accepted.local_address = accepted.address;
    } else {
      constexpr int kOn = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof(kOn));
      accepted.address = describe(peer);
      accepted.is_loopback = is_loopback(peer);
      sockaddr_storage local = {};
      size = sizeof(local);
      if (::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) == 0) {
        accepted.local_address = describe(local);
      }
    }
    on_accept_(std::move(accepted));
  }
}

}  // namespace engine::server
