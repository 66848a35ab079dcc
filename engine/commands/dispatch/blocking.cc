#include "engine/commands/dispatch/blocking.h"

#include <algorithm>

namespace engine::commands {

void Blocking::add(Session& session, std::unique_ptr<BlockedState> state) {
  ENGINE_CHECK(!session.blocked() && !state->keys.empty(), session.id);
  for (const std::string& key : state->keys) {
    waiters_[{state->database, key}].push_back(&session);
  }
  if (state->deadline_ms > 0) {
    deadlines_.emplace(state->deadline_ms, &session);
  }
  session.blocked_state = std::move(state);
  ++sessions_;
}

void Blocking::remove(Session& session) {
  ENGINE_CHECK(session.blocked() && sessions_ > 0, session.id, sessions_);
  const BlockedState& state = *session.blocked_state;
  for (const std::string& key : state.keys) {
    const auto found = waiters_.find({state.database, key});
    if (found == waiters_.end()) {
      continue;  // the command named the key twice
    }
    std::erase(found->second, &session);
    if (found->second.empty()) {
      waiters_.erase(found);
    }
  }
  deadlines_.erase({state.deadline_ms, &session});
  session.blocked_state.reset();
  --sessions_;
}

Session* Blocking::overdue(std::int64_t now_ms) const {
  const bool any = !deadlines_.empty() && deadlines_.begin()->first <= now_ms;
  return any ? deadlines_.begin()->second : nullptr;
}

void Blocking::mark_ready(int database, std::string_view key) {
  Key ready{database, std::string(key)};
  if (waiters_.contains(ready) && std::find(ready_.begin(), ready_.end(), ready) == ready_.end()) {
    ready_.push_back(std::move(ready));
  }
}

void Blocking::all_keys_added(int database) {
  for (const auto& [key, sessions] : waiters_) {
    if (key.database == database) {
      mark_ready(database, key.name);
    }
  }
}

std::vector<Session*> Blocking::waiters(const Key& key) const {
  const auto found = waiters_.find(key);
  if (found == waiters_.end()) {
    return {};
  }
  std::vector<Session*> sessions(found->second.begin(), found->second.end());
  // A command may name a key twice.
  std::vector<Session*> once;
  for (Session* session : sessions) {
    if (std::find(once.begin(), once.end(), session) == once.end()) {
      once.push_back(session);
    }
  }
  return once;
}

}  // namespace engine::commands
