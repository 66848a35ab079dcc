// Sorted sets: members one by one. Ranges, pops and algebra have files of their own.
#include <cmath>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"
#include "engine/commands/families/random_choice.h"
#include "engine/commands/families/sorted_set_add.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::Object;
using keyspace::SortedSet;
using keyspace::Type;

// Reads the options; `first` becomes the index of the first score.
AddOptions parse_add_options(const Context& c, std::size_t& first) {
  AddOptions options;
  for (first = 2; first < c.argv.size(); ++first) {
    if (c.is_word(first, "NX")) {
      options.only_new = true;
    } else if (c.is_word(first, "XX")) {
      options.only_existing = true;
    } else if (c.is_word(first, "GT")) {
      options.greater = true;
    } else if (c.is_word(first, "LT")) {
      options.less = true;
    } else if (c.is_word(first, "CH")) {
      options.count_changed = true;
    } else if (c.is_word(first, "INCR")) {
      options.increment = true;
    } else {
      break;
    }
  }
  return options;
}

enum class Added { kNothing, kNew, kMoved, kUnchanged, kNotANumber };

// ZADD of one member; `score` becomes the resulting one.
Added add(Context& c, SortedSet& zset, const AddOptions& options, std::string_view member,
          double& score) {
  const std::optional<double> held = zset.score(member);
  if (!held) {
    if (options.only_existing) {
      return Added::kNothing;
    }
    zset.set(member, score, c.limits());
    return Added::kNew;
  }
  if (options.only_new) {
    return Added::kNothing;
  }
  if (options.increment) {
    score += *held;
    if (std::isnan(score)) {
      return Added::kNotANumber;
    }
  }
  if ((options.greater && score <= *held) || (options.less && score >= *held)) {
    return Added::kNothing;
  }
  if (score == *held) {
    return Added::kUnchanged;
  }
  zset.set(member, score, c.limits());
  return Added::kMoved;
}

void add_all(Context& c, const AddOptions& options, std::size_t first) {
  const std::size_t behind_key = c.argv.size() - first;
  if (behind_key == 0 || behind_key % 2 != 0) {
    return c.error(errors::kSyntax);
  }
  if (options.only_new && options.only_existing) {
    return c.error("ERR XX and NX options at the same time are not compatible");
  }
  if ((options.greater && options.less) ||
      (options.only_new && (options.greater || options.less))) {
    return c.error("ERR GT, LT, and/or NX options at the same time are not compatible");
  }
  if (options.increment && behind_key != 2) {
    return c.error("ERR INCR option supports a single increment-element pair");
  }
  std::vector<ScoredMember> members;
  for (std::size_t i = first; i < c.argv.size(); i += 2) {
    const auto score = c.number(i);
    if (!score) {
      return;
    }
    members.push_back({*score, c.argv[i + 1]});
  }
  add_members(c, options, std::move(members));
}

// The sorted set of argument 1, to be read. False when the key holds another type.
bool read_sorted_set(Context& c, const SortedSet*& zset) {
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  zset = nullptr;
  if (c.wrong_type(entry, Type::kSortedSet)) {
    return false;
  }
  if (entry != nullptr) {
    zset = &entry->object.sorted_set();
  }
  return true;
}

void reply_score(Context& c, const SortedSet* zset, std::string_view member) {
  const std::optional<double> score = zset == nullptr ? std::nullopt : zset->score(member);
  if (score) {
    c.reply.number(*score);
  } else {
    c.reply.null();
  }
}

void reply_rank(Context& c, bool from_highest) {
  const SortedSet* zset = nullptr;
  if (!read_sorted_set(c, zset)) {
    return;
  }
  const std::optional<std::size_t> rank = zset == nullptr ? std::nullopt : zset->rank(c.argv[2]);
  if (rank) {
    c.reply.integer(static_cast<std::int64_t>(from_highest ? zset->size() - 1 - *rank : *rank));
  } else {
    c.reply.null();
  }
}

}  // namespace

