#include "engine/commands/services/watch.h"

#include <algorithm>

namespace engine::commands {

void WatchedKeys::add(Session& session, int database, std::string_view key, bool expired_already) {
  for (const WatchedKey& watched : session.watched) {
    if (watched.database == database && watched.key == key) {
      return;
    }
  }
  ENGINE_CHECK(!session.in_transaction, session.id);
  session.watched.push_back({database, std::string(key), expired_already});
  watchers_[{database, std::string(key)}].push_back(&session);
}

void WatchedKeys::remove_all(Session& session) {
  for (const WatchedKey& watched : session.watched) {
    const auto found = watchers_.find({watched.database, watched.key});
    ENGINE_CHECK(found != watchers_.end(), watched.database, watched.key);
    std::erase(found->second, &session);
    if (found->second.empty()) {
      watchers_.erase(found);
    }
  }
  session.watched.clear();
  session.watch_broken = false;
}

void WatchedKeys::break_watchers(int database, std::string_view key) {
  const auto found = watchers_.find({database, std::string(key)});
  if (found == watchers_.end()) {
    return;
  }
  for (Session* session : found->second) {
    session->watch_broken = true;
  }
}

}  // namespace engine::commands
