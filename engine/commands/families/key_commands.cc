// Keys of any type: DEL, RENAME, COPY, DUMP, OBJECT, ...
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/text.h"
#include "engine/commands/dispatch/arguments.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

using keyspace::Database;
using keyspace::KeyEntry;
using keyspace::kNoExpiry;
using keyspace::Object;

void count_existing(Context& c) {
  std::int64_t count = 0;
  for (const std::string_view key : c.argv.subspan(1)) {
    count += c.find_to_read(key) != nullptr ? 1 : 0;
  }
  c.reply.integer(count);
}

// The value moves with its expiry; what the new name held is erased first.
void rename(Context& c, bool only_if_new) {
  const std::string_view from = c.argv[1];
  const std::string_view to = c.argv[2];
  KeyEntry* source = c.find_to_write(from);
  if (source == nullptr) {
    return c.error(errors::kNoSuchKey);
  }
  if (from == to) {
    return only_if_new ? c.reply.integer(0) : c.reply.ok();
  }
  if (c.find_to_write(to) != nullptr) {
    if (only_if_new) {
      return c.reply.integer(0);
    }
    c.erase(to);
  }
  const std::int64_t expire_ms = c.db().expire_ms(*source);
  KeyEntry& renamed = c.insert(to, c.db().extract(*source));
  if (expire_ms != kNoExpiry) {
    c.db().set_expire(renamed, expire_ms);
  }
  c.modified(from, {kGenericEvent, "rename_from"}, 0);
  c.modified(to, {kGenericEvent, "rename_to"});
  if (only_if_new) {
    c.reply.integer(1);
  } else {
    c.reply.ok();
  }
}

// OBJECT's key, without that being an access. Replies null when there is none.
KeyEntry* inspected(Context& c) {
  KeyEntry* entry = c.peek(c.argv[2]);
  if (entry == nullptr) {
    c.reply.null();
  }
  return entry;
}

}  // namespace

void del_command(Context& c) {
  const bool lazily =
      c.state.settings.lazyfree_lazy_user_del || equals_ignoring_case(c.argv[0], "unlink");
  std::int64_t erased = 0;
  for (const std::string_view key : c.argv.subspan(1)) {
    if (c.peek(key) != nullptr) {
      if (lazily) {
        c.db().erase_lazily(key);
      } else {
        c.erase(key);
      }
      c.modified(key, {kGenericEvent, "del"});
      ++erased;
    }
  }
  c.reply.integer(erased);
}

void exists_command(Context& c) {
  count_existing(c);
}

void touch_command(Context& c) {
  count_existing(c);
}

void type_command(Context& c) {
  const KeyEntry* entry = c.peek(c.argv[1]);
  c.reply.simple(entry == nullptr ? "none" : type_name(entry->object.type()));
}

void keys_command(Context& c) {
  const std::string_view pattern = c.argv[1];
  std::vector<std::string> expired;
  const std::size_t mark = c.reply.mark();
  std::size_t count = 0;
  c.db().for_each([&](std::string_view key, const Object&, std::int64_t expire_ms) {
    if (pattern != "*" && !glob_match(pattern, key)) {
      return;
    }
    if (expire_ms != kNoExpiry && expire_ms < c.now_ms()) {
      expired.emplace_back(key);
      return;
    }
    c.reply.bulk(key);
    ++count;
  });
  c.reply.close_array(mark, count);
  for (const std::string& key : expired) {
    c.peek(key);
  }
}

void randomkey_command(Context& c) {
  while (c.db().size() > 0) {
    KeyEntry& entry = c.db().random(c.state.random);
    if (!c.state.expire_if_due(c.db_index(), entry)) {
      return c.reply.bulk(entry.key());
    }
  }
  c.reply.null();
}

void rename_command(Context& c) {
  rename(c, false);
}

void renamenx_command(Context& c) {
  rename(c, true);
}

void move_command(Context& c) {
  const std::string_view key = c.argv[1];
  const auto target = database_index(c, 2);
  if (!target) {
    return;
  }
  if (*target == c.db_index()) {
    return c.error(errors::kSameObject);
  }
  KeyEntry* source = c.find_to_write(key);
  if (source == nullptr || c.peek(*target, key) != nullptr) {
    return c.reply.integer(0);
  }
  const std::int64_t expire_ms = c.db().expire_ms(*source);
  KeyEntry& moved = c.insert(*target, key, c.db().extract(*source));
  if (expire_ms != kNoExpiry) {
    c.state.keyspace.database(*target).set_expire(moved, expire_ms);
  }
  c.modified(key, {kGenericEvent, "move_from"});
  c.modified(*target, key, {kGenericEvent, "move_to"}, 0);
  c.reply.integer(1);
}

