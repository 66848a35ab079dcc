// What the handler of a command works with: its arguments, the session's database, and the reply.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/commands/dispatch/command.h"
#include "engine/commands/dispatch/errors.h"
#include "engine/commands/services/events.h"
#include "engine/commands/services/session.h"
#include "engine/keyspace/database.h"
#include "engine/keyspace/list.h"
#include "engine/resp/reply_writer.h"

namespace engine::commands {

class ExecutorState;

// What propagation.cc must know of a command beyond its arguments, where chance or the state of
// several keys decided what it did.
struct Outcome {
  std::string_view key;               // the one acted on
  keyspace::ListEnd end{};            // pops: from where (kFront: the lowest)
  std::optional<std::int64_t> count;  // pops: how many; none: the form without a count
  std::vector<std::string> members;   // SPOP: which
  bool key_is_gone = false;           // SPOP: all of them
  std::vector<double> scores;         // GEOADD: of its members, in order
};

class Context {
 public:
  Context(ExecutorState& executor, Session& client, const CommandSpec& command,
          std::span<const std::string_view> arguments);

  ExecutorState& state;
  Session& session;
  const CommandSpec& spec;
  const std::span<const std::string_view> argv;
  resp::ReplyWriter reply;
  Outcome outcome;

  bool in_transaction = false;  // called by EXEC
  // Set while a blocked client is served: the key that has become ready. Only it is looked at.
  std::optional<std::string_view> ready_key;
  // There is nothing to do yet: the client waits until a key holds a value of this type, or until
  // the deadline (monotonic; 0: none). False where a client cannot wait (inside EXEC, in a replay):
  // then the handler replies as if the time were over.
  bool wait_for(std::span<const std::string_view> keys, keyspace::Type type,
                std::int64_t deadline_ms);
  bool still_waiting() const { return still_waiting_; }

  keyspace::Database& db() const { return *database_; }
  int db_index() const { return session.database; }
  const keyspace::EncodingLimits& limits() const;
  std::int64_t now_ms() const;

  // --- keys ---
  // A key past its time is erased (and that logged) before it can be found.
  keyspace::KeyEntry* find_to_read(std::string_view key);  // counts as hit or miss
  keyspace::KeyEntry* find_to_write(std::string_view key);
  // Without counting, and without being an access for the eviction policy.
  keyspace::KeyEntry* peek(std::string_view key) { return peek(session.database, key); }
  keyspace::KeyEntry* peek(int database, std::string_view key);
  // Adds a key that does not exist; clients that wait for it are served after this command.
  keyspace::KeyEntry& insert(std::string_view key, keyspace::Object value) {
    return insert(session.database, key, std::move(value));
  }
  keyspace::KeyEntry& insert(int database, std::string_view key, keyspace::Object value);
  // Replaces whatever the key holds by a value that the command has computed; nothing: erases the
  // key. Counts `changes`, or one for a key that is erased.
  void store(std::string_view key, std::optional<keyspace::Object> value, Event event,
             std::uint64_t changes = 1);
  bool erase(std::string_view key) { return db().erase(key); }
  // Erases the key of a collection that has become empty, and notifies of it.
  void erase_if_empty(keyspace::KeyEntry& entry);

  // The key was changed: transactions that watch it fail. `count` changes are counted for the save
  // rules; a command without any is not logged. `event` is published to its subscribers.
  void modified(std::string_view key, Event event, std::uint64_t count = 1) {
    modified(session.database, key, event, count);
  }
  void modified(int database, std::string_view key, Event event, std::uint64_t count);
  void notify(Event event, std::string_view key);
  void add_changes(std::uint64_t count) { changes_ += count; }
  std::uint64_t changes() const { return changes_; }

  // --- the value of a type, as most handlers want it: null when there is no such key. Answers
  // WRONGTYPE, and then wrong_type() holds. ---
  bool wrong_type(const keyspace::KeyEntry* entry, keyspace::Type type);

  // --- arguments: the error has been replied when nothing is returned ---
  std::optional<std::int64_t> integer(std::size_t index,
                                      std::string_view on_error = errors::kNotInteger);
  // Within [low, high].
  std::optional<std::int64_t> integer_in(std::size_t index, std::int64_t low, std::int64_t high,
                                         std::string_view on_error = errors::kNotInteger);
  std::optional<double> number(std::size_t index, std::string_view on_error = errors::kNotFloat);
  // Whether argument `index` is this word, in any case. False past the last argument.
  bool is_word(std::size_t index, std::string_view word) const;

  // --- replies ---
  void error(std::string_view text);
  bool failed() const { return failed_; }

 private:
  keyspace::KeyEntry& insert_unannounced(int database, std::string_view key,
                                         keyspace::Object value);

  keyspace::Database* database_;
  std::uint64_t changes_ = 0;
  bool failed_ = false;
  bool still_waiting_ = false;
};

}  // namespace engine::commands
