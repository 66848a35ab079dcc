// Sorted sets: ZPOPMIN, ZMPOP, and their forms that wait.
#include <algorithm>
#include <optional>
#include <string_view>

#include "engine/commands/dispatch/arguments.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::ListEnd;
using keyspace::SortedSet;
using keyspace::Type;

// The first of the keys that holds a sorted set, as first_list() of lists.
bool first_sorted_set(Context& c, std::span<const std::string_view> keys, KeyEntry*& found) {
  found = nullptr;
  for (const std::string_view key : keys) {
    if (c.ready_key && *c.ready_key != key) {
      continue;
    }
    KeyEntry* entry = c.find_to_write(key);
    if (c.wrong_type(entry, Type::kSortedSet)) {
      return false;
    }
    if (entry != nullptr) {
      found = entry;
      return true;
    }
  }
  return true;
}

// Removes `count` elements from the lowest (kFront) or the highest; replies each, as an array of
// its own or not.
void pop_from(Context& c, KeyEntry& entry, ListEnd end, std::size_t count, bool as_pairs) {
  SortedSet& zset = entry.object.sorted_set();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t rank = end == ListEnd::kFront ? 0 : zset.size() - 1;
    const SortedSet::Entry element = zset.at(rank).get();
    if (as_pairs) {
      c.reply.array(2);
    }
    c.reply.bulk(element.member.text());
    c.reply.number(element.score);
    zset.erase_range(rank, 1);
  }
}

Event pop_event(ListEnd end) {
  return {kSortedSetEvent, end == ListEnd::kFront ? "zpopmin" : "zpopmax"};
}

// Records what was popped, for propagation.
void popped_from(Context& c, std::span<const std::string_view> keys, KeyEntry& entry, ListEnd end,
                 std::size_t count) {
  c.outcome.key = *std::find(keys.begin(), keys.end(), entry.key());
  c.outcome.end = end;
  c.modified(c.outcome.key, pop_event(end), count);
  c.erase_if_empty(entry);
}

void pop(Context& c, ListEnd end) {
  if (c.argv.size() > 3) {
    return c.error(errors::kSyntax);
  }
  const bool has_count = c.argv.size() == 3;
  std::size_t count = 1;
  if (has_count) {
    const auto given = c.integer_in(2, 0, kInt64Max, errors::kMustBePositive);
    if (!given) {
      return;
    }
    count = static_cast<std::size_t>(*given);
  }
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (c.wrong_type(entry, Type::kSortedSet)) {
    return;
  }
  if (entry == nullptr || count == 0) {
    return c.reply.array(0);
  }
  count = std::min(count, entry->object.sorted_set().size());
  const bool as_pairs = has_count && c.reply.resp3();
  c.reply.array(as_pairs ? count : 2 * count);
  pop_from(c, *entry, end, count, as_pairs);
  c.modified(c.argv[1], pop_event(end), count);
  c.erase_if_empty(*entry);
}

void pop_or_wait(Context& c, ListEnd end) {
  const auto until = deadline(c, c.argv.size() - 1);
  if (!until) {
    return;
  }
  const auto keys = c.argv.subspan(1, c.argv.size() - 2);
  KeyEntry* entry = nullptr;
  if (!first_sorted_set(c, keys, entry)) {
    return;
  }
  if (entry == nullptr) {
    if (!c.wait_for(keys, Type::kSortedSet, *until)) {
      c.reply.null_array();
    }
    return;
  }
  c.reply.array(3);
  c.reply.bulk(entry->key());
  pop_from(c, *entry, end, 1, false);
  popped_from(c, keys, *entry, end, 1);
}

// ZMPOP, or BZMPOP with its timeout before the number of keys.
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
  const bool highest = c.is_word(end_index, "MAX");
  if (!highest && !c.is_word(end_index, "MIN")) {
    return c.error(errors::kSyntax);
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
  if (!first_sorted_set(c, keys, entry)) {
    return;
  }
  if (entry == nullptr) {
    if (!until || !c.wait_for(keys, Type::kSortedSet, *until)) {
      c.reply.null_array();
    }
    return;
  }
  const std::size_t popped =
      std::min(static_cast<std::size_t>(count.value_or(1)), entry->object.sorted_set().size());
  const ListEnd end = highest ? ListEnd::kBack : ListEnd::kFront;
  c.reply.array(2);
  c.reply.bulk(entry->key());
  c.reply.array(popped);
  pop_from(c, *entry, end, popped, true);
  c.outcome.count = static_cast<std::int64_t>(popped);
  popped_from(c, keys, *entry, end, popped);
}

}  // namespace

void zpopmin_command(Context& c) {
  pop(c, ListEnd::kFront);
}

void zpopmax_command(Context& c) {
  pop(c, ListEnd::kBack);
}

void bzpopmin_command(Context& c) {
  pop_or_wait(c, ListEnd::kFront);
}

void bzpopmax_command(Context& c) {
  pop_or_wait(c, ListEnd::kBack);
}

void zmpop_command(Context& c) {
  pop_many(c, 1, std::nullopt);
}

void bzmpop_command(Context& c) {
  if (const auto until = deadline(c, 1)) {
    pop_many(c, 2, until);
  }
}

}  // namespace engine::commands
