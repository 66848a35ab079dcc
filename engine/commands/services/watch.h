// Which sessions watch which keys (WATCH), so that a change breaks their transactions.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/commands/services/session.h"

namespace engine::commands {

class WatchedKeys {
 public:
  void add(Session& session, int database, std::string_view key, bool expired_already);
  void remove_all(Session& session);  // forgets the session's watches

  // The key was changed. Costs nothing while no client watches a key.
  void changed(int database, std::string_view key) {
    if (!watchers_.empty()) {
      break_watchers(database, key);
    }
  }
  // Sessions that watch any key of the database, for FLUSHDB and SWAPDB. fn(Session&, key).
  template <typename Fn>
  void for_each_in(int database, Fn&& fn) {
    for (auto& [place, sessions] : watchers_) {
      if (place.database == database) {
        for (Session* session : sessions) {
          fn(*session, place.key);
        }
      }
    }
  }

 private:
  struct Place {
    int database;
    std::string key;
    bool operator==(const Place&) const = default;
  };
  struct PlaceHash {
    std::size_t operator()(const Place& place) const {
      return std::hash<std::string>()(place.key) + static_cast<std::size_t>(place.database);
    }
  };
  void break_watchers(int database, std::string_view key);

  std::unordered_map<Place, std::vector<Session*>, PlaceHash> watchers_;
};

}  // namespace engine::commands
