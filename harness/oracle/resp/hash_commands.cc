// Hashes.
#include "harness/oracle/resp/command_table.h"

namespace crashpoint::oracle {
namespace {

const std::string* field_of(const TrackedHash* hash, const std::string& field) {
  if (hash == nullptr) {
    return nullptr;
  }
  const auto found = hash->get().find(field);
  return found == hash->get().end() ? nullptr : &found->second;
}

std::int64_t set_fields(Context& c) {
  if (c.count() % 2 != 0) {
    throw Failure{};
  }
  TrackedHash& hash = c.edit<TrackedHash>(c.key(1));
  std::int64_t added = 0;
  for (std::size_t at = 2; at < c.count(); at += 2) {
    added += hash.set(c[at], c[at + 1]) ? 1 : 0;
  }
  return added;
}

Reply hset(Context& c) {
  return integer(set_fields(c));
}
Reply hmset(Context& c) {
  set_fields(c);
  return ok();
}

Reply hsetnx(Context& c) {
  const KeyId key = c.key(1);
  if (field_of(c.find<TrackedHash>(key), c[2]) != nullptr) {
    return integer(0);
  }
  c.edit<TrackedHash>(key).set(c[2], c[3]);
  return integer(1);
}

Reply hdel(Context& c) {
  const KeyId key = c.key(1);
  if (c.find<TrackedHash>(key) == nullptr) {
    return integer(0);
  }
  TrackedHash& hash = c.edit<TrackedHash>(key);
  std::int64_t removed = 0;
  for (const std::string& field : c.from(2)) {
    removed += hash.erase(field) ? 1 : 0;
  }
  return integer(removed);
}

Reply hincrby(Context& c) {
  const std::int64_t amount = c.integer_at(3);
  const KeyId key = c.key(1);
  const std::string* old = field_of(c.find<TrackedHash>(key), c[2]);
  const std::optional<std::int64_t> value = old == nullptr ? 0 : parse_integer(*old);
  std::int64_t sum = 0;
  if (!value || __builtin_add_overflow(*value, amount, &sum)) {
    throw Failure{};
  }
  c.edit<TrackedHash>(key).set(c[2], std::to_string(sum));
  return integer(sum);
}

Reply hincrbyfloat(Context& c) {
  (void)add_floats(c[3], "0");  // a bad increment is reported before a wrong type
  const KeyId key = c.key(1);
  const TrackedHash* hash = c.find<TrackedHash>(key);
  const std::string* old = field_of(hash, c[2]);
  std::string sum = add_floats(old == nullptr ? "0" : *old, c[3]);
  // How the sum is rounded is the target's choice: its reply tells.
  if (c.reply() == nullptr) {
    target::Hash fields = hash == nullptr ? target::Hash() : hash->get();
    throw undetermined_but([fields, field = c[2], sum](const target::Entry* found) {
      const auto* other = found == nullptr ? nullptr : std::get_if<target::Hash>(&found->value);
      if (other == nullptr || !other->contains(field) || !nearly_equal(other->at(field), sum)) {
        return false;
      }
      target::Hash wanted = fields;
      wanted[field] = other->at(field);
      return wanted == *other;
    });
  }
  if (nearly_equal(c.reply()->text, sum)) {
    sum = c.reply()->text;
  }
  c.edit<TrackedHash>(key).set(c[2], sum);
  return bulk(std::move(sum));
}

constexpr Command kHashCommands[] = {
    {"HSET", -4, kFirstKey, hset},      {"HMSET", -4, kFirstKey, hmset},
    {"HSETNX", 4, kFirstKey, hsetnx},   {"HDEL", -3, kFirstKey, hdel},
    {"HINCRBY", 4, kFirstKey, hincrby}, {"HINCRBYFLOAT", 4, kFirstKey, hincrbyfloat},
};

}  // namespace

std::span<const Command> hash_commands() {
  return kHashCommands;
}

}  // namespace crashpoint::oracle
