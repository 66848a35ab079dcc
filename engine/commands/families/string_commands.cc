// Strings: GET, SET, INCR, ...
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/text.h"
#include "engine/commands/dispatch/arguments.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::Object;
using keyspace::Type;

constexpr Event kSet = {kStringEvent, "set"};
constexpr Event kExpire = {kGenericEvent, "expire"};
constexpr Event kDelete = {kGenericEvent, "del"};

// Sets the key to this string, whatever it held; drops the expiry unless it must be kept.
KeyEntry& put(Context& c, KeyEntry* entry, std::string_view key, std::string_view value,
              bool keep_expiry = false) {
  if (entry == nullptr) {
    return c.insert(key, Object::string(value));
  }
  if (entry->object.type() == Type::kString) {
    entry->object.assign(value);
  } else {
    const std::uint32_t access = entry->object.access();
    entry->object = Object::string(value);
    entry->object.set_access(access);
  }
  if (!keep_expiry) {
    c.db().clear_expire(*entry);
  }
  return *entry;
}

// Replies the value, or null; false when it is no string (an error was replied).
bool reply_value(Context& c, KeyEntry* entry) {
  if (c.wrong_type(entry, Type::kString)) {
    return false;
  }
  if (entry == nullptr) {
    c.reply.null();
  } else {
    c.reply.bulk(entry->object.text().text());
  }
  return true;
}

bool too_long(Context& c, std::size_t size) {
  constexpr std::size_t kObjectBytesMax = std::numeric_limits<std::uint32_t>::max();
  if (size <= std::min(c.state.settings.proto_max_bulk_len, kObjectBytesMax)) {
    return false;
  }
  c.error(errors::kStringTooLong);
  return true;
}

struct SetOptions {
  bool only_new = false;
  bool only_existing = false;
  bool get = false;
  bool keep_expiry = false;
  bool persist = false;
  std::optional<ExpireOption> expire;
  std::size_t expire_at = 0;  // index of the time
};

// The options of SET (from argument 3) or GETEX (from 2); replies a syntax error and returns
// nothing when they cannot be combined.
std::optional<SetOptions> parse_options(Context& c, std::size_t first, bool is_set) {
  SetOptions options;
  const auto syntax_error = [&c]() -> std::optional<SetOptions> {
    c.error(errors::kSyntax);
    return std::nullopt;
  };
  for (std::size_t i = first; i < c.argv.size(); ++i) {
    const bool has_expiry = options.expire || options.keep_expiry || options.persist;
    if (is_set && c.is_word(i, "NX") && !options.only_existing) {
      options.only_new = true;
    } else if (is_set && c.is_word(i, "XX") && !options.only_new) {
      options.only_existing = true;
    } else if (is_set && c.is_word(i, "GET")) {
      options.get = true;
    } else if (is_set && c.is_word(i, "KEEPTTL") && !options.expire) {
      options.keep_expiry = true;
    } else if (!is_set && c.is_word(i, "PERSIST") && !options.expire) {
      options.persist = true;
    } else if (const auto expire = expire_option(c, i);
               expire && !has_expiry && i + 1 < c.argv.size()) {
      options.expire = expire;
      options.expire_at = ++i;
    } else {
      return syntax_error();
    }
  }
  return options;
}

// INCR, DECR, INCRBY, DECRBY. A string may hold an integer as text (after APPEND or SETRANGE).
void add_to_integer(Context& c, std::int64_t increment) {
  const std::string_view key = c.argv[1];
  KeyEntry* entry = c.find_to_write(key);
  if (c.wrong_type(entry, Type::kString)) {
    return;
  }
  std::int64_t value = 0;
  if (entry != nullptr) {
    const std::optional<std::int64_t> held = entry->object.is_integer()
                                                 ? entry->object.integer_value()
                                                 : parse_int64(entry->object.text().text());
    if (!held) {
      return c.error(errors::kNotInteger);
    }
    value = *held;
  }
  if (__builtin_add_overflow(value, increment, &value)) {
    return c.error(errors::kOverflow);
  }
  if (entry == nullptr) {
    c.insert(key, Object::integer(value));
  } else {
    entry->object.assign(value);
  }
  c.modified(key, {kStringEvent, "incrby"});
  c.reply.integer(value);
}

void set_with_expiry(Context& c, TimeUnit unit) {
  const std::optional<std::int64_t> at_ms = expire_time(c, 2, unit, false);
  if (!at_ms) {
    return;
  }
  KeyEntry& entry = put(c, c.find_to_write(c.argv[1]), c.argv[1], c.argv[3]);
  c.db().set_expire(entry, *at_ms);
  c.modified(c.argv[1], kSet);
  c.notify(kExpire, c.argv[1]);
  c.reply.ok();
}

