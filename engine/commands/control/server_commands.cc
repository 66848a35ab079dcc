// The server as a whole: saving, configuration, INFO, flushing.
#include <malloc.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/memory.h"
#include "engine/base/text.h"
#include "engine/commands/control/help.h"
#include "engine/commands/dispatch/arguments.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

using keyspace::Database;

// Transactions that watch a key which the database holds now fail.
void break_watchers_of(ExecutorState& state, int index, const Database& holds) {
  state.watched_keys.for_each_in(index, [&](Session& session, const std::string& key) {
    if (holds.find(key) != nullptr) {
      session.watch_broken = true;
    }
  });
}

enum class Flush : std::uint8_t { kNow, kLazily };

// Replies the error.
std::optional<Flush> parse_flush_mode(Context& c) {
  if (c.argv.size() == 1) {
    return c.state.settings.lazyfree_lazy_user_flush ? Flush::kLazily : Flush::kNow;
  }
  if (c.argv.size() == 2 && c.is_word(1, "ASYNC")) {
    return Flush::kLazily;
  }
  if (c.argv.size() == 2 && c.is_word(1, "SYNC")) {
    return Flush::kNow;
  }
  c.error(errors::kSyntax);
  return std::nullopt;
}

void reply_status(Context& c, const Status& status) {
  if (status) {
    c.reply.ok();
  } else {
    c.error(status.error().message);
  }
}

void reply_status(Context& c, const Result<std::string>& status) {
  if (status) {
    c.reply.simple(*status);
  } else {
    c.error(status.error().message);
  }
}

}  // namespace

void dbsize_command(Context& c) {
  c.reply.integer(static_cast<std::int64_t>(c.db().size()));
}

void flushdb_command(Context& c) {
  const std::optional<Flush> mode = parse_flush_mode(c);
  if (!mode) {
    return;
  }
  break_watchers_of(c.state, c.db_index(), c.db());
  c.add_changes(c.db().size());
  if (mode == Flush::kLazily) {
    c.state.keyspace.clear_lazily(c.db_index());
  } else {
    c.db().clear();
  }
  c.reply.ok();
}

void flushall_command(Context& c) {
  const std::optional<Flush> mode = parse_flush_mode(c);
  if (!mode) {
    return;
  }
  for (int i = 0; i < c.state.keyspace.count(); ++i) {
    break_watchers_of(c.state, i, c.state.keyspace.database(i));
  }
  c.add_changes(c.state.keyspace.size());
  if (mode == Flush::kLazily) {
    c.state.keyspace.clear_lazily();
  } else {
    c.state.keyspace.clear();
  }
  if (!c.state.replaying) {
    c.state.server.flushed_all();
  }
  c.reply.ok();
}

void swapdb_command(Context& c) {
  const auto first = integer_of_32_bits(c, 1, "ERR invalid first DB index");
  const auto second =
      first ? integer_of_32_bits(c, 2, "ERR invalid second DB index") : std::nullopt;
  if (!second || !is_database(c, *first) || !is_database(c, *second)) {
    return;
  }
  const int a = *first;
  const int b = *second;
  if (a != b) {
    for (const int index : {a, b}) {
      break_watchers_of(c.state, index, c.state.keyspace.database(a));
      break_watchers_of(c.state, index, c.state.keyspace.database(b));
    }
    c.state.keyspace.swap(a, b);
    c.state.blocking.all_keys_added(a);
    c.state.blocking.all_keys_added(b);
  }
  c.add_changes(1);
  c.reply.ok();
}

void time_command(Context& c) {
  const std::int64_t now_us = c.state.clock.wall_ms() * 1000;
  c.reply.array(2);
  c.reply.bulk_integer(now_us / 1'000'000);
  c.reply.bulk_integer(now_us % 1'000'000);
}

void info_command(Context& c) {
  c.reply.verbatim("txt", c.state.server.info(c.argv.subspan(1)));
}

void role_command(Context& c) {
  c.reply.array(3);
  c.reply.bulk("master");
  c.reply.integer(0);
  c.reply.array(0);
}

void memory_usage_command(Context& c) {
  std::size_t samples = 5;
  for (std::size_t i = 3; i < c.argv.size(); i += 2) {
    if (!c.is_word(i, "SAMPLES") || i + 1 == c.argv.size()) {
      return c.error(errors::kSyntax);
    }
    const auto given = c.integer(i + 1);
    if (!given) {
      return;
    }
    if (*given < 0) {
      return c.error(errors::kSyntax);
    }
    samples = static_cast<std::size_t>(*given);
  }
  const keyspace::KeyEntry* entry = c.peek(c.argv[2]);
  if (entry == nullptr) {
    return c.reply.null();
  }
  const std::size_t table_share = c.db().table_bytes() / c.db().size();
  c.reply.integer(static_cast<std::int64_t>(entry->object.memory_bytes(samples) +
                                            memory::usable_size(entry) + table_share));
}

