// What changes whole databases at once.
#include "harness/oracle/resp/command_table.h"

namespace crashpoint::oracle {
namespace {

Reply flush_option(const Context& c) {
  if (c.count() > 2 || (c.count() == 2 && !c.is(1, "ASYNC") && !c.is(1, "SYNC"))) {
    throw Failure{};
  }
  return ok();
}

Reply flushdb(Context& c) {
  Reply reply = flush_option(c);
  for (const KeyId key : c.keys_in(c.database())) {
    c.erase(key);
  }
  return reply;
}

Reply flushall(Context& c) {
  Reply reply = flush_option(c);
  for (const std::uint32_t database : c.databases()) {
    for (const KeyId key : c.keys_in(database)) {
      c.erase(key);
    }
  }
  return reply;
}

Reply swapdb(Context& c) {
  const std::int64_t one = c.integer_at(1);
  const std::int64_t other = c.integer_at(2);
  if (one < 0 || other < 0) {
    throw Failure{};
  }
  if (one != other) {
    c.swap_databases(static_cast<std::uint32_t>(one), static_cast<std::uint32_t>(other));
  }
  return ok();
}

// DEBUG POPULATE count [prefix] [size]: the one debug command that writes.
Reply debug(Context& c) {
  if (!c.is(1, "POPULATE")) {
    return std::nullopt;
  }
  if (c.count() < 3 || c.count() > 5) {
    throw Failure{};
  }
  const std::int64_t count = c.integer_at(2);
  const std::string prefix = c.count() > 3 ? c[3] : "key";
  const std::int64_t size = c.count() > 4 ? c.integer_at(4) : 0;
  if (count < 0 || size < 0) {
    throw Failure{};
  }
  for (std::int64_t number = 0; number < count; ++number) {
    const KeyId key = c.key_in(c.database(), prefix + ":" + std::to_string(number));
    if (c.is_unknown(key) || c.exists(key)) {
      continue;
    }
    std::string value = "value:" + std::to_string(number);
    if (size > 0) {
      value.resize(static_cast<std::size_t>(size));
    }
    c.put_string(key, std::move(value));
  }
  return ok();
}

constexpr Command kServerCommands[] = {
    {"FLUSHDB", -1, {}, flushdb, nullptr, true},
    {"FLUSHALL", -1, {}, flushall, nullptr, true},
    {"SWAPDB", 3, {}, swapdb, nullptr, true},
    {"DEBUG", -2, {}, debug, nullptr, true},
};

}  // namespace

std::span<const Command> server_commands() {
  return kServerCommands;
}

}  // namespace crashpoint::oracle
