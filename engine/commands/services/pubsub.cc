#include "engine/commands/services/pubsub.h"

#include <algorithm>

#include "engine/base/text.h"
#include "engine/commands/services/server_control.h"

namespace engine::commands {
namespace {

void deliver(Session& session, std::initializer_list<std::string_view> parts) {
  resp::ReplyWriter writer(session.output, session.protocol);
  writer.push(parts.size());
  for (const std::string_view part : parts) {
    writer.bulk(part);
  }
}

}  // namespace

std::size_t PubSub::publish(std::string_view channel, std::string_view message) {
  std::size_t receivers = 0;
  if (const auto found = channels.find(channel); found != channels.end()) {
    for (Session* session : found->second) {
      deliver(*session, {"message", channel, message});
      server_.session_changed(*session);
      ++receivers;
    }
  }
  for (const auto& [pattern, sessions] : patterns) {
    if (glob_match(pattern, channel)) {
      for (Session* session : sessions) {
        deliver(*session, {"pmessage", pattern, channel, message});
        server_.session_changed(*session);
        ++receivers;
      }
    }
  }
  return receivers;
}

std::size_t PubSub::publish_to_shard(std::string_view channel, std::string_view message) {
  const auto found = shard_channels.find(channel);
  if (found == shard_channels.end()) {
    return 0;
  }
  for (Session* session : found->second) {
    deliver(*session, {"smessage", channel, message});
    server_.session_changed(*session);
  }
  return found->second.size();
}

bool PubSub::add(Subscribers& to, std::string_view name, Session& session) {
  std::vector<Session*>& sessions = to[std::string(name)];
  if (std::find(sessions.begin(), sessions.end(), &session) != sessions.end()) {
    return false;
  }
  sessions.push_back(&session);
  return true;
}

void PubSub::remove(Subscribers& from, std::string_view name, Session& session) {
  const auto found = from.find(name);
  if (found == from.end()) {
    return;
  }
  std::erase(found->second, &session);
  if (found->second.empty()) {
    from.erase(found);
  }
}

void PubSub::remove_all(Session& session) {
  for (const std::string& channel : session.channels) {
    remove(channels, channel, session);
  }
  for (const std::string& pattern : session.patterns) {
    remove(patterns, pattern, session);
  }
  for (const std::string& channel : session.shard_channels) {
    remove(shard_channels, channel, session);
  }
  session.channels.clear();
  session.patterns.clear();
  session.shard_channels.clear();
}

}  // namespace engine::commands