// Whether the number of arguments after the name is even, as MSET wants it; replies the error.
bool are_pairs(Context& c, std::string_view name) {
  if (c.argv.size() % 2 == 1) {
    return true;
  }
  c.error("ERR wrong number of arguments for '" + std::string(name) + "' command");
  return false;
}

void set_all_pairs(Context& c) {
  for (std::size_t i = 1; i < c.argv.size(); i += 2) {
    put(c, c.find_to_write(c.argv[i]), c.argv[i], c.argv[i + 1]);
    c.modified(c.argv[i], kSet);
  }
}

}  // namespace

void get_command(Context& c) {
  reply_value(c, c.find_to_read(c.argv[1]));
}

// SET key value [NX|XX] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL]
void set_command(Context& c) {
  const std::string_view key = c.argv[1];
  if (c.argv.size() == 3) {
    put(c, c.find_to_write(key), key, c.argv[2]);
    c.modified(key, kSet);
    return c.reply.ok();
  }
  const std::optional<SetOptions> options = parse_options(c, 3, true);
  if (!options) {
    return;
  }
  std::optional<std::int64_t> expire_at_ms;
  if (options->expire) {
    expire_at_ms =
        expire_time(c, options->expire_at, options->expire->unit, options->expire->absolute);
    if (!expire_at_ms) {
      return;
    }
  }
  KeyEntry* entry = options->get ? c.find_to_read(key) : c.find_to_write(key);
  if (options->get && !reply_value(c, entry)) {
    return;
  }
  if (entry != nullptr ? options->only_new : options->only_existing) {
    if (!options->get) {
      c.reply.null();
    }
    return;
  }
  KeyEntry& set = put(c, entry, key, c.argv[2], options->keep_expiry);
  c.modified(key, kSet);
  if (expire_at_ms) {
    c.db().set_expire(set, *expire_at_ms);
    c.notify(kExpire, key);
  }
  if (!options->get) {
    c.reply.ok();
  }
}

void setnx_command(Context& c) {
  if (c.find_to_write(c.argv[1]) != nullptr) {
    return c.reply.integer(0);
  }
  put(c, nullptr, c.argv[1], c.argv[2]);
  c.modified(c.argv[1], kSet);
  c.reply.integer(1);
}

void setex_command(Context& c) {
  set_with_expiry(c, TimeUnit::kSeconds);
}

void psetex_command(Context& c) {
  set_with_expiry(c, TimeUnit::kMilliseconds);
}

void getset_command(Context& c) {
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (!reply_value(c, entry)) {
    return;
  }
  put(c, entry, c.argv[1], c.argv[2]);
  c.modified(c.argv[1], kSet);
}

void getdel_command(Context& c) {
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (!reply_value(c, entry) || entry == nullptr) {
    return;
  }
  c.erase(c.argv[1]);
  c.modified(c.argv[1], kDelete);
}

void getex_command(Context& c) {
  const std::optional<SetOptions> options = parse_options(c, 2, false);
  if (!options) {
    return;
  }
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (entry == nullptr) {
    return c.reply.null();
  }
  if (c.wrong_type(entry, Type::kString)) {
    return;
  }
  std::optional<std::int64_t> expire_at_ms;
  if (options->expire) {
    expire_at_ms =
        expire_time(c, options->expire_at, options->expire->unit, options->expire->absolute);
    if (!expire_at_ms) {
      return;
    }
  }
  reply_value(c, entry);
  if (expire_at_ms) {
    if (*expire_at_ms <= c.now_ms() && !c.state.replaying) {
      c.erase(c.argv[1]);
      c.modified(c.argv[1], kDelete);
    } else {
      c.db().set_expire(*entry, *expire_at_ms);
      c.modified(c.argv[1], kExpire);
    }
  } else if (options->persist && c.db().clear_expire(*entry)) {
    c.modified(c.argv[1], {kGenericEvent, "persist"});
  }
}

void strlen_command(Context& c) {
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (!c.wrong_type(entry, Type::kString)) {
    c.reply.integer(entry == nullptr ? 0 : static_cast<std::int64_t>(entry->object.size()));
  }
}

void append_command(Context& c) {
  const std::string_view key = c.argv[1];
  const std::string_view tail = c.argv[2];
  KeyEntry* entry = c.find_to_write(key);
  if (c.wrong_type(entry, Type::kString)) {
    return;
  }
  if (entry == nullptr) {
    entry = &c.insert(key, Object::string(tail));
  } else {
    const std::size_t size = entry->object.size();
    if (too_long(c, size + tail.size())) {
      return;
    }
    char* bytes = entry->object.resize(size + tail.size());
    std::memcpy(bytes + size, tail.data(), tail.size());
  }
  c.modified(key, {kStringEvent, "append"});
  c.reply.integer(static_cast<std::int64_t>(entry->object.size()));
}