// COPY source destination [DB index] [REPLACE]
void copy_command(Context& c) {
  int target = c.db_index();
  bool replace = false;
  for (std::size_t i = 3; i < c.argv.size(); ++i) {
    if (c.is_word(i, "REPLACE")) {
      replace = true;
    } else if (c.is_word(i, "DB") && i + 1 < c.argv.size()) {
      const auto given = database_index(c, ++i);
      if (!given) {
        return;
      }
      target = *given;
    } else {
      return c.error(errors::kSyntax);
    }
  }
  const std::string_view from = c.argv[1];
  const std::string_view to = c.argv[2];
  if (target == c.db_index() && from == to) {
    return c.error(errors::kSameObject);
  }
  KeyEntry* source = c.find_to_read(from);
  if (source == nullptr) {
    return c.reply.integer(0);
  }
  Database& database = c.state.keyspace.database(target);
  if (c.peek(target, to) != nullptr) {
    if (!replace) {
      return c.reply.integer(0);
    }
    database.erase(to);
  }
  const std::int64_t expire_ms = c.db().expire_ms(*source);
  KeyEntry& copied = c.insert(target, to, source->object.clone());
  if (expire_ms != kNoExpiry) {
    database.set_expire(copied, expire_ms);
  }
  c.modified(target, to, {kGenericEvent, "copy_to"}, 1);
  c.reply.integer(1);
}

void dump_command(Context& c) {
  const KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (entry == nullptr) {
    return c.reply.null();
  }
  c.reply.bulk(c.state.codec.dump(entry->object));
}

// RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME s] [FREQ n]. The key is replaced only once
// the payload has been read.
void restore_command(Context& c) {
  const std::string_view key = c.argv[1];
  bool replace = false;
  bool absolute = false;
  std::optional<std::int64_t> idle_s;
  std::optional<std::int64_t> frequency;
  for (std::size_t i = 4; i < c.argv.size(); ++i) {
    const bool has_next = i + 1 < c.argv.size();
    if (c.is_word(i, "REPLACE")) {
      replace = true;
    } else if (c.is_word(i, "ABSTTL")) {
      absolute = true;
    } else if (c.is_word(i, "IDLETIME") && has_next && !frequency) {
      idle_s = c.integer(++i);
      if (!idle_s) {
        return;
      }
      if (*idle_s < 0) {
        return c.error("ERR Invalid IDLETIME value, must be >= 0");
      }
    } else if (c.is_word(i, "FREQ") && has_next && !idle_s) {
      frequency = c.integer(++i);
      if (!frequency) {
        return;
      }
      if (*frequency < 0 || *frequency > 255) {
        return c.error("ERR Invalid FREQ value, must be >= 0 and <= 255");
      }
    } else {
      return c.error(errors::kSyntax);
    }
  }
  if (!replace && c.find_to_write(key) != nullptr) {
    return c.error("BUSYKEY Target key name already exists.");
  }
  const auto ttl = c.integer(2);
  if (!ttl) {
    return;
  }
  if (*ttl < 0) {
    return c.error("ERR Invalid TTL value, must be >= 0");
  }
  Result<Object> value = c.state.codec.restore(c.argv[3], c.limits());
  if (!value) {
    return c.error(value.error().message);
  }
  const bool replaced = replace && c.peek(key) != nullptr && c.erase(key);
  std::int64_t expire_ms = kNoExpiry;
  if (*ttl > 0) {
    constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
    expire_ms = absolute || *ttl > kForever - c.now_ms() ? *ttl : *ttl + c.now_ms();
    if (expire_ms <= c.now_ms() && !c.state.replaying) {
      if (replaced) {
        c.modified(key, {kGenericEvent, "del"});
      }
      return c.reply.ok();
    }
  }
  KeyEntry& entry = c.insert(key, std::move(*value));
  if (expire_ms != kNoExpiry) {
    c.db().set_expire(entry, expire_ms);
  }
  using Access = Settings::Access;
  if (idle_s && c.state.settings.access == Access::kLru) {
    entry.object.set_access(static_cast<std::uint32_t>(c.now_ms() / 1000 - *idle_s));
  } else if (frequency && c.state.settings.access == Access::kLfu) {
    entry.object.set_access((entry.object.access() & ~0xffu) |
                            static_cast<std::uint32_t>(*frequency));
  }
  c.modified(key, {kGenericEvent, "restore"});
  c.reply.ok();
}

void object_encoding_command(Context& c) {
  if (const KeyEntry* entry = inspected(c)) {
    c.reply.bulk(entry->object.encoding_name());
  }
}

void object_refcount_command(Context& c) {
  if (inspected(c) != nullptr) {
    c.reply.integer(1);
  }
}

void object_idletime_command(Context& c) {
  const KeyEntry* entry = inspected(c);
  if (entry == nullptr) {
    return;
  }
  if (c.state.settings.access == Settings::Access::kLfu) {
    return c.error(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when "
        "switching between policies at runtime LRU and LFU data will take some time to adjust.");
  }
  const auto now = static_cast<std::uint32_t>(c.now_ms() / 1000);
  c.reply.integer((now - entry->object.access()) & 0xffffff);
}

void object_freq_command(Context& c) {
  const KeyEntry* entry = inspected(c);
  if (entry == nullptr) {
    return;
  }
  if (c.state.settings.access == Settings::Access::kLru) {
    return c.error(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note "
        "that when switching between policies at runtime LRU and LFU data will take some time to "
        "adjust.");
  }
  c.reply.integer(c.state.decayed_frequency(entry->object));
}

}  // namespace engine::commands
