#include "harness/ptrace/connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

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

// A line of the kernel's tables of TCP connections, addresses as the machine has them, in hex.
struct Row {
  std::string local;
  std::string local_port;
  std::string remote;
  std::string remote_port;
  unsigned state = 0;
  std::uint64_t socket = 0;  // 0: not accepted yet
};

constexpr unsigned kListens = 0x0A;

// An IPv4 address may also be written as an IPv6 one.
std::string plain(const std::string& address) {
  constexpr std::string_view kMapped = "0000000000000000FFFF0000";
  return address.starts_with(kMapped) ? address.substr(kMapped.size()) : address;
}

std::vector<Row> tcp_tables(pid_t pid) {
  std::vector<Row> rows;
  for (const char* const name : {"tcp", "tcp6"}) {
    std::ifstream table(fmt::format("/proc/{}/net/{}", pid, name));
    std::string line;
    std::getline(table, line);  // headings
    while (std::getline(table, line)) {
      std::array<char, 33> local{};
      std::array<char, 5> local_port{};
      std::array<char, 33> remote{};
      std::array<char, 5> remote_port{};
      unsigned state = 0;
      unsigned long long socket = 0;
      if (std::sscanf(line.c_str(),
                      " %*d: %32[0-9A-F]:%4[0-9A-F] %32[0-9A-F]:%4[0-9A-F] %x %*x:%*x %*x:%*x %*x "
                      "%*u %*u %llu",
                      local.data(), local_port.data(), remote.data(), remote_port.data(), &state,
                      &socket) == 6) {
        rows.push_back({plain(local.data()), local_port.data(), plain(remote.data()),
                        remote_port.data(), state, socket});
      }
    }
  }
  return rows;
}

std::optional<std::uint64_t> number_of_socket(const std::string& link) {
  unsigned long long socket = 0;
  return std::sscanf(link.c_str(), "socket:[%llu]", &socket) == 1
             ? std::optional<std::uint64_t>(socket)
             : std::nullopt;
}

const Row* find_row(const std::vector<Row>& rows, const std::string& link) {
  const auto socket = number_of_socket(link);
  const auto found = std::ranges::find_if(
      rows, [&](const Row& row) { return socket.has_value() && row.socket == *socket; });
  return found == rows.end() ? nullptr : &*found;
}

std::string peer_of(const Row& row) {
  const std::string& address = row.remote;
  const auto port =
      htons(static_cast<std::uint16_t>(std::strtoul(row.remote_port.c_str(), nullptr, 16)));
  // Words of 32 bits in the machine's order.
  std::array<std::uint32_t, 4> words{};
  const std::size_t count = address.size() / 8;
  for (std::size_t i = 0; i < count; ++i) {
    std::sscanf(address.c_str() + 8 * i, "%8x", &words.at(i));
  }
  if (count == 1) {
    in_addr internet{};
    std::memcpy(&internet, words.data(), sizeof internet);
    return text_of(internet, port);
  }
  in6_addr internet{};
  std::memcpy(&internet, words.data(), sizeof internet);
  return text_of(internet, port);
}

bool is_held(const Insiders& insiders, std::uint64_t socket) {
  const std::string link = fmt::format("socket:[{}]", socket);
  return std::ranges::any_of(insiders.processes, [&](pid_t pid) {
    std::error_code error;
    std::filesystem::directory_iterator at(fmt::format("/proc/{}/fd", pid), error);
    for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
      std::error_code gone;
      if (std::filesystem::read_symlink(at->path(), gone) == link) {
        return true;
      }
    }
    return false;
  });
}

// The other end as the kernel's table has it: the peer's socket, or the one that is about to accept it.
bool leads_inside(const std::vector<Row>& rows, const Row& own, const Insiders& insiders) {
  const auto is_peer = [&](const Row& row) {
    return row.socket != 0 && row.local == own.remote && row.local_port == own.remote_port &&
           row.remote == own.local && row.remote_port == own.local_port;
  };
  const auto accepts = [&](const Row& row) {
    return row.state == kListens && row.local_port == own.remote_port;
  };
  if (const auto peer = std::ranges::find_if(rows, is_peer); peer != rows.end()) {
    return is_held(insiders, peer->socket);
  }
  const auto listener = std::ranges::find_if(rows, accepts);
  return listener != rows.end() && is_held(insiders, listener->socket);
}

// Who made the other end: by socketpair(2), listen(2) or connect(2).
bool is_from_inside(int socket, const Insiders& insiders) {
  ucred made_by{};
  socklen_t size = sizeof made_by;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &made_by, &size) == 0 &&
         insiders.processes.contains(made_by.pid);
}

}  // namespace

Connection connection_of(pid_t pid, int fd, const std::string& link, const Insiders& insiders) {
  Connection connection;
  std::string peer;
  sockaddr_storage address{};
  const int copy = copy_descriptor(pid, fd);
  if (copy >= 0) {
    socklen_t size = sizeof address;
    if (::getpeername(copy, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
      peer = text_of(address, size);
    }
    connection.internal = address.ss_family == AF_UNIX && is_from_inside(copy, insiders);
    if (!peer.empty() && is_nonblocking_tcp(copy, address.ss_family)) {
      connection.copy = copy;
    } else {
      ::close(copy);
    }
  }
  if (copy < 0 || (insiders.connect && address.ss_family != AF_UNIX)) {
    const std::vector<Row> rows = tcp_tables(pid);
    if (const Row* const own = find_row(rows, link); own != nullptr) {
      peer = peer.empty() ? peer_of(*own) : peer;
      connection.internal = insiders.connect && leads_inside(rows, *own, insiders);
    }
  }
  connection.peer = peer.empty() ? link : peer;
  return connection;
}

}  // namespace crashpoint::ptrace
