// Keys whatever their type: removing, renaming, copying, deadlines.
#include <limits>

#include "harness/oracle/resp/command_table.h"

namespace crashpoint::oracle {
namespace {

constexpr std::int64_t kMsMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kDatabasesMax = std::numeric_limits<std::int32_t>::max();
// Deadlines closer to now than this may or may not have passed when the server looked.
constexpr std::int64_t kNearMs = 50;

Reply del(Context& c) {
  std::int64_t removed = 0;
  bool known = true;
  for (std::size_t at = 1; at < c.count(); ++at) {
    const KeyId key = c.key(at);
    if (c.is_unknown(key)) {
      known = false;  // whether it was there; it is not any more
    } else {
      removed += c.exists(key) ? 1 : 0;
    }
    c.erase(key);
  }
  return known ? integer(removed) : std::nullopt;
}

std::optional<TimeWindow> deadline_of(Context& c, KeyId key) {
  return c.deadline(key);
}

void carry_over(Context& c, KeyId from, KeyId to) {
  const TrackedValue value = *c.find_any(from);
  const std::optional<TimeWindow> deadline = deadline_of(c, from);
  c.put(to, value);
  if (deadline) {
    c.set_deadline(to, *deadline);
  }
}

Reply rename(Context& c, bool only_new) {
  const KeyId from = c.key(1);
  const KeyId to = c.key(2);
  if (!c.exists(from)) {
    throw Failure{};
  }
  if (from == to) {
    return only_new ? integer(0) : ok();
  }
  if (only_new && c.exists(to)) {
    return integer(0);
  }
  carry_over(c, from, to);
  c.erase(from);
  return only_new ? integer(1) : ok();
}

Reply rename_over(Context& c) {
  return rename(c, false);
}
Reply renamenx(Context& c) {
  return rename(c, true);
}

std::uint32_t database_at(const Context& c, std::size_t at) {
  const std::int64_t database = c.integer_at(at);
  if (database < 0 || database > kDatabasesMax) {
    throw Failure{};
  }
  return static_cast<std::uint32_t>(database);
}

Reply move(Context& c) {
  const std::uint32_t database = database_at(c, 2);
  if (database == c.database()) {
    throw Failure{};
  }
  const KeyId from = c.key(1);
  const KeyId to = c.key_in(database, c[1]);
  if (!c.exists(from) || c.exists(to)) {
    return integer(0);
  }
  carry_over(c, from, to);
  c.erase(from);
  return integer(1);
}

void move_keys(std::span<const std::string> arguments, std::uint32_t database,
               std::vector<target::Key>& keys) {
  if (arguments.size() < 3) {
    return;
  }
  const std::int64_t other = parse_integer(arguments[2]).value_or(database);
  keys.push_back({database, arguments[1]});
  keys.push_back({static_cast<std::uint32_t>(other), arguments[1]});
}

struct CopyOptions {
  std::uint32_t database = 0;
  bool replace = false;
};

CopyOptions copy_options(const Context& c) {
  CopyOptions options{.database = c.database()};
  for (std::size_t at = 3; at < c.count(); ++at) {
    if (c.is(at, "REPLACE")) {
      options.replace = true;
    } else if (c.is(at, "DB") && at + 1 < c.count()) {
      options.database = database_at(c, ++at);
    } else {
      throw Failure{};
    }
  }
  return options;
}

Reply copy(Context& c) {
  const CopyOptions options = copy_options(c);
  const KeyId from = c.key(1);
  const KeyId to = c.key_in(options.database, c[2]);
  if (from == to) {
    throw Failure{};
  }
  if (!c.exists(from) || (!options.replace && c.exists(to))) {
    return integer(0);
  }
  carry_over(c, from, to);
  return integer(1);
}

// The destination comes first: it alone is written.
void copy_keys(std::span<const std::string> arguments, std::uint32_t database,
               std::vector<target::Key>& keys) {
  if (arguments.size() < 3) {
    return;
  }
  std::uint32_t to = database;
  for (std::size_t at = 3; at + 1 < arguments.size(); ++at) {
    if (same_word(arguments[at], "DB")) {
      to = static_cast<std::uint32_t>(parse_integer(arguments[at + 1]).value_or(database));
    }
  }
  keys.push_back({to, arguments[2]});
  keys.push_back({database, arguments[1]});
}

struct ExpireOptions {
  bool nx = false;
  bool xx = false;
  bool gt = false;
  bool lt = false;
};

ExpireOptions expire_options(const Context& c) {
  ExpireOptions options;
  for (std::size_t at = 3; at < c.count(); ++at) {
    if (c.is(at, "NX")) {
      options.nx = true;
    } else if (c.is(at, "XX")) {
      options.xx = true;
    } else if (c.is(at, "GT")) {
      options.gt = true;
    } else if (c.is(at, "LT")) {
      options.lt = true;
    } else {
      throw Failure{};
    }
  }
  if (options.nx && (options.xx || options.gt || options.lt)) {
    throw Failure{};
  }
  if (options.gt && options.lt) {
    throw Failure{};
  }
  return options;
}

// Whether `one` is later than `other`. Where the windows leave that open the reply decides.
bool is_later(const Context& c, const TimeWindow& one, const TimeWindow& other, bool if_done) {
  if (one.from_ms > other.to_ms) {
    return true;
  }
  if (one.to_ms <= other.from_ms) {
    return false;
  }
  if (c.reply() == nullptr) {
    throw Undetermined{};
  }
  return (c.reply()->integer == 1) == if_done;
}

Reply expire(Context& c, std::int64_t unit_ms, bool absolute) {
  const ExpireOptions options = expire_options(c);
  std::int64_t time = c.integer_at(2);
  if (time > kMsMax / unit_ms || time < -(kMsMax / unit_ms)) {
    throw Failure{};
  }
  time *= unit_ms;
  if (!absolute && time > kMsMax - c.when().to_ms) {
    throw Failure{};
  }
  const TimeWindow deadline = absolute ? TimeWindow{.from_ms = time, .to_ms = time} : c.after(time);

  const KeyId key = c.key(1);
  if (!c.exists(key)) {
    return integer(0);
  }
  const std::optional<TimeWindow> old = deadline_of(c, key);
  if (options.nx && old) {
    return integer(0);
  }
  if (options.xx && !old) {
    return integer(0);
  }
  // A key without a deadline counts as one that lives for ever.
  if (options.gt && (!old || !is_later(c, deadline, *old, true))) {
    return integer(0);
  }
  if (options.lt && old && !is_later(c, *old, deadline, true)) {
    return integer(0);
  }
  const bool passed = absolute ? deadline.to_ms + kNearMs < c.when().from_ms : time <= 0;
  if (passed) {
    c.erase(key);
  } else {
    c.set_deadline(key, deadline);
  }
  return integer(1);
}

Reply expire_seconds(Context& c) {
  return expire(c, 1000, false);
}
Reply pexpire(Context& c) {
  return expire(c, 1, false);
}
Reply expireat(Context& c) {
  return expire(c, 1000, true);
}
Reply pexpireat(Context& c) {
  return expire(c, 1, true);
}

Reply persist(Context& c) {
  const KeyId key = c.key(1);
  if (!c.exists(key) || !deadline_of(c, key)) {
    return integer(0);
  }
  c.clear_deadline(key);
  return integer(1);
}

// A read, but RESTORE needs it: payloads are the server's own format, which the oracle does not read.
Reply dump(Context& c) {
  const KeyId key = c.key(1);
  if (!c.exists(key)) {
    return null();
  }
  if (c.reply() != nullptr) {
    c.remember_dump(c.reply()->text, key);
  }
  return std::nullopt;
}

Reply restore(Context& c) {
  bool replace = false;
  bool absolute = false;
  for (std::size_t at = 4; at < c.count(); ++at) {
    if (c.is(at, "REPLACE")) {
      replace = true;
    } else if (c.is(at, "ABSTTL")) {
      absolute = true;
    } else if ((c.is(at, "IDLETIME") || c.is(at, "FREQ")) && at + 1 < c.count()) {
      (void)c.integer_at(++at);
    } else {
      throw Failure{};
    }
  }
  const std::int64_t ttl = c.integer_at(2);
  if (ttl < 0) {
    throw Failure{};
  }
  const KeyId key = c.key(1);
  if (!replace && c.exists(key)) {
    throw Failure{"BUSYKEY"};
  }
  const TrackedValue* value = c.recall_dump(c[3]);
  if (value == nullptr) {
    throw Undetermined{};
  }
  c.put(key, *value);
  if (ttl > 0) {
    c.set_deadline(key, absolute ? TimeWindow{.from_ms = ttl, .to_ms = ttl} : c.after(ttl));
  }
  return ok();
}

constexpr KeyRange kAll{.first = 1, .last = -1};
constexpr KeyRange kFirstWritten{.first = 0, .last = 0, .step = 1, .written = 1};

constexpr Command kKeyCommands[] = {
    {"DEL", -2, kAll, del},
    {"UNLINK", -2, kAll, del},
    {"RENAME", 3, kFirstTwoKeys, rename_over},
    {"RENAMENX", 3, kFirstTwoKeys, renamenx},
    {"MOVE", 3, {}, move, move_keys},
    {"COPY", -3, kFirstWritten, copy, copy_keys},
    {"EXPIRE", -3, kFirstKey, expire_seconds},
    {"PEXPIRE", -3, kFirstKey, pexpire},
    {"EXPIREAT", -3, kFirstKey, expireat},
    {"PEXPIREAT", -3, kFirstKey, pexpireat},
    {"PERSIST", 2, kFirstKey, persist},
    {"DUMP", 2, kFirstKey, dump},
    {"RESTORE", -4, kFirstKey, restore},
};

}  // namespace

std::span<const Command> key_commands() {
  return kKeyCommands;
}

}  // namespace crashpoint::oracle
