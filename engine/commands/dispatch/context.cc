#include "engine/commands/dispatch/context.h"

#include <memory>
#include <utility>

#include "engine/base/text.h"
#include "engine/commands/dispatch/executor_state.h"

namespace engine::commands {

using keyspace::KeyEntry;
using keyspace::Type;

Context::Context(ExecutorState& executor, Session& client, const CommandSpec& command,
                 std::span<const std::string_view> arguments)
    : state(executor),
      session(client),
      spec(command),
      argv(arguments),
      reply(client.output, client.protocol),
      database_(&executor.keyspace.database(client.database)) {
  ENGINE_DCHECK(client.database >= 0 && client.database < executor.keyspace.count(),
                client.database);
}

const keyspace::EncodingLimits& Context::limits() const {
  return state.keyspace.limits;
}

std::int64_t Context::now_ms() const {
  return state.now_ms;
}

KeyEntry* Context::peek(int database, std::string_view key) {
  KeyEntry* entry = state.keyspace.database(database).find(key);
  if (entry != nullptr && state.expire_if_due(database, *entry)) {
    return nullptr;
  }
  return entry;
}

KeyEntry* Context::find_to_read(std::string_view key) {
  KeyEntry* entry = find_to_write(key);
  if (entry == nullptr) {
    ++state.statistics.keyspace_misses;
    notify({kMissEvent, "keymiss"}, key);
  } else {
    ++state.statistics.keyspace_hits;
  }
  return entry;
}

KeyEntry* Context::find_to_write(std::string_view key) {
  KeyEntry* entry = database_->find(key);
  if (entry == nullptr || state.expire_if_due(session.database, *entry)) {
    return nullptr;
  }
  state.touch(entry->object);
  return entry;
}

KeyEntry& Context::insert(int database, std::string_view key, keyspace::Object value) {
  KeyEntry& entry = insert_unannounced(database, key, std::move(value));
  state.notify({kNewEvent, "new"}, database, key);
  return entry;
}

KeyEntry& Context::insert_unannounced(int database, std::string_view key, keyspace::Object value) {
  value.set_access(state.access_for_new_key());
  const Type type = value.type();
  KeyEntry& entry = state.keyspace.database(database).insert(key, std::move(value));
  if (type == Type::kList || type == Type::kSortedSet) {
    state.blocking.key_added(database, key);
  }
  return entry;
}

void Context::erase_if_empty(KeyEntry& entry) {
  if (entry.object.size() == 0) {
    notify({kGenericEvent, "del"}, entry.key());
    erase(entry.key());
  }
}

void Context::store(std::string_view key, std::optional<keyspace::Object> value, Event event,
                    std::uint64_t changes) {
  const bool existed = erase(key);
  if (value) {
    insert_unannounced(session.database, key, std::move(*value));
    if (!existed) {
      notify({kNewEvent, "new"}, key);
    }
    modified(key, event, changes);
  } else if (existed) {
    modified(key, {kGenericEvent, "del"});
  }
}

void Context::notify(Event event, std::string_view key) {
  state.notify(event, session.database, key);
}

void Context::modified(int database, std::string_view key, Event event, std::uint64_t count) {
  state.watched_keys.changed(database, key);
  state.notify(event, database, key);
  changes_ += count;
}

bool Context::wrong_type(const KeyEntry* entry, Type type) {
  if (entry == nullptr || entry->object.type() == type) {
    return false;
  }
  error(errors::kWrongType);
  return true;
}

bool Context::wait_for(std::span<const std::string_view> keys, Type type,
                       std::int64_t deadline_ms) {
  if (ready_key) {
    still_waiting_ = true;  // keeps its place
    return true;
  }
  if (in_transaction || state.replaying) {
    return false;
  }
  auto blocked = std::make_unique<BlockedState>();
  blocked->spec = &spec;
  blocked->argv.assign(argv.begin(), argv.end());
  blocked->database = session.database;
  blocked->keys.assign(keys.begin(), keys.end());
  blocked->type = type;
  blocked->deadline_ms = deadline_ms;
  state.blocking.add(session, std::move(blocked));
  still_waiting_ = true;
  return true;
}

std::optional<std::int64_t> Context::integer(std::size_t index, std::string_view on_error) {
  const std::optional<std::int64_t> value = parse_int64(argv[index]);
  if (!value) {
    error(on_error);
  }
  return value;
}

std::optional<std::int64_t> Context::integer_in(std::size_t index, std::int64_t low,
                                                std::int64_t high, std::string_view on_error) {
  const std::optional<std::int64_t> value = parse_int64(argv[index]);
  if (!value || *value < low || *value > high) {
    error(on_error);
    return std::nullopt;
  }
  return value;
}

std::optional<double> Context::number(std::size_t index, std::string_view on_error) {
  const std::optional<double> value = parse_double(argv[index]);
  if (!value) {
    error(on_error);
  }
  return value;
}

bool Context::is_word(std::size_t index, std::string_view word) const {
  return index < argv.size() && equals_ignoring_case(argv[index], word);
}

void Context::error(std::string_view text) {
  reply.error(text);
  failed_ = true;
  state.count_error(text);
}

}  // namespace engine::commands