void memory_malloc_stats_command(Context& c) {
  // Redis's reply with the C library's allocator.
  c.reply.bulk("Stats not supported for the current allocator");
}

void memory_purge_command(Context& c) {
  ::malloc_trim(0);
  c.reply.ok();
}

void monitor_command(Context& c) {
  c.state.monitors.add(c.session);
  c.reply.ok();
}

void save_command(Context& c) {
  reply_status(c, c.state.server.save());
}

void bgsave_command(Context& c) {
  const bool scheduled = c.argv.size() == 2 && c.is_word(1, "SCHEDULE");
  if (c.argv.size() > 1 && !scheduled) {
    return c.error(errors::kSyntax);
  }
  reply_status(c, c.state.server.background_save(scheduled || c.in_transaction));
}

void bgrewriteaof_command(Context& c) {
  reply_status(c, c.state.server.rewrite_append_only_file(c.in_transaction));
}

void lastsave_command(Context& c) {
  c.reply.integer(c.state.server.last_save_time_s());
}

// SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE] [ABORT]. No reply when the server is about to exit.
void shutdown_command(Context& c) {
  using Save = ShutdownOptions::Save;
  ShutdownOptions options;
  for (std::size_t i = 1; i < c.argv.size(); ++i) {
    if (c.is_word(i, "NOSAVE") && options.save == Save::kByConfig) {
      options.save = Save::kNo;
    } else if (c.is_word(i, "SAVE") && options.save == Save::kByConfig) {
      options.save = Save::kYes;
    } else if (c.is_word(i, "NOW")) {
      options.now = true;
    } else if (c.is_word(i, "FORCE")) {
      options.force = true;
    } else if (c.is_word(i, "ABORT")) {
      options.abort = true;
    } else {
      return c.error(errors::kSyntax);
    }
  }
  if (options.abort && c.argv.size() > 2) {
    return c.error(errors::kSyntax);
  }
  const Status status = c.state.server.shutdown(options);
  if (!status) {
    c.error(status.error().message);
  } else if (options.abort) {
    c.reply.ok();
  }
}

void config_get_command(Context& c) {
  const auto found = c.state.server.config_get(c.argv.subspan(2));
  c.reply.map(found.size());
  for (const auto& [name, value] : found) {
    c.reply.bulk(name);
    c.reply.bulk(value);
  }
}

void config_set_command(Context& c) {
  if (c.argv.size() % 2 != 0) {
    return c.error("ERR wrong number of arguments for 'config|set' command");
  }
  std::vector<std::pair<std::string_view, std::string_view>> settings;
  for (std::size_t i = 2; i < c.argv.size(); i += 2) {
    settings.emplace_back(c.argv[i], c.argv[i + 1]);
  }
  reply_status(c, c.state.server.config_set(settings, c.in_transaction));
}

void config_rewrite_command(Context& c) {
  reply_status(c, c.state.server.config_rewrite());
}

void config_resetstat_command(Context& c) {
  c.state.server.reset_statistics();
  c.reply.ok();
}

void slowlog_get_command(Context& c) {
  std::size_t shown = 10;
  if (c.argv.size() > 3) {
    return reply_misused_subcommand(c);
  }
  if (c.argv.size() == 3) {
    const auto given = c.integer_in(2, -1, std::numeric_limits<std::int64_t>::max(),
                                    "ERR count should be greater than or equal to -1");
    if (!given) {
      return;
    }
    shown = *given == -1 ? c.state.slowlog.entries().size() : static_cast<std::size_t>(*given);
  }
  shown = std::min(shown, c.state.slowlog.entries().size());
  c.reply.array(shown);
  for (std::size_t i = 0; i < shown; ++i) {
    const SlowLog::Entry& entry = c.state.slowlog.entries()[i];
    c.reply.array(6);
    c.reply.integer(static_cast<std::int64_t>(entry.id));
    c.reply.integer(entry.time_s);
    c.reply.integer(entry.duration_us);
    c.reply.array(entry.argv.size());
    for (const std::string& argument : entry.argv) {
      c.reply.bulk(argument);
    }
    c.reply.bulk(entry.address);
    c.reply.bulk(entry.client_name);
  }
}

void slowlog_len_command(Context& c) {
  c.reply.integer(static_cast<std::int64_t>(c.state.slowlog.entries().size()));
}

void slowlog_reset_command(Context& c) {
  c.state.slowlog.clear();
  c.reply.ok();
}

}  // namespace engine::commands
