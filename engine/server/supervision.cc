#include "engine/server/supervision.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

#include "engine/base/text.h"

namespace engine::server {
namespace {

// NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment
std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : value;
}

}  // namespace

Supervisor find_supervisor(std::string_view directive, Log& log) {
  const bool is_auto = directive == "auto";
  if (directive == "systemd" || (is_auto && !environment("NOTIFY_SOCKET").empty())) {
    if (environment("NOTIFY_SOCKET").empty()) {
      log.warning("systemd supervision requested, but NOTIFY_SOCKET not found");
      return Supervisor::kNone;
    }
    return Supervisor::kSystemd;
  }
  if (directive == "upstart" || (is_auto && !environment("UPSTART_JOB").empty())) {
    if (environment("UPSTART_JOB").empty()) {
      log.warning("upstart supervision requested, but UPSTART_JOB not found");
      return Supervisor::kNone;
    }
    return Supervisor::kUpstart;
  }
  return Supervisor::kNone;
}

void tell_systemd(std::string_view state, Log& log) {
  const std::string_view path = environment("NOTIFY_SOCKET");
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() < 2 || path.size() >= sizeof address.sun_path ||
      (path[0] != '/' && path[0] != '@')) {
    log.warning("Can't tell systemd: NOTIFY_SOCKET is neither a path nor an abstract name: {}",
                path);
    return;
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  if (path[0] == '@') {
    address.sun_path[0] = '\0';  // an abstract name
  }
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
                         reinterpret_cast<const sockaddr*>(&address), size) < 0) {
    log.warning("Can't tell systemd by {}: {}", path, error_text(errno));
  }
  if (fd >= 0) {
    static_cast<void>(::close(fd));
  }
}

}  // namespace engine::server
