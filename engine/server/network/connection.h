// One client: its socket, what it has sent that is not yet executed, and its Session (which holds
// what is still to be sent to it).
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/commands/services/session.h"
#include "engine/resp/reply_buffer.h"
#include "engine/resp/request_parser.h"
#include "engine/server/network/poller.h"

namespace engine::server {

class Connections;

class Connection final : public EventHandler {
 public:
  // Owns `fd`.
  Connection(Connections& owner, std::uint64_t id, int fd);
  ~Connection() override;

  void on_ready(std::uint32_t events) override;

  commands::Session session;
  resp::RequestParser parser;
  // Received and not yet executed: an incomplete request, or what follows a command that waits.
  resp::ReplyBuffer input;

  bool is_local = false;        // over a Unix socket or the loopback interface
  bool waits_for_room = false;  // the socket takes no more: EPOLLOUT is asked for
  bool is_held = false;  // its output must not be sent yet: Connections::hold_unlogged_replies()
  bool in_changed_list = false;  // Connections::changed_
  std::int64_t over_soft_limit_since_ms = -1;

 private:
  Connections& owner_;
};

}  // namespace engine::server
