// Lists: LMOVE, LMPOP, and the commands that wait for a list to hold something.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "engine/commands/dispatch/arguments.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::List;
using keyspace::ListEnd;
using keyspace::Object;
using keyspace::Type;

// The first of the keys that holds a list. False when an error was replied. Only `ready_key` counts
// while a waiting client is served.
bool first_list(Context& c, std::span<const std::string_view> keys, KeyEntry*& found) {
  found = nullptr;
  for (const std::string_view key : keys) {
    if (c.ready_key && *c.ready_key != key) {
      continue;
    }
    KeyEntry* entry = c.find_to_write(key);
    if (c.wrong_type(entry, Type::kList)) {
      return false;
    }
    if (entry != nullptr) {
      found = entry;
      return true;
    }
  }
  return true;
}

// Removes up to `count` elements, replying each.
void pop_from(Context& c, KeyEntry& entry, ListEnd end, std::size_t count) {
  List& list = entry.object.list();
  for (std::size_t i = 0; i < count; ++i) {
    c.reply.bulk(list.peek(end).text());
    list.drop(end);
  }
}

Event push_event(ListEnd end) {
  return {kListEvent, end == ListEnd::kFront ? "lpush" : "rpush"};
}
Event pop_event(ListEnd end) {
  return {kListEvent, end == ListEnd::kFront ? "lpop" : "rpop"};
}

void move(Context& c, KeyEntry& source, std::string_view destination, ListEnd from, ListEnd to) {
  KeyEntry* target = c.find_to_write(destination);
  if (c.wrong_type(target, Type::kList)) {
    return;
  }
  const std::string source_key(source.key());
  const std::string element = source.object.list().pop(from);
  if (target == nullptr) {
    target = &c.insert(destination, Object::list(std::make_unique<List>()));
  }
  target->object.list().push(to, element, c.limits());
  c.modified(destination, push_event(to));
  c.modified(source_key, pop_event(from), 0);
  c.erase_if_empty(source);
  c.reply.bulk(element);
}

void move_now(Context& c, ListEnd from, ListEnd to) {
  KeyEntry* source = c.find_to_write(c.argv[1]);
  if (source == nullptr) {
    return c.reply.null();
  }
  if (!c.wrong_type(source, Type::kList)) {
    move(c, *source, c.argv[2], from, to);
  }
}

void move_or_wait(Context& c, ListEnd from, ListEnd to, std::size_t timeout_index) {
  const auto until = deadline(c, timeout_index);
  if (!until) {
    return;
  }
  const auto keys = c.argv.subspan(1, 1);
  KeyEntry* source = nullptr;
  if (!first_list(c, keys, source)) {
    return;
  }
  if (source != nullptr) {
    move(c, *source, c.argv[2], from, to);
  } else if (!c.wait_for(keys, Type::kList, *until)) {
    c.reply.null();
  }
}

void pop_or_wait(Context& c, ListEnd end) {
  const auto until = deadline(c, c.argv.size() - 1);
  if (!until) {
    return;
  }
  const auto keys = c.argv.subspan(1, c.argv.size() - 2);
  KeyEntry* entry = nullptr;
  if (!first_list(c, keys, entry)) {
    return;
  }
  if (entry == nullptr) {
    if (!c.wait_for(keys, Type::kList, *until)) {
      c.reply.null_array();
    }
    return;
  }
  c.outcome.key = *std::find(keys.begin(), keys.end(), entry->key());
  c.outcome.end = end;
  c.reply.array(2);
  c.reply.bulk(entry->key());
  pop_from(c, *entry, end, 1);
  c.modified(c.outcome.key, pop_event(end));
  c.erase_if_empty(*entry);
}

// LMPOP, or BLMPOP with its timeout before the number of keys.
void pop_many(Context& c, std::size_t count_index, std::optional<std::int64_t> until) {
  const auto given =
      c.integer_in(count_index, 1, kInt64Max, "ERR numkeys should be greater than 0");
  if (!given) {
    return;
  }
  const auto key_count = static_cast<std::size_t>(*given);
  if (key_count >= c.argv.size() - count_index - 1) {
    return c.error(errors::kSyntax);
  }
  const std::size_t end_index = count_index + 1 + key_count;
  const auto end = list_end(c, end_index);
  if (!end) {
    return;
  }
  std::optional<std::int64_t> count;
  for (std::size_t i = end_index + 1; i < c.argv.size(); i += 2) {
    if (count || !c.is_word(i, "COUNT") || i + 1 == c.argv.size()) {
      return c.error(errors::kSyntax);
    }
    count = c.integer_in(i + 1, 1, kInt64Max, "ERR count should be greater than 0");
    if (!count) {
      return;
    }
  }
  const auto keys = c.argv.subspan(count_index + 1, key_count);
  KeyEntry* entry = nullptr;
  if (!first_list(c, keys, entry)) {
    return;
  }
  if (entry == nullptr) {
    if (!until || !c.wait_for(keys, Type::kList, *until)) {
      c.reply.null_array();
    }
    return;
  }
  const auto popped =
      std::min(static_cast<std::size_t>(count.value_or(1)), entry->object.list().size());
  c.outcome.key = *std::find(keys.begin(), keys.end(), entry->key());
  c.outcome.end = *end;
  c.outcome.count = static_cast<std::int64_t>(popped);
  c.reply.array(2);
  c.reply.bulk(entry->key());
  c.reply.array(popped);
  pop_from(c, *entry, *end, popped);
  c.modified(c.outcome.key, pop_event(*end), popped);
  c.erase_if_empty(*entry);
}

}  // namespace

void lmove_command(Context& c) {
  const auto from = list_end(c, 3);
  if (!from) {
    return;
  }
  if (const auto to = list_end(c, 4)) {
    move_now(c, *from, *to);
  }
}

void rpoplpush_command(Context& c) {
  move_now(c, ListEnd::kBack, ListEnd::kFront);
}

void blmove_command(Context& c) {
  const auto from = list_end(c, 3);
  if (!from) {
    return;
  }
  if (const auto to = list_end(c, 4)) {
    move_or_wait(c, *from, *to, 5);
  }
}

void brpoplpush_command(Context& c) {
  move_or_wait(c, ListEnd::kBack, ListEnd::kFront, 3);
}

void blpop_command(Context& c) {
  pop_or_wait(c, ListEnd::kFront);
}

void brpop_command(Context& c) {
  pop_or_wait(c, ListEnd::kBack);
}

void lmpop_command(Context& c) {
  pop_many(c, 1, std::nullopt);
}

void blmpop_command(Context& c) {
  if (const auto until = deadline(c, 1)) {
    pop_many(c, 2, until);
  }
}

}  // namespace engine::commands
