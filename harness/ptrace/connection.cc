#include "harness/ptrace/connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "harness/ptrace/in_place.h"

namespace crashpoint::ptrace {
namespace {

std::string text_of(const in_addr& address, in_port_t port) {
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &address, text.data(), text.size());
  return fmt::format("{}:{}", text.data(), ntohs(port));
}

std::string text_of(const in6_addr& address, in_port_t port) {
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    in_addr inner{};
    std::memcpy(&inner, address.s6_addr + 12, sizeof inner);
    return text_of(inner, port);
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET6, &address, text.data(), text.size());
  return fmt::format("[{}]:{}", text.data(), ntohs(port));
}

std::string text_of(const sockaddr_storage& address, socklen_t size) {
  if (address.ss_family == AF_INET) {
    sockaddr_in internet{};
    std::memcpy(&internet, &address, sizeof internet);
    return text_of(internet.sin_addr, internet.sin_port);
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 internet{};
    std::memcpy(&internet, &address, sizeof internet);
    return text_of(internet.sin6_addr, internet.sin6_port);
  }
  if (address.ss_family == AF_UNIX && size > offsetof(sockaddr_un, sun_path)) {
    sockaddr_un local{};
    std::memcpy(&local, &address, sizeof local);
    const std::size_t length = size - offsetof(sockaddr_un, sun_path);
    if (local.sun_path[0] == '\0') {
      return "@" + std::string(local.sun_path + 1, length - 1);
    }
    return {local.sun_path, ::strnlen(local.sun_path, length)};
  }
  return {};
}

bool is_nonblocking_tcp(int socket, int family) {
  int type = 0;
  socklen_t size = sizeof type;
  return (family == AF_INET || family == AF_INET6) &&
         ::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM &&
         (::fcntl(socket, F_GETFL) & O_NONBLOCK) != 0;
}

// By the kernel's table of TCP connections: "sl local remote state ... inode", numbers in hex.
std::string search_table(const std::string& path, std::uint64_t socket) {
  std::ifstream table(path);
  std::string line;
  std::getline(table, line);  // headings
  while (std::getline(table, line)) {
    std::array<char, 33> address{};
    unsigned port = 0;
    unsigned long long inode = 0;
    if (std::sscanf(line.c_str(),
                    " %*d: %*[0-9A-F]:%*x %32[0-9A-F]:%x %*x %*x:%*x %*x:%*x %*x %*u %*u %llu",
                    address.data(), &port, &inode) != 3 ||
        inode != socket) {
      continue;
    }
    // Words of 32 bits in the machine's order.
    std::array<std::uint32_t, 4> words{};
    const std::size_t count = std::strlen(address.data()) / 8;
    for (std::size_t i = 0; i < count; ++i) {
      std::sscanf(address.data() + 8 * i, "%8x", &words.at(i));
    }
    const auto network_port = htons(static_cast<std::uint16_t>(port));
    if (count == 1) {
      in_addr internet{};
      std::memcpy(&internet, words.data(), sizeof internet);
      return text_of(internet, network_port);
    }
    in6_addr internet{};
    std::memcpy(&internet, words.data(), sizeof internet);
    return text_of(internet, network_port);
  }
  return {};
}

std::string search_tables(pid_t pid, const std::string& link) {
  unsigned long long socket = 0;
  if (std::sscanf(link.c_str(), "socket:[%llu]", &socket) != 1) {
    return {};
  }
  std::string peer = search_table(fmt::format("/proc/{}/net/tcp", pid), socket);
  return !peer.empty() ? peer : search_table(fmt::format("/proc/{}/net/tcp6", pid), socket);
}

}  // namespace

Connection connection_of(pid_t pid, int fd, const std::string& link) {
  Connection connection;
  std::string peer;
  if (const int copy = copy_descriptor(pid, fd); copy >= 0) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(copy, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
      peer = text_of(address, size);
    }
    if (!peer.empty() && is_nonblocking_tcp(copy, address.ss_family)) {
      connection.copy = copy;
    } else {
      ::close(copy);
    }
  } else {
    peer = search_tables(pid, link);
  }
  connection.peer = peer.empty() ? link : peer;
  return connection;
}

}  // namespace crashpoint::ptrace
