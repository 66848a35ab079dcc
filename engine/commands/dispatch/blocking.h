// Clients that wait for keys: BLPOP, BLMOVE, BZPOPMIN, ...
//
// A waiting client keeps its command. When a key it waits for gets a value, the command is tried
// again with that key. Clients are served in the order in which they began to wait.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/commands/services/blocked_state.h"
#include "engine/commands/services/session.h"

namespace engine::commands {

class Blocking {
 public:
  struct Key {
    int database;
    std::string name;
    auto operator<=>(const Key&) const = default;
  };

  void add(Session& session, std::unique_ptr<BlockedState> state);
  void remove(Session& session);  // no longer waits

  std::size_t count() const { return sessions_; }
  // Monotonic milliseconds of the first deadline; -1: none.
  std::int64_t next_deadline_ms() const {
    return deadlines_.empty() ? -1 : deadlines_.begin()->first;
  }
  // A session whose deadline has passed; null: none.
  Session* overdue(std::int64_t now_ms) const;

  // The key has a value now. Costs nothing while no client waits.
  void key_added(int database, std::string_view key) {
    if (!waiters_.empty()) {
      mark_ready(database, key);
    }
  }
  // After SWAPDB: every key waited for in the database may have got a value.
  void all_keys_added(int database);
  bool has_ready_keys() const { return !ready_.empty(); }
  std::vector<Key> take_ready_keys() { return std::exchange(ready_, {}); }
  // The sessions that wait for the key, in order of arrival.
  std::vector<Session*> waiters(const Key& key) const;

 private:
  void mark_ready(int database, std::string_view key);

  std::map<Key, std::deque<Session*>> waiters_;
  std::set<std::pair<std::int64_t, Session*>> deadlines_;
  std::vector<Key> ready_;
  std::size_t sessions_ = 0;
};

}  // namespace engine::commands
