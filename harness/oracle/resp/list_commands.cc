// Lists. Blocking commands are what their plain forms are: one that found nothing has no effect.
#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/oracle/resp/command_table.h"

namespace crashpoint::oracle {
namespace {

enum class End : std::uint8_t { kLeft, kRight };

std::int64_t size_of(const TrackedList& list) {
  return static_cast<std::int64_t>(list.get().size());
}

End end_at(const Context& c, std::size_t at) {
  if (c.is(at, "LEFT")) {
    return End::kLeft;
  }
  if (c.is(at, "RIGHT")) {
    return End::kRight;
  }
  throw Failure{};
}

std::string pop_one(TrackedList& list, End end) {
  return end == End::kLeft ? list.pop_front() : list.pop_back();
}

void push_one(TrackedList& list, std::string item, End end) {
  if (end == End::kLeft) {
    list.push_front(std::move(item));
  } else {
    list.push_back(std::move(item));
  }
}

Reply push(Context& c, End end, bool only_existing) {
  const KeyId key = c.key(1);
  if (c.find<TrackedList>(key) == nullptr && only_existing) {
    return integer(0);
  }
  TrackedList& list = c.edit<TrackedList>(key);
  for (const std::string& item : c.from(2)) {
    push_one(list, item, end);
  }
  return integer(size_of(list));
}

Reply lpush(Context& c) {
  return push(c, End::kLeft, false);
}
Reply rpush(Context& c) {
  return push(c, End::kRight, false);
}
Reply lpushx(Context& c) {
  return push(c, End::kLeft, true);
}
Reply rpushx(Context& c) {
  return push(c, End::kRight, true);
}

std::vector<std::string> pop_many(Context& c, KeyId key, End end, std::int64_t count) {
  std::vector<std::string> items;
  TrackedList& list = c.edit<TrackedList>(key);
  for (; count > 0 && !list.empty(); --count) {
    items.push_back(pop_one(list, end));
  }
  return items;
}

Reply pop(Context& c, End end) {
  if (c.count() > 3) {
    throw Failure{};
  }
  const bool counted = c.count() == 3;
  const std::int64_t count = counted ? c.integer_at(2) : 1;
  if (count < 0) {
    throw Failure{};
  }
  const KeyId key = c.key(1);
  if (c.find<TrackedList>(key) == nullptr) {
    return counted ? null_array() : null();
  }
  std::vector<std::string> items = pop_many(c, key, end, count);
  return counted ? bulk_array(std::move(items)) : bulk(std::move(items.front()));
}

Reply lpop(Context& c) {
  return pop(c, End::kLeft);
}
Reply rpop(Context& c) {
  return pop(c, End::kRight);
}

void check_timeout(const Context& c, std::size_t at) {
  const std::optional<double> timeout = parse_score(c[at]);
  if (!timeout || *timeout < 0 || std::isinf(*timeout)) {
    throw Failure{};
  }
}

// Which of the arguments at [first, last) is the first that names a list; empty when none does.
std::optional<std::size_t> first_filled(Context& c, std::size_t first, std::size_t last) {
  for (std::size_t at = first; at < last; ++at) {
    if (c.find<TrackedList>(c.key(at)) != nullptr) {
      return at;
    }
  }
  return std::nullopt;
}

Reply blocking_pop(Context& c, End end) {
  check_timeout(c, c.count() - 1);
  const std::optional<std::size_t> at = first_filled(c, 1, c.count() - 1);
  if (!at) {
    return null_array();
  }
  return bulk_array({c[*at], pop_many(c, c.key(*at), end, 1).front()});
}

Reply blpop(Context& c) {
  return blocking_pop(c, End::kLeft);
}
Reply brpop(Context& c) {
  return blocking_pop(c, End::kRight);
}

Reply pop_from_several(Context& c, std::size_t numkeys_at) {
  const std::int64_t numkeys = c.integer_at(numkeys_at);
  const std::size_t first = numkeys_at + 1;
  if (numkeys <= 0 || static_cast<std::uint64_t>(numkeys) >= c.count() - first) {
    throw Failure{};
  }
  const std::size_t last = first + static_cast<std::size_t>(numkeys);
  const End end = end_at(c, last);
  std::int64_t count = 1;
  if (c.count() == last + 3 && c.is(last + 1, "COUNT")) {
    count = c.integer_at(last + 2);
    if (count <= 0) {
      throw Failure{};
    }
  } else if (c.count() != last + 1) {
    throw Failure{};
  }
  const std::optional<std::size_t> at = first_filled(c, first, last);
  if (!at) {
    return null_array();
  }
  return array({*bulk(c[*at]), *bulk_array(pop_many(c, c.key(*at), end, count))});
}

Reply lmpop(Context& c) {
  return pop_from_several(c, 1);
}
Reply blmpop(Context& c) {
  check_timeout(c, 1);
  return pop_from_several(c, 2);
}

void lmpop_keys(std::span<const std::string> arguments, std::uint32_t database,
                std::vector<target::Key>& keys) {
  append_counted_keys(arguments, 1, database, keys);
}
void blmpop_keys(std::span<const std::string> arguments, std::uint32_t database,
                 std::vector<target::Key>& keys) {
  append_counted_keys(arguments, 2, database, keys);
}

Reply move(Context& c, End from, End to, bool blocks) {
  const KeyId source = c.key(1);
  const KeyId destination = c.key(2);
  if (c.find<TrackedList>(source) == nullptr) {
    return blocks ? null_array() : null();
  }
  (void)c.find<TrackedList>(destination);
  std::string item = pop_one(c.edit<TrackedList>(source), from);
  push_one(c.edit<TrackedList>(destination), item, to);
  return bulk(std::move(item));
}

Reply lmove(Context& c) {
  return move(c, end_at(c, 3), end_at(c, 4), false);
}
Reply blmove(Context& c) {
  const End from = end_at(c, 3);
  const End to = end_at(c, 4);
  check_timeout(c, 5);
  return move(c, from, to, true);
}
Reply rpoplpush(Context& c) {
  return move(c, End::kRight, End::kLeft, false);
}
Reply brpoplpush(Context& c) {
  check_timeout(c, 3);
  return move(c, End::kRight, End::kLeft, true);
}

Reply lset(Context& c) {
  const KeyId key = c.key(1);
  const TrackedList* list = c.find<TrackedList>(key);
  if (list == nullptr) {
    throw Failure{};
  }
  std::int64_t index = c.integer_at(2);
  if (index < 0) {
    index += size_of(*list);
  }
  if (index < 0 || index >= size_of(*list)) {
    throw Failure{};
  }
  target::List items = list->get();
  items[static_cast<std::size_t>(index)] = c[3];
  c.edit<TrackedList>(key) = TrackedList(std::move(items));
  return ok();
}

Reply linsert(Context& c) {
  const bool after = c.is(2, "AFTER");
  if (!after && !c.is(2, "BEFORE")) {
    throw Failure{};
  }
  const KeyId key = c.key(1);
  const TrackedList* list = c.find<TrackedList>(key);
  if (list == nullptr) {
    return integer(0);
  }
  target::List items = list->get();
  const auto pivot = std::ranges::find(items, c[3]);
  if (pivot == items.end()) {
    return integer(-1);
  }
  items.insert(after ? pivot + 1 : pivot, c[4]);
  TrackedList& edited = c.edit<TrackedList>(key) = TrackedList(std::move(items));
  return integer(size_of(edited));
}

Reply lrem(Context& c) {
  const std::int64_t count = c.integer_at(2);
  const KeyId key = c.key(1);
  const TrackedList* list = c.find<TrackedList>(key);
  if (list == nullptr) {
    return integer(0);
  }
  target::List items = list->get();
  std::int64_t removed = 0;
  const bool from_end = count < 0;
  if (from_end) {
    std::ranges::reverse(items);
  }
  const auto limit = count == 0 ? std::numeric_limits<std::int64_t>::max() : std::abs(count);
  std::erase_if(items, [&](const std::string& item) {
    if (removed == limit || item != c[3]) {
      return false;
    }
    ++removed;
    return true;
  });
  if (removed == 0) {
    return integer(0);
  }
  if (from_end) {
    std::ranges::reverse(items);
  }
  c.edit<TrackedList>(key) = TrackedList(std::move(items));
  return integer(removed);
}

Reply ltrim(Context& c) {
  std::int64_t start = c.integer_at(2);
  std::int64_t stop = c.integer_at(3);
  const KeyId key = c.key(1);
  const TrackedList* list = c.find<TrackedList>(key);
  if (list == nullptr) {
    return ok();
  }
  const std::int64_t size = size_of(*list);
  if (start < 0) {
    start = std::max<std::int64_t>(start + size, 0);
  }
  if (stop < 0) {
    stop += size;
  }
  stop = std::min(stop, size - 1);
  if (start > stop) {
    c.erase(key);
    return ok();
  }
  // From the ends, because most of a long list usually stays.
  TrackedList& edited = c.edit<TrackedList>(key);
  for (std::int64_t at = size - 1; at > stop; --at) {
    (void)edited.pop_back();
  }
  for (std::int64_t at = 0; at < start; ++at) {
    (void)edited.pop_front();
  }
  return ok();
}

constexpr Command kListCommands[] = {
    {"LPUSH", -3, kFirstKey, lpush},
    {"RPUSH", -3, kFirstKey, rpush},
    {"LPUSHX", -3, kFirstKey, lpushx},
    {"RPUSHX", -3, kFirstKey, rpushx},
    {"LPOP", -2, kFirstKey, lpop},
    {"RPOP", -2, kFirstKey, rpop},
    {"BLPOP", -3, {.first = 1, .last = -2}, blpop},
    {"BRPOP", -3, {.first = 1, .last = -2}, brpop},
    {"LMPOP", -4, {}, lmpop, lmpop_keys},
    {"BLMPOP", -5, {}, blmpop, blmpop_keys},
    {"LMOVE", 5, kFirstTwoKeys, lmove},
    {"BLMOVE", 6, kFirstTwoKeys, blmove},
    {"RPOPLPUSH", 3, kFirstTwoKeys, rpoplpush},
    {"BRPOPLPUSH", 4, kFirstTwoKeys, brpoplpush},
    {"LSET", 4, kFirstKey, lset},
    {"LINSERT", 5, kFirstKey, linsert},
    {"LREM", 4, kFirstKey, lrem},
    {"LTRIM", 4, kFirstKey, ltrim},
};

}  // namespace

std::span<const Command> list_commands() {
  return kListCommands;
}

}  // namespace crashpoint::oracle
