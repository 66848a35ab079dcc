// Clients that get a copy of every command (MONITOR).
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/commands/services/session.h"

namespace engine::commands {

class Context;
class ServerControl;

class Monitors {
 public:
  explicit Monitors(ServerControl& server) : server_(server) {}

  bool empty() const { return sessions_.empty(); }
  void add(Session& session);
  void remove(Session& session);
  // Sends them the command, unless its flags exclude it.
  void show(const Context& context);

 private:
  ServerControl& server_;
  std::vector<Session*> sessions_;
};

}  // namespace engine::commands
