#include "engine/commands/dispatch/propagation.h"

#include <utility>

#include "engine/base/text.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/services/settings.h"

namespace engine::commands {
namespace {

using keyspace::kNoExpiry;
using keyspace::ListEnd;

std::string_view delete_command(bool lazily) {
  return lazily ? "UNLINK" : "DEL";
}

}  // namespace

void Propagation::executed(Context& context) {
  changes_ += context.changes();
  if (context.changes() > 0 || context.spec.logged == Logged::kAlways) {
    emit_effect_of(context);
  }
  if (!in_transaction_) {
    flush(context.spec.has(kArbitraryKeys));
  }
}

void Propagation::erased(int database, std::string_view key, bool lazily) {
  pending_.push_back({database, {std::string(delete_command(lazily)), std::string(key)}});
}

void Propagation::end_transaction() {
  ENGINE_CHECK(in_transaction_);
  in_transaction_ = false;
  flush();
}

void Propagation::emit(int database, std::span<const std::string_view> argv) {
  if (pending_.empty() && !in_transaction_) {
    // A step of one effect: nothing needs to be kept.
    const keyspace::Effect effect{database, argv};
    effects_.log_step({&effect, 1}, std::exchange(changes_, 0));
    return;
  }
  pending_.push_back({database, std::vector<std::string>(argv.begin(), argv.end())});
}

void Propagation::flush(bool apart) {
  if (pending_.empty()) {
    changes_ = 0;
    return;
  }
  std::vector<std::vector<std::string_view>> views;
  std::vector<keyspace::Effect> effects;
  views.reserve(pending_.size());
  effects.reserve(pending_.size());
  for (const Pending& pending : pending_) {
    views.emplace_back(pending.argv.begin(), pending.argv.end());
    effects.push_back({pending.database, views.back()});
  }
  if (apart) {
    for (const keyspace::Effect& effect : effects) {
      effects_.log_step({&effect, 1}, std::exchange(changes_, 0));
    }
  } else {
    effects_.log_step(effects, changes_);
  }
  changes_ = 0;
  pending_.clear();
}

void Propagation::emit_effect_of(Context& context) {
  const int database = context.db_index();
  const auto& argv = context.argv;
  const auto text_of = [&context](std::string_view key) {
    const keyspace::KeyEntry* entry = context.db().find(key);
    ENGINE_CHECK(entry != nullptr, context.spec.name, key);
    return entry->object.text();
  };
  switch (context.spec.logged) {
    case Logged::kNever:
      return;
    case Logged::kAsIs:
      // It found the value corrupted when it was half done: log the resulting value, so that replay
      // cannot fail.
      if (context.failed() && context.spec.name == "PFADD") {
        const keyspace::Element value = text_of(argv[1]);
        return emit(database, {"SET", argv[1], value.text(), "KEEPTTL"});
      }
      return emit(database, argv);
    case Logged::kAlways:
      return emit(database, argv);
    case Logged::kSet:
      return emit_set(context);
    case Logged::kExpire:
      return emit_expire(context, argv.subspan(3));
    case Logged::kGetAndExpire:
      return emit_expire(context, {});
    case Logged::kGetAndDelete:
      return emit(database, {"DEL", argv[1]});
    case Logged::kIncrementByFloat: {
      const keyspace::Element value = text_of(argv[1]);
      return emit(database, {"SET", argv[1], value.text(), "KEEPTTL"});
    }
    case Logged::kHashIncrementByFloat: {
      const auto value = context.db().find(argv[1])->object.hash().get(argv[2]);
      return emit(database, {"HSET", argv[1], argv[2], value->text()});
    }
    case Logged::kPopRandom:
      return emit_pop_random(context);
    case Logged::kListPop:
      return emit_pop(context, "LPOP", "RPOP");
    case Logged::kSortedSetPop:
      return emit_pop(context, "ZPOPMIN", "ZPOPMAX");
    case Logged::kListMove:
      // BLMOVE and BRPOPLPUSH without the timeout at their end.
      return context.spec.name == "BLMOVE"
                 ? emit(database, {"LMOVE", argv[1], argv[2], argv[3], argv[4]})
                 : emit(database, {"RPOPLPUSH", argv[1], argv[2]});
    case Logged::kRestore:
      return emit_restore(context);
    case Logged::kGeoAdd:
      return emit_geo_add(context);
  }
}

// SET, GETSET, SETEX and PSETEX.
void Propagation::emit_set(Context& context) {
  const auto& argv = context.argv;
  const bool is_set = context.spec.name == "SET";
  const bool is_getset = context.spec.name == "GETSET";
  const std::string_view value = is_set || is_getset ? argv[2] : argv[3];
  const keyspace::KeyEntry* entry = context.db().find(argv[1]);
  ENGINE_CHECK(entry != nullptr, context.spec.name, argv[1]);
  const std::int64_t expire_ms = context.db().expire_ms(*entry);
  bool keeps_expiry = false;
  bool has_get = is_getset;
  for (std::size_t i = 3; is_set && i < argv.size(); ++i) {
    keeps_expiry |= context.is_word(i, "KEEPTTL");
    has_get |= context.is_word(i, "GET");
  }
  if (expire_ms != kNoExpiry && !keeps_expiry) {
    emit(context.db_index(), {"SET", argv[1], value, "PXAT", Digits(expire_ms)});
  } else if (has_get) {
    std::vector<std::string_view> without_get = {"SET", argv[1], value};
    for (std::size_t i = 3; i < argv.size(); ++i) {
      if (!context.is_word(i, "GET")) {
        without_get.push_back(argv[i]);
      }
    }
    emit(context.db_index(), without_get);
  } else {
    emit(context.db_index(), argv);
  }
}

void Propagation::emit_expire(Context& context, std::span<const std::string_view> conditions) {
  const std::string_view key = context.argv[1];
  const keyspace::KeyEntry* entry = context.db().find(key);
  if (entry == nullptr) {
    return emit(context.db_index(), {delete_command(settings_.lazyfree_lazy_expire), key});
  }
  const std::int64_t expire_ms = context.db().expire_ms(*entry);
  if (expire_ms == kNoExpiry) {
    return emit(context.db_index(), {"PERSIST", key});
  }
  const Digits digits(expire_ms);
  std::vector<std::string_view> argv = {"PEXPIREAT", key, digits};
  argv.insert(argv.end(), conditions.begin(), conditions.end());
  emit(context.db_index(), argv);
}

void Propagation::emit_pop(Context& context, std::string_view front, std::string_view back) {
  const Outcome& outcome = context.outcome;
  const std::string_view name = outcome.end == ListEnd::kFront ? front : back;
  if (outcome.count) {
    emit(context.db_index(), {name, outcome.key, Digits(*outcome.count)});
  } else {
    emit(context.db_index(), {name, outcome.key});
  }
}

void Propagation::emit_pop_random(Context& context) {
  const std::string_view key = context.argv[1];
  if (context.outcome.key_is_gone) {
    emit(context.db_index(), {delete_command(settings_.lazyfree_lazy_server_del), key});
    return;
  }
  ENGINE_CHECK(!context.outcome.members.empty(), key);
  std::vector<std::string_view> argv = {"SREM", key};
  argv.insert(argv.end(), context.outcome.members.begin(), context.outcome.members.end());
  emit(context.db_index(), argv);
}

// GEOADD key [NX|XX] [CH] longitude latitude member ...: a ZADD with the scores of the places.
void Propagation::emit_geo_add(Context& context) {
  std::vector<std::string> argv = {"zadd"};
  std::size_t first = 1;
  for (; first < 2 || context.is_word(first, "NX") || context.is_word(first, "XX") ||
         context.is_word(first, "CH");
       ++first) {
    argv.emplace_back(context.argv[first]);
  }
  ENGINE_CHECK(first + 3 * context.outcome.scores.size() == context.argv.size(), first,
               context.outcome.scores.size(), context.argv.size());
  for (const double score : context.outcome.scores) {
    argv.push_back(format_double(score));
    argv.emplace_back(context.argv[first + 2]);
    first += 3;
  }
  emit(context.db_index(), std::vector<std::string_view>(argv.begin(), argv.end()));
}

// RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME n] [FREQ n], the time made absolute.
void Propagation::emit_restore(Context& context) {
  const keyspace::KeyEntry* entry = context.db().find(context.argv[1]);
  if (entry == nullptr) {  // it had expired already
    return emit(context.db_index(),
                {delete_command(settings_.lazyfree_lazy_server_del), context.argv[1]});
  }
  const std::int64_t expire_ms = context.db().expire_ms(*entry);
  if (expire_ms == kNoExpiry) {
    return emit(context.db_index(), context.argv);
  }
  std::vector<std::string_view> argv(context.argv.begin(), context.argv.end());
  const Digits digits(expire_ms);
  argv[2] = digits;
  bool absolute = false;
  for (std::size_t i = 4; i < argv.size(); ++i) {
    absolute |= context.is_word(i, "ABSTTL");
  }
  if (!absolute) {
    argv.emplace_back("ABSTTL");
  }
  emit(context.db_index(), argv);
}

}  // namespace engine::commands
