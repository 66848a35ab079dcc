// Sets: unions, intersections, differences, and their store forms.
#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/commands/dispatch/arguments.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::Object;
using keyspace::Set;
using keyspace::Type;

// The sets of these keys, null where there is none. False when a key holds another type (an error
// was replied).
bool read_sets(Context& c, std::span<const std::string_view> keys, std::vector<const Set*>& sets) {
  for (const std::string_view key : keys) {
    KeyEntry* entry = c.find_to_read(key);
    if (c.wrong_type(entry, Type::kSet)) {
      return false;
    }
    sets.push_back(entry == nullptr ? nullptr : &entry->object.set());
  }
  return true;
}

// fn(member) -> bool for each member of all the sets, until fn returns false.
template <typename Fn>
void for_each_common(std::vector<const Set*> sets, Fn fn) {
  if (std::find(sets.begin(), sets.end(), nullptr) != sets.end()) {
    return;
  }
  std::sort(sets.begin(), sets.end(),
            [](const Set* a, const Set* b) { return a->size() < b->size(); });
  bool more = true;
  sets.front()->for_each([&](std::string_view member) {
    more = more && (!std::all_of(sets.begin() + 1, sets.end(), [member](const Set* set) {
             return set->contains(member);
           }) || fn(member));
  });
}

using Combine = std::unique_ptr<Set> (*)(Context& c, const std::vector<const Set*>& sets);

std::unique_ptr<Set> intersection(Context& c, const std::vector<const Set*>& sets) {
  auto result = std::make_unique<Set>();
  for_each_common(sets, [&](std::string_view member) {
    result->insert(member, c.limits());
    return true;
  });
  return result;
}

std::unique_ptr<Set> set_union(Context& c, const std::vector<const Set*>& sets) {
  auto result = std::make_unique<Set>();
  for (const Set* set : sets) {
    if (set != nullptr) {
      set->for_each([&](std::string_view member) { result->insert(member, c.limits()); });
    }
  }
  return result;
}

std::unique_ptr<Set> difference(Context& c, const std::vector<const Set*>& sets) {
  auto result = std::make_unique<Set>();
  if (sets.front() != nullptr) {
    sets.front()->for_each([&](std::string_view member) {
      if (std::none_of(sets.begin() + 1, sets.end(), [member](const Set* set) {
            return set != nullptr && set->contains(member);
          })) {
        result->insert(member, c.limits());
      }
    });
  }
  return result;
}

void reply_combined(Context& c, Combine combine) {
  std::vector<const Set*> sets;
  if (!read_sets(c, c.argv.subspan(1), sets)) {
    return;
  }
  const std::unique_ptr<Set> result = combine(c, sets);
  c.reply.set(result->size());
  result->for_each([&c](std::string_view member) { c.reply.bulk(member); });
}

void store_combined(Context& c, Combine combine, std::string_view event) {
  std::vector<const Set*> sets;
  if (!read_sets(c, c.argv.subspan(2), sets)) {
    return;
  }
  std::unique_ptr<Set> result = combine(c, sets);
  const std::size_t size = result->size();
  c.store(c.argv[1], size == 0 ? std::nullopt : std::optional(Object::set(std::move(result))),
          {kSetEvent, event});
  c.reply.integer(static_cast<std::int64_t>(size));
}

}  // namespace

void sinter_command(Context& c) {
  reply_combined(c, intersection);
}
void sunion_command(Context& c) {
  reply_combined(c, set_union);
}
void sdiff_command(Context& c) {
  reply_combined(c, difference);
}
void sinterstore_command(Context& c) {
  store_combined(c, intersection, "sinterstore");
}
void sunionstore_command(Context& c) {
  store_combined(c, set_union, "sunionstore");
}
void sdiffstore_command(Context& c) {
  store_combined(c, difference, "sdiffstore");
}

void sintercard_command(Context& c) {
  const auto key_count = c.integer_in(1, 1, kInt64Max, "ERR numkeys should be greater than 0");
  if (!key_count) {
    return;
  }
  if (static_cast<std::size_t>(*key_count) > c.argv.size() - 2) {
    return c.error("ERR Number of keys can't be greater than number of args");
  }
  std::int64_t limit = 0;
  const auto behind_keys = 2 + static_cast<std::size_t>(*key_count);
  for (std::size_t i = behind_keys; i < c.argv.size(); i += 2) {
    if (!c.is_word(i, "LIMIT") || i + 1 == c.argv.size()) {
      return c.error(errors::kSyntax);
    }
    const auto given = c.integer_in(i + 1, 0, kInt64Max, "ERR LIMIT can't be negative");
    if (!given) {
      return;
    }
    limit = *given;
  }
  std::vector<const Set*> sets;
  if (!read_sets(c, c.argv.subspan(2, behind_keys - 2), sets)) {
    return;
  }
  std::int64_t count = 0;
  for_each_common(sets, [&](std::string_view) { return ++count != limit; });
  c.reply.integer(count);
}

}  // namespace engine::commands