// Members are added one by one, as redis-server does: an error in the middle leaves the ones before
// it.
void add_members(Context& c, const AddOptions& options, std::vector<ScoredMember> members) {
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (c.wrong_type(entry, Type::kSortedSet)) {
    return;
  }
  if (entry == nullptr) {
    if (options.only_existing) {
      return options.increment ? c.reply.null() : c.reply.integer(0);
    }
    entry = &c.insert(c.argv[1], Object::sorted_set(std::make_unique<SortedSet>()));
  }
  std::int64_t created = 0;
  std::int64_t moved = 0;
  bool processed = false;
  for (auto& [score, member] : members) {
    const Added added = add(c, entry->object.sorted_set(), options, member, score);
    if (added == Added::kNotANumber) {
      return c.error("ERR resulting score is not a number (NaN)");
    }
    created += added == Added::kNew ? 1 : 0;
    moved += added == Added::kMoved ? 1 : 0;
    processed |= added != Added::kNothing;
  }
  if (created + moved > 0) {
    c.modified(c.argv[1], {kSortedSetEvent, options.increment ? "zincr" : "zadd"},
               static_cast<std::uint64_t>(created + moved));
  }
  if (!options.increment) {
    c.reply.integer(options.count_changed ? created + moved : created);
  } else if (processed) {
    c.reply.number(members.front().score);
  } else {
    c.reply.null();
  }
}

void zadd_command(Context& c) {
  std::size_t first = 0;
  const AddOptions options = parse_add_options(c, first);
  add_all(c, options, first);
}

void zincrby_command(Context& c) {
  AddOptions options;
  options.increment = true;
  add_all(c, options, 2);
}

void zrem_command(Context& c) {
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (c.wrong_type(entry, Type::kSortedSet)) {
    return;
  }
  std::int64_t erased = 0;
  if (entry != nullptr) {
    for (const std::string_view member : c.argv.subspan(2)) {
      erased += entry->object.sorted_set().erase(member) ? 1 : 0;
    }
    if (erased > 0) {
      c.modified(c.argv[1], {kSortedSetEvent, "zrem"}, static_cast<std::uint64_t>(erased));
      c.erase_if_empty(*entry);
    }
  }
  c.reply.integer(erased);
}

void zcard_command(Context& c) {
  const SortedSet* zset = nullptr;
  if (read_sorted_set(c, zset)) {
    c.reply.integer(zset == nullptr ? 0 : static_cast<std::int64_t>(zset->size()));
  }
}

void zscore_command(Context& c) {
  const SortedSet* zset = nullptr;
  if (read_sorted_set(c, zset)) {
    reply_score(c, zset, c.argv[2]);
  }
}

void zmscore_command(Context& c) {
  const SortedSet* zset = nullptr;
  if (!read_sorted_set(c, zset)) {
    return;
  }
  c.reply.array(c.argv.size() - 2);
  for (const std::string_view member : c.argv.subspan(2)) {
    reply_score(c, zset, member);
  }
}

void zrank_command(Context& c) {
  reply_rank(c, false);
}

void zrevrank_command(Context& c) {
  reply_rank(c, true);
}

void zrandmember_command(Context& c) {
  const std::optional<RandomChoice> choice = parse_random_choice(c, "WITHSCORES");
  if (!choice) {
    return;
  }
  const SortedSet* zset = nullptr;
  if (!read_sorted_set(c, zset)) {
    return;
  }
  reply_random_choice(
      c, *choice, zset == nullptr ? 0 : zset->size(),
      [&](const auto& take) { zset->for_each(take); },
      [&](const auto& take) {
        const SortedSet::Entry entry = zset->random(c.state.random);
        take(entry.member.text(), entry.score);
      },
      [&c](double score) { c.reply.number(score); });
}

}  // namespace engine::commands