void setrange_command(Context& c) {
  const std::string_view key = c.argv[1];
  const std::string_view value = c.argv[3];
  const std::optional<std::int64_t> offset = c.integer(2);
  if (!offset) {
    return;
  }
  if (*offset < 0) {
    return c.error(errors::kOffsetOutOfRange);
  }
  KeyEntry* entry = c.find_to_write(key);
  if (c.wrong_type(entry, Type::kString)) {
    return;
  }
  const std::size_t size = entry == nullptr ? 0 : entry->object.size();
  if (value.empty()) {
    return c.reply.integer(static_cast<std::int64_t>(size));
  }
  const auto begin = static_cast<std::size_t>(*offset);
  if (too_long(c, begin + value.size())) {
    return;
  }
  if (entry == nullptr) {
    entry = &c.insert(key, Object::verbatim_string(""));
  }
  char* bytes = entry->object.resize(std::max(size, begin + value.size()));
  std::memcpy(bytes + begin, value.data(), value.size());
  c.modified(key, {kStringEvent, "setrange"});
  c.reply.integer(static_cast<std::int64_t>(entry->object.size()));
}

void getrange_command(Context& c) {
  std::optional<std::int64_t> start = c.integer(2);
  if (!start) {
    return;
  }
  std::optional<std::int64_t> end = c.integer(3);
  if (!end) {
    return;
  }
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (c.wrong_type(entry, Type::kString)) {
    return;
  }
  if (entry == nullptr) {
    return c.reply.bulk("");
  }
  const keyspace::Element element = entry->object.text();
  const std::string_view text = element.text();
  const auto size = static_cast<std::int64_t>(text.size());
  if (*start < 0 && *end < 0 && *start > *end) {
    return c.reply.bulk("");
  }
  *start = std::max<std::int64_t>(*start < 0 ? *start + size : *start, 0);
  *end = std::min(std::max<std::int64_t>(*end < 0 ? *end + size : *end, 0), size - 1);
  if (*start > *end || size == 0) {
    return c.reply.bulk("");
  }
  c.reply.bulk(
      text.substr(static_cast<std::size_t>(*start), static_cast<std::size_t>(*end - *start + 1)));
}

void mget_command(Context& c) {
  c.reply.array(c.argv.size() - 1);
  for (const std::string_view key : c.argv.subspan(1)) {
    KeyEntry* entry = c.find_to_read(key);
    if (entry == nullptr || entry->object.type() != Type::kString) {
      c.reply.null();
    } else {
      c.reply.bulk(entry->object.text().text());
    }
  }
}

void mset_command(Context& c) {
  if (are_pairs(c, "mset")) {
    set_all_pairs(c);
    c.reply.ok();
  }
}

void msetnx_command(Context& c) {
  if (!are_pairs(c, "msetnx")) {
    return;
  }
  for (std::size_t i = 1; i < c.argv.size(); i += 2) {
    if (c.find_to_write(c.argv[i]) != nullptr) {
      return c.reply.integer(0);
    }
  }
  set_all_pairs(c);
  c.reply.integer(1);
}

void incr_command(Context& c) {
  add_to_integer(c, 1);
}

void decr_command(Context& c) {
  add_to_integer(c, -1);
}

void incrby_command(Context& c) {
  if (const std::optional<std::int64_t> increment = c.integer(2)) {
    add_to_integer(c, *increment);
  }
}

void decrby_command(Context& c) {
  const std::optional<std::int64_t> decrement = c.integer(2);
  if (!decrement) {
    return;
  }
  if (*decrement == std::numeric_limits<std::int64_t>::min()) {
    return c.error("ERR decrement would overflow");
  }
  add_to_integer(c, -*decrement);
}

// In long double, as redis-server: the digits of the result are those it prints. The value stays
// text, so that OBJECT ENCODING agrees.
void incrbyfloat_command(Context& c) {
  const std::string_view key = c.argv[1];
  KeyEntry* entry = c.find_to_write(key);
  if (c.wrong_type(entry, Type::kString)) {
    return;
  }
  const std::optional<long double> value =
      entry == nullptr ? 0.0L : parse_long_double(entry->object.text().text());
  const std::optional<long double> increment = parse_long_double(c.argv[2]);
  if (!value || !increment) {
    return c.error(errors::kNotFloat);
  }
  const long double sum = *value + *increment;
  if (std::isnan(sum) || std::isinf(sum)) {
    return c.error(errors::kNanOrInfinity);
  }
  const std::string text = format_long_double(sum);
  if (entry == nullptr) {
    c.insert(key, Object::verbatim_string(text));
  } else {
    const std::uint32_t access = entry->object.access();
    entry->object = Object::verbatim_string(text);
    entry->object.set_access(access);
  }
  c.modified(key, {kStringEvent, "incrbyfloat"});
  c.reply.bulk(text);
}

}  // namespace engine::commands
