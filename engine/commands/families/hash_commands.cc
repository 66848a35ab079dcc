// Hashes.
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/text.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"
#include "engine/commands/families/random_choice.h"

namespace engine::commands {
namespace {

using keyspace::Element;
using keyspace::Hash;
using keyspace::KeyEntry;
using keyspace::Object;
using keyspace::Type;

KeyEntry& found_or_new(Context& c, KeyEntry* entry) {
  return entry != nullptr ? *entry : c.insert(c.argv[1], Object::hash(std::make_unique<Hash>()));
}

// The hash of argument 1, to be read. False when the key holds another type (an error was replied).
bool read_hash(Context& c, const Hash*& hash) {
  KeyEntry* entry = c.find_to_read(c.argv[1]);
  hash = nullptr;
  if (c.wrong_type(entry, Type::kHash)) {
    return false;
  }
  if (entry != nullptr) {
    hash = &entry->object.hash();
  }
  return true;
}

void reply_field(Context& c, const Hash* hash, std::string_view field) {
  const std::optional<Element> value = hash == nullptr ? std::nullopt : hash->get(field);
  if (value) {
    c.reply.bulk(value->text());
  } else {
    c.reply.null();
  }
}

}  // namespace

void hset_command(Context& c) {
  const bool is_hmset = c.spec.name == "HMSET";
  if (c.argv.size() % 2 == 1) {
    return c.error(is_hmset ? "ERR wrong number of arguments for 'hmset' command"
                            : "ERR wrong number of arguments for 'hset' command");
  }
  KeyEntry* found = c.find_to_write(c.argv[1]);
  if (c.wrong_type(found, Type::kHash)) {
    return;
  }
  Hash& hash = found_or_new(c, found).object.hash();
  std::int64_t created = 0;
  for (std::size_t i = 2; i < c.argv.size(); i += 2) {
    created += hash.set(c.argv[i], c.argv[i + 1], c.limits()) ? 1 : 0;
  }
  c.modified(c.argv[1], {kHashEvent, "hset"}, (c.argv.size() - 2) / 2);
  if (is_hmset) {
    c.reply.ok();
  } else {
    c.reply.integer(created);
  }
}

void hsetnx_command(Context& c) {
  KeyEntry* found = c.find_to_write(c.argv[1]);
  if (c.wrong_type(found, Type::kHash)) {
    return;
  }
  Hash& hash = found_or_new(c, found).object.hash();
  if (hash.contains(c.argv[2])) {
    return c.reply.integer(0);
  }
  hash.set(c.argv[2], c.argv[3], c.limits());
  c.modified(c.argv[1], {kHashEvent, "hset"});
  c.reply.integer(1);
}

void hget_command(Context& c) {
  const Hash* hash = nullptr;
  if (read_hash(c, hash)) {
    reply_field(c, hash, c.argv[2]);
  }
}

void hmget_command(Context& c) {
  const Hash* hash = nullptr;
  if (!read_hash(c, hash)) {
    return;
  }
  c.reply.array(c.argv.size() - 2);
  for (const std::string_view field : c.argv.subspan(2)) {
    reply_field(c, hash, field);
  }
}

void hdel_command(Context& c) {
  KeyEntry* entry = c.find_to_write(c.argv[1]);
  if (c.wrong_type(entry, Type::kHash)) {
    return;
  }
  std::int64_t erased = 0;
  if (entry != nullptr) {
    for (const std::string_view field : c.argv.subspan(2)) {
      erased += entry->object.hash().erase(field) ? 1 : 0;
    }
    if (erased > 0) {
      c.modified(c.argv[1], {kHashEvent, "hdel"}, static_cast<std::uint64_t>(erased));
      c.erase_if_empty(*entry);
    }
  }
  c.reply.integer(erased);
}

void hlen_command(Context& c) {
  const Hash* hash = nullptr;
  if (read_hash(c, hash)) {
    c.reply.integer(hash == nullptr ? 0 : static_cast<std::int64_t>(hash->size()));
  }
}

void hstrlen_command(Context& c) {
  const Hash* hash = nullptr;
  if (read_hash(c, hash)) {
    const std::optional<Element> value = hash == nullptr ? std::nullopt : hash->get(c.argv[2]);
    c.reply.integer(value ? static_cast<std::int64_t>(value->text().size()) : 0);
  }
}

void hexists_command(Context& c) {
  const Hash* hash = nullptr;
  if (read_hash(c, hash)) {
    c.reply.integer(hash != nullptr && hash->contains(c.argv[2]) ? 1 : 0);
  }
}

void hkeys_command(Context& c) {
  const Hash* hash = nullptr;
  if (!read_hash(c, hash)) {
    return;
  }
  c.reply.array(hash == nullptr ? 0 : hash->size());
  if (hash != nullptr) {
    hash->for_each([&c](std::string_view field, std::string_view) { c.reply.bulk(field); });
  }
}

void hvals_command(Context& c) {
  const Hash* hash = nullptr;
  if (!read_hash(c, hash)) {
    return;
  }
  c.reply.array(hash == nullptr ? 0 : hash->size());
  if (hash != nullptr) {
    hash->for_each([&c](std::string_view, std::string_view value) { c.reply.bulk(value); });
  }
}

void hgetall_command(Context& c) {
  const Hash* hash = nullptr;
  if (!read_hash(c, hash)) {
    return;
  }
  c.reply.map(hash == nullptr ? 0 : hash->size());
  if (hash != nullptr) {
    hash->for_each([&c](std::string_view field, std::string_view value) {
      c.reply.bulk(field);
      c.reply.bulk(value);
    });
  }
}

void hincrby_command(Context& c) {
  const auto increment = c.integer(3);
  if (!increment) {
    return;
  }
  KeyEntry* found = c.find_to_write(c.argv[1]);
  if (c.wrong_type(found, Type::kHash)) {
    return;
  }
  std::int64_t value = 0;
  if (found != nullptr) {
    if (const std::optional<Element> held = found->object.hash().get(c.argv[2])) {
      const auto parsed = parse_int64(held->text());
      if (!parsed) {
        return c.error("ERR hash value is not an integer");
      }
      value = *parsed;
    }
  }
  if (__builtin_add_overflow(value, *increment, &value)) {
    return c.error(errors::kOverflow);
  }
  found_or_new(c, found).object.hash().set(c.argv[2], Digits(value), c.limits());
  c.modified(c.argv[1], {kHashEvent, "hincrby"});
  c.reply.integer(value);
}

void hincrbyfloat_command(Context& c) {
  const std::optional<long double> increment = parse_long_double(c.argv[3]);
  if (!increment) {
    return c.error(errors::kNotFloat);
  }
  if (std::isinf(*increment)) {
    return c.error("ERR value is NaN or Infinity");
  }
  KeyEntry* found = c.find_to_write(c.argv[1]);
  if (c.wrong_type(found, Type::kHash)) {
    return;
  }
  long double value = 0;
  if (found != nullptr) {
    if (const std::optional<Element> held = found->object.hash().get(c.argv[2])) {
      const auto parsed = parse_long_double(held->text());
      if (!parsed) {
        return c.error("ERR hash value is not a float");
      }
      value = *parsed;
    }
  }
  value += *increment;
  if (std::isnan(value) || std::isinf(value)) {
    return c.error(errors::kNanOrInfinity);
  }
  const std::string text = format_long_double(value);
  found_or_new(c, found).object.hash().set(c.argv[2], text, c.limits());
  c.modified(c.argv[1], {kHashEvent, "hincrbyfloat"});
  c.reply.bulk(text);
}

void hrandfield_command(Context& c) {
  const std::optional<RandomChoice> choice = parse_random_choice(c, "WITHVALUES");
  if (!choice) {
    return;
  }
  const Hash* hash = nullptr;
  if (!read_hash(c, hash)) {
    return;
  }
  reply_random_choice(
      c, *choice, hash == nullptr ? 0 : hash->size(),
      [&](const auto& take) {
        hash->for_each(
            [&take](std::string_view field, std::string_view value) { take(field, value); });
      },
      [&](const auto& take) {
        const Hash::Pair pair = hash->random(c.state.random);
        take(pair.field.text(), pair.value.text());
      },
      [&c](std::string_view value) { c.reply.bulk(value); });
}

}  // namespace engine::commands
