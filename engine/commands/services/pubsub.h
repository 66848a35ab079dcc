// Who has subscribed to what.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/commands/services/session.h"

namespace engine::commands {

class ServerControl;

class PubSub {
 public:
  using Subscribers = std::map<std::string, std::vector<Session*>, std::less<>>;

  explicit PubSub(ServerControl& server) : server_(server) {}

  Subscribers channels;
  Subscribers patterns;
  Subscribers shard_channels;

  // Appends the message to the output of everyone who wants it; returns how many.
  std::size_t publish(std::string_view channel, std::string_view message);
  std::size_t publish_to_shard(std::string_view channel, std::string_view message);
  void remove_all(Session& session);

  static bool add(Subscribers& to, std::string_view name, Session& session);
  static void remove(Subscribers& from, std::string_view name, Session& session);

 private:
  ServerControl& server_;
};

}  // namespace engine::commands
