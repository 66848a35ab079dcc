// Transactions: MULTI, EXEC, DISCARD, WATCH.
#include <string_view>
#include <utility>
#include <vector>

#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::kNoExpiry;

void end_transaction(Context& c) {
  Session& session = c.session;
  session.queue.clear();
  session.in_transaction = false;
  session.transaction_refused = false;
  c.state.watched_keys.remove_all(session);
}

bool is_past_its_time(const ExecutorState& state, int database, std::string_view key) {
  const keyspace::Database& db = state.keyspace.database(database);
  const KeyEntry* entry = db.find(key);
  return entry != nullptr && entry->has_expiry() && db.expire_ms(*entry) < state.now_ms;
}

// A watched key whose time is over counts as changed, even if it has not been erased yet.
bool any_watched_key_expired(const Context& c) {
  for (const WatchedKey& watched : c.session.watched) {
    if (!watched.expired_already && is_past_its_time(c.state, watched.database, watched.key)) {
      return true;
    }
  }
  return false;
}

}  // namespace

void multi_command(Context& c) {
  if (c.session.in_transaction) {
    return c.error("ERR MULTI calls can not be nested");
  }
  c.session.in_transaction = true;
  c.reply.ok();
}

void discard_command(Context& c) {
  if (!c.session.in_transaction) {
    return c.error("ERR DISCARD without MULTI");
  }
  end_transaction(c);
  c.reply.ok();
}

// The transaction ends before its commands run: what they see is a session outside MULTI. Their
// effects are one step of the log.
void exec_command(Context& c) {
  Session& session = c.session;
  if (!session.in_transaction) {
    return c.error("ERR EXEC without MULTI");
  }
  const bool refused = session.transaction_refused;
  const bool broken = session.watch_broken || any_watched_key_expired(c);
  const std::vector<QueuedCommand> queue = std::move(session.queue);
  end_transaction(c);
  if (refused) {
    return c.error(errors::kExecAborted);
  }
  if (broken) {
    return c.reply.null_array();
  }
  c.reply.array(queue.size());
  c.state.propagation.begin_transaction();
  for (const QueuedCommand& queued : queue) {
    const std::vector<std::string_view> argv(queued.argv.begin(), queued.argv.end());
    Context command(c.state, session, *queued.spec, argv);
    command.in_transaction = true;
    c.state.call(command);
  }
  c.state.propagation.end_transaction();
}

void watch_command(Context& c) {
  if (c.session.in_transaction) {
    return c.error("ERR WATCH inside MULTI is not allowed");
  }
  for (const std::string_view key : c.argv.subspan(1)) {
    c.state.watched_keys.add(c.session, c.db_index(), key,
                             is_past_its_time(c.state, c.db_index(), key));
  }
  c.reply.ok();
}

void unwatch_command(Context& c) {
  c.state.watched_keys.remove_all(c.session);
  c.reply.ok();
}

}  // namespace engine::commands
