// Sets: members one by one. Unions, intersections and differences are in set_algebra_commands.cc.
#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"
#include "engine/commands/families/random_choice.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::Object;
using keyspace::Set;
using keyspace::Type;

std::int64_t size_of(const KeyEntry* entry) {
  return entry == nullptr ? 0 : static_cast<std::int64_t>(entry->object.set().size());
}

// SPOP with a count: `count` < the size of the set.
void pop_some(Context& c, Set& set, std::size_t count) {
  while (c.outcome.members.size() < count) {
    std::string member = set.random(c.state.random).str();
    set.erase(member);
    c.reply.bulk(member);
    c.outcome.members.push_back(std::move(member));
  }
}

}  // namespace

void sadd_command(Context& c) {
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (c.wrong_type(entry, Type::kSet)) {
    return;
  }
  if (entry == nullptr) {
    entry = &c.insert(c.argv[1], Object::set(std::make_unique<Set>()));
  }
  std::int64_t added = 0;
  for (const std::string_view member : c.argv.subspan(2)) {
    added += entry->object.set().insert(member, c.limits()) ? 1 : 0;
  }
  if (added > 0) {
    c.modified(c.argv[1], {kSetEvent, "sadd"}, static_cast<std::uint64_t>(added));
  }
  c.reply.integer(added);
}

void srem_command(Context& c) {
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (c.wrong_type(entry, Type::kSet)) {
    return;
  }
  std::int64_t erased = 0;
  if (entry != nullptr) {
    for (const std::string_view member : c.argv.subspan(2)) {
      erased += entry->object.set().erase(member) ? 1 : 0;
    }
    if (erased > 0) {
      c.modified(c.argv[1], {kSetEvent, "srem"}, static_cast<std::uint64_t>(erased));
      c.erase_if_empty(*entry);
    }
  }
  c.reply.integer(erased);
}

void smove_command(Context& c) {
  KeyEntry* source = c.find_to_write(c.argv[1]);
  KeyEntry* destination = c.find_to_write(c.argv[2]);
  if (source == nullptr) {
    return c.reply.integer(0);
  }
  if (c.wrong_type(source, Type::kSet) || c.wrong_type(destination, Type::kSet)) {
    return;
  }
  const std::string_view member = c.argv[3];
  if (source == destination) {
    return c.reply.integer(source->object.set().contains(member) ? 1 : 0);
  }
  if (!source->object.set().erase(member)) {
    return c.reply.integer(0);
  }
  c.modified(c.argv[1], {kSetEvent, "srem"});
  c.erase_if_empty(*source);
  if (destination == nullptr) {
    destination = &c.insert(c.argv[2], Object::set(std::make_unique<Set>()));
  }
  if (destination->object.set().insert(member, c.limits())) {
    c.modified(c.argv[2], {kSetEvent, "sadd"});
  }
  c.reply.integer(1);
}

void scard_command(Context& c) {
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (!c.wrong_type(entry, Type::kSet)) {
    c.reply.integer(size_of(entry));
  }
}

void sismember_command(Context& c) {
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (!c.wrong_type(entry, Type::kSet)) {
    c.reply.integer(entry != nullptr && entry->object.set().contains(c.argv[2]) ? 1 : 0);
  }
}

void smismember_command(Context& c) {
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (c.wrong_type(entry, Type::kSet)) {
    return;
  }
  c.reply.array(c.argv.size() - 2);
  for (const std::string_view member : c.argv.subspan(2)) {
    c.reply.integer(entry != nullptr && entry->object.set().contains(member) ? 1 : 0);
  }
}

void smembers_command(Context& c) {
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (c.wrong_type(entry, Type::kSet)) {
    return;
  }
  c.reply.set(static_cast<std::size_t>(size_of(entry)));
  if (entry != nullptr) {
    entry->object.set().for_each([&c](std::string_view member) { c.reply.bulk(member); });
  }
}

// SPOP key [count]. The choice is random, so the outcome says what was popped: it is logged as
// SREM, or as DEL when the whole set was popped.
void spop_command(Context& c) {
  if (c.argv.size() > 3) {
    return c.error(errors::kSyntax);
  }
  const bool has_count = c.argv.size() == 3;
  std::size_t count = 1;
  if (has_count) {
    const auto given =
        c.integer_in(2, 0, std::numeric_limits<std::int64_t>::max(), errors::kMustBePositive);
    if (!given) {
      return;
    }
    count = static_cast<std::size_t>(*given);
  }
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (entry == nullptr) {
    return has_count ? c.reply.set(0) : c.reply.null();
  }
  if (c.wrong_type(entry, Type::kSet)) {
    return;
  }
  Set& set = entry->object.set();
  const std::size_t popped = std::min(count, set.size());
  if (has_count) {
    c.reply.set(popped);
  }
  if (popped == 0) {
    return;
  }
  if (has_count && popped == set.size()) {
    set.for_each([&c](std::string_view member) { c.reply.bulk(member); });
    c.outcome.key_is_gone = true;
  } else {
    pop_some(c, set, popped);
  }
  c.modified(c.argv[1], {kSetEvent, "spop"}, popped);
  if (c.outcome.key_is_gone || set.size() == 0) {
    c.notify({kGenericEvent, "del"}, c.argv[1]);
    c.erase(c.argv[1]);
  }
}

void srandmember_command(Context& c) {
  const std::optional<RandomChoice> choice = parse_random_choice(c, "");
  if (!choice) {
    return;
  }
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  if (c.wrong_type(entry, Type::kSet)) {
    return;
  }
  reply_random_choice(
      c, *choice, static_cast<std::size_t>(size_of(entry)),
      [&](const auto& take) {
        entry->object.set().for_each([&take](std::string_view member) { take(member, 0); });
      },
      [&](const auto& take) { take(entry->object.set().random(c.state.random).text(), 0); },
      [](int) {});
}

}  // namespace engine::commands
