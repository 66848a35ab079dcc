// Clients that are shown every command (MONITOR).
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
  // Shows them the command, unless it is one that its flags keep from being shown.
  void show(const Context& context);

 private:
  ServerControl& server_;
  std::vector<Session*> sessions_;
};

}  // namespace engine::commands
