// Strings: SET and its relatives, counters, ranges.
#include <cmath>
#include <cstdio>
#include <limits>

#include "harness/oracle/resp/command_table.h"

namespace crashpoint::oracle {
namespace {

constexpr std::int64_t kStringMax = 512LL * 1024 * 1024;
constexpr std::int64_t kMsMax = std::numeric_limits<std::int64_t>::max();

const TrackedString* find_string(Context& c, KeyId key) {
  return c.find<TrackedString>(key);
}

Reply old_value(const TrackedString* value) {
  return value == nullptr ? null() : bulk(value->get());
}

// The deadline that option `at` (EX, PX, EXAT, PXAT) with its number says. Throws Failure.
TimeWindow deadline_option(const Context& c, std::size_t at) {
  if (at + 1 >= c.count()) {
    throw Failure{};
  }
  std::int64_t time = c.integer_at(at + 1);
  const bool seconds = c.is(at, "EX") || c.is(at, "EXAT");
  const bool relative = c.is(at, "EX") || c.is(at, "PX");
  if (time <= 0 || (seconds && time > kMsMax / 1000)) {
    throw Failure{};
  }
  if (seconds) {
    time *= 1000;
  }
  if (!relative) {
    return {.from_ms = time, .to_ms = time};
  }
  if (time > kMsMax - c.when().to_ms) {
    throw Failure{};
  }
  return c.after(time);
}

bool is_deadline_option(const Context& c, std::size_t at) {
  return c.is(at, "EX") || c.is(at, "PX") || c.is(at, "EXAT") || c.is(at, "PXAT");
}

Reply set(Context& c) {
  bool nx = false;
  bool xx = false;
  bool get = false;
  bool keep = false;
  std::optional<std::size_t> expire_at;
  for (std::size_t at = 3; at < c.count(); ++at) {
    if (c.is(at, "NX") && !xx) {
      nx = true;
    } else if (c.is(at, "XX") && !nx) {
      xx = true;
    } else if (c.is(at, "GET")) {
      get = true;
    } else if (c.is(at, "KEEPTTL") && !expire_at) {
      keep = true;
    } else if (is_deadline_option(c, at) && !keep && !expire_at && at + 1 < c.count()) {
      expire_at = at++;
    } else {
      throw Failure{};
    }
  }
  std::optional<TimeWindow> deadline;
  if (expire_at) {
    deadline = deadline_option(c, *expire_at);
  }
  const KeyId key = c.key(1);
  Reply reply = ok();
  if (get) {
    reply = old_value(find_string(c, key));
  }
  if ((nx && c.exists(key)) || (xx && !c.exists(key))) {
    return get ? reply : null();
  }
  if (keep) {
    c.replace_string(key, c[2]);
  } else {
    c.put_string(key, c[2]);
  }
  if (deadline) {
    c.set_deadline(key, *deadline);
  }
  return reply;
}

Reply setnx(Context& c) {
  const KeyId key = c.key(1);
  if (c.exists(key)) {
    return integer(0);
  }
  c.put_string(key, c[2]);
  return integer(1);
}

Reply set_with_time(Context& c, std::int64_t unit_ms) {
  const std::int64_t time = c.integer_at(2);
  if (time <= 0 || time > (kMsMax - c.when().to_ms) / unit_ms) {
    throw Failure{};
  }
  const KeyId key = c.key(1);
  c.put_string(key, c[3]);
  c.set_deadline(key, c.after(time * unit_ms));
  return ok();
}

Reply setex(Context& c) {
  return set_with_time(c, 1000);
}
Reply psetex(Context& c) {
  return set_with_time(c, 1);
}

Reply getset(Context& c) {
  const KeyId key = c.key(1);
  Reply reply = old_value(find_string(c, key));
  c.put_string(key, c[2]);
  return reply;
}

Reply getdel(Context& c) {
  const KeyId key = c.key(1);
  Reply reply = old_value(find_string(c, key));
  if (c.exists(key)) {
    c.erase(key);
  }
  return reply;
}

Reply getex(Context& c) {
  std::optional<TimeWindow> deadline;
  bool persist = false;
  if (c.count() == 3 && c.is(2, "PERSIST")) {
    persist = true;
  } else if (c.count() == 4 && is_deadline_option(c, 2)) {
    deadline = TimeWindow{};
  } else if (c.count() != 2) {
    throw Failure{};
  }
  const KeyId key = c.key(1);
  Reply reply = old_value(find_string(c, key));
  if (!c.exists(key)) {
    return reply;
  }
  if (deadline) {
    c.set_deadline(key, deadline_option(c, 2));
  }
  if (persist) {
    c.clear_deadline(key);
  }
  return reply;
}

void set_all(Context& c) {
  for (std::size_t at = 1; at + 1 < c.count(); at += 2) {
    c.put_string(c.key(at), c[at + 1]);
  }
}

Reply mset(Context& c) {
  if (c.count() % 2 == 0) {
    throw Failure{};
  }
  set_all(c);
  return ok();
}

Reply msetnx(Context& c) {
  if (c.count() % 2 == 0) {
    throw Failure{};
  }
  for (std::size_t at = 1; at < c.count(); at += 2) {
    if (c.exists(c.key(at))) {
      return integer(0);
    }
  }
  set_all(c);
  return integer(1);
}

Reply append(Context& c) {
  const KeyId key = c.key(1);
  const TrackedString* old = find_string(c, key);
  std::string text = (old == nullptr ? "" : old->get()) + c[2];
  const auto size = static_cast<std::int64_t>(text.size());
  if (size > kStringMax) {
    throw Failure{};
  }
  c.replace_string(key, std::move(text));
  return integer(size);
}

Reply setrange(Context& c) {
  const std::int64_t offset = c.integer_at(2);
  if (offset < 0) {
    throw Failure{};
  }
  const KeyId key = c.key(1);
  const TrackedString* old = find_string(c, key);
  std::string text = old == nullptr ? "" : old->get();
  if (c[3].empty()) {
    return integer(static_cast<std::int64_t>(text.size()));
  }
  if (offset > kStringMax - static_cast<std::int64_t>(c[3].size())) {
    throw Failure{};
  }
  const auto from = static_cast<std::size_t>(offset);
  if (text.size() < from + c[3].size()) {
    text.resize(from + c[3].size());
  }
  text.replace(from, c[3].size(), c[3]);
  const auto size = static_cast<std::int64_t>(text.size());
  c.replace_string(key, std::move(text));
  return integer(size);
}

Reply add(Context& c, std::int64_t amount) {
  const KeyId key = c.key(1);
  const TrackedString* old = find_string(c, key);
  const std::optional<std::int64_t> value = old == nullptr ? 0 : parse_integer(old->get());
  std::int64_t sum = 0;
  if (!value || __builtin_add_overflow(*value, amount, &sum)) {
    throw Failure{};
  }
  c.replace_string(key, std::to_string(sum));
  return integer(sum);
}

Reply incr(Context& c) {
  return add(c, 1);
}
Reply decr(Context& c) {
  return add(c, -1);
}
Reply incrby(Context& c) {
  return add(c, c.integer_at(2));
}
Reply decrby(Context& c) {
  const std::int64_t amount = c.integer_at(2);
  if (amount == std::numeric_limits<std::int64_t>::min()) {
    throw Failure{};
  }
  return add(c, -amount);
}

Reply incrbyfloat(Context& c) {
  const KeyId key = c.key(1);
  const TrackedString* old = find_string(c, key);
  std::string sum = add_floats(old == nullptr ? "0" : old->get(), c[2]);
  // How the sum is rounded is the target's choice: its reply tells.
  if (c.reply() == nullptr) {
    throw undetermined_but([sum](const target::Entry* found) {
      const auto* text = found == nullptr ? nullptr : std::get_if<std::string>(&found->value);
      return text != nullptr && nearly_equal(*text, sum);
    });
  }
  if (nearly_equal(c.reply()->text, sum)) {
    sum = c.reply()->text;
  }
  c.replace_string(key, sum);
  return bulk(std::move(sum));
}

constexpr KeyRange kPairs{.first = 1, .last = -1, .step = 2};

constexpr Command kStringCommands[] = {
    {"SET", -3, kFirstKey, set},          {"SETNX", 3, kFirstKey, setnx},
    {"SETEX", 4, kFirstKey, setex},       {"PSETEX", 4, kFirstKey, psetex},
    {"GETSET", 3, kFirstKey, getset},     {"GETDEL", 2, kFirstKey, getdel},
    {"GETEX", -2, kFirstKey, getex},      {"MSET", -3, kPairs, mset},
    {"MSETNX", -3, kPairs, msetnx},       {"APPEND", 3, kFirstKey, append},
    {"SETRANGE", 4, kFirstKey, setrange}, {"INCR", 2, kFirstKey, incr},
    {"DECR", 2, kFirstKey, decr},         {"INCRBY", 3, kFirstKey, incrby},
    {"DECRBY", 3, kFirstKey, decrby},     {"INCRBYFLOAT", 3, kFirstKey, incrbyfloat},
};

}  // namespace

std::span<const Command> string_commands() {
  return kStringCommands;
}

}  // namespace crashpoint::oracle
