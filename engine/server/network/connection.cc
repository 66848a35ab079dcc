#include "engine/server/network/connection.h"

#include <unistd.h>

#include "engine/server/network/connections.h"

namespace engine::server {

Connection::Connection(Connections& owner, std::uint64_t id, int fd) : session(id), owner_(owner) {
  session.fd = fd;
}

Connection::~Connection() {
  static_cast<void>(::close(session.fd));
}

void Connection::on_ready(std::uint32_t events) {
  if ((events & EPOLLOUT) != 0) {
    owner_.on_writable(*this);
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    owner_.on_readable(*this);
  }
}

}  // namespace engine::server
