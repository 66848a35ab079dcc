// When keys expire: the EXPIRE and TTL families, PERSIST.
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "engine/commands/dispatch/arguments.h"
#include "engine/commands/dispatch/command_lookup.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::kNoExpiry;

struct Conditions {
  bool only_without = false;  // NX
  bool only_with = false;     // XX
  bool greater = false;       // GT
  bool less = false;          // LT

  // A key that never expires counts as expiring last.
  bool allow(std::int64_t held_ms, std::int64_t wanted_ms) const {
    const bool has = held_ms != kNoExpiry;
    return !(only_without && has) && !(only_with && !has) &&
           !(greater && (!has || wanted_ms <= held_ms)) && !(less && has && wanted_ms >= held_ms);
  }
};

std::optional<Conditions> parse_conditions(Context& c) {
  Conditions conditions;
  for (std::size_t i = 3; i < c.argv.size(); ++i) {
    if (c.is_word(i, "NX")) {
      conditions.only_without = true;
    } else if (c.is_word(i, "XX")) {
      conditions.only_with = true;
    } else if (c.is_word(i, "GT")) {
      conditions.greater = true;
    } else if (c.is_word(i, "LT")) {
      conditions.less = true;
    } else {
      c.error("ERR Unsupported option " + std::string(c.argv[i]));
      return std::nullopt;
    }
  }
  if (conditions.only_without && (conditions.only_with || conditions.greater || conditions.less)) {
    c.error("ERR NX and XX, GT or LT options at the same time are not compatible");
    return std::nullopt;
  }
  if (conditions.greater && conditions.less) {
    c.error("ERR GT and LT options at the same time are not compatible");
    return std::nullopt;
  }
  return conditions;
}

// Milliseconds since the epoch; unlike SET's EX the time may be in the past. Replies the error.
std::optional<std::int64_t> parse_time(Context& c, TimeUnit unit, bool absolute) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  const auto given = c.integer(2);
  if (!given) {
    return std::nullopt;
  }
  const std::int64_t factor = unit == TimeUnit::kSeconds ? 1000 : 1;
  const std::int64_t base = absolute ? 0 : c.now_ms();
  if (*given > kMax / factor || *given < kMin / factor || *given * factor > kMax - base) {
    c.error("ERR invalid expire time in '" + full_name(c.spec) + "' command");
    return std::nullopt;
  }
  return *given * factor + base;
}

void expire(Context& c, TimeUnit unit, bool absolute) {
  const std::string_view key = c.argv[1];
  const auto conditions = parse_conditions(c);
  if (!conditions) {
    return;
  }
  const auto at_ms = parse_time(c, unit, absolute);
  if (!at_ms) {
    return;
  }
  KeyEntry* entry = c.find_to_write(key);
  if (entry == nullptr || !conditions->allow(c.db().expire_ms(*entry), *at_ms)) {
    return c.reply.integer(0);
  }
  if (*at_ms <= c.now_ms() && !c.state.replaying) {
    c.erase(key);
    c.modified(key, {kGenericEvent, "del"});
  } else {
    c.db().set_expire(*entry, *at_ms);
    c.modified(key, {kGenericEvent, "expire"});
  }
  c.reply.integer(1);
}

enum class TimeForm { kLeft, kAbsolute };

void reply_time(Context& c, TimeUnit unit, TimeForm form) {
  const KeyEntry* entry = c.peek(c.argv[1]);
  if (entry == nullptr) {
    return c.reply.integer(-2);
  }
  std::int64_t ms = c.db().expire_ms(*entry);
  if (ms == kNoExpiry) {
    return c.reply.integer(-1);
  }
  if (form == TimeForm::kLeft) {
    ms = std::max<std::int64_t>(ms - c.now_ms(), 0);
  }
  c.reply.integer(unit == TimeUnit::kMilliseconds ? ms : (ms + 500) / 1000);
}

}  // namespace

void expire_command(Context& c) {
  expire(c, TimeUnit::kSeconds, false);
}
void expireat_command(Context& c) {
  expire(c, TimeUnit::kSeconds, true);
}
void pexpire_command(Context& c) {
  expire(c, TimeUnit::kMilliseconds, false);
}
void pexpireat_command(Context& c) {
  expire(c, TimeUnit::kMilliseconds, true);
}

void ttl_command(Context& c) {
  reply_time(c, TimeUnit::kSeconds, TimeForm::kLeft);
}
void pttl_command(Context& c) {
  reply_time(c, TimeUnit::kMilliseconds, TimeForm::kLeft);
}
void expiretime_command(Context& c) {
  reply_time(c, TimeUnit::kSeconds, TimeForm::kAbsolute);
}
void pexpiretime_command(Context& c) {
  reply_time(c, TimeUnit::kMilliseconds, TimeForm::kAbsolute);
}

void persist_command(Context& c) {
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (entry == nullptr || !c.db().clear_expire(*entry)) {
    return c.reply.integer(0);
  }
  c.modified(c.argv[1], {kGenericEvent, "persist"});
  c.reply.integer(1);
}

}  // namespace engine::commands
