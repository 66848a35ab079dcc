// DEBUG, as far as it concerns the data. The server has the rest (ServerControl::debug).
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/base/memory.h"
#include "engine/base/text.h"
#include "engine/commands/control/help.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"
#include "engine/commands/services/digest.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;
using keyspace::Type;

void digest_values(Context& c) {
  c.reply.array(c.argv.size() - 2);
  for (const std::string_view key : c.argv.subspan(2)) {
    const KeyEntry* entry = c.peek(key);
    c.reply.simple(
        to_hex(entry == nullptr ? Digest{} : digest_of(entry->object, entry->has_expiry())));
  }
}

void describe_object(Context& c) {
  const KeyEntry* entry = c.db().find(c.argv[2]);
  if (entry == nullptr) {
    return c.error(errors::kNoSuchKey);
  }
  const keyspace::Object& value = entry->object;
  // The size of DUMP without type, version and checksum.
  const std::size_t serialized = c.state.codec.dump(value).size() - 11;
  const auto now_s = static_cast<std::uint32_t>(c.now_ms() / 1000);
  std::string text = fmt::format(
      "Value at:{} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
      static_cast<const void*>(entry), value.encoding_name(), serialized, value.access(),
      (now_s - value.access()) & 0xffffff);
  if (value.type() == Type::kList) {
    std::size_t bytes = 0;
    value.list().for_each_node([&bytes](std::string_view blob) { bytes += blob.size(); });
    const std::size_t nodes = value.list().node_count();
    text += fmt::format(
        " ql_nodes:{} ql_avg_node:{:.2f} ql_listpack_max:{} ql_compressed:0 "
        "ql_uncompressed_size:{}",
        nodes, static_cast<double>(value.list().size()) / static_cast<double>(nodes),
        c.limits().list_max_listpack_size, bytes);
  }
  c.reply.simple(text);
}

// DEBUG POPULATE count [prefix] [size]: keys "prefix:i" of "value:i", padded with zeros to the
// size.
void populate(Context& c) {
  const auto count = c.integer_in(2, 0, INT64_MAX, errors::kMustBePositive);
  if (!count) {
    return;
  }
  const std::string prefix(c.argv.size() > 3 ? c.argv[3] : "key");
  std::size_t size = 0;
  if (c.argv.size() > 4) {
    const auto given = c.integer_in(4, 0, INT64_MAX, errors::kMustBePositive);
    if (!given) {
      return;
    }
    size = static_cast<std::size_t>(*given);
  }
  for (std::int64_t i = 0; i < *count; ++i) {
    const std::string key = prefix + ":" + std::to_string(i);
    if (c.db().find(key) != nullptr) {
      continue;
    }
    std::string value = "value:" + std::to_string(i);
    if (size > 0) {
      value.resize(size, '\0');
    }
    c.insert(key,
             size > 0 ? keyspace::Object::verbatim_string(value) : keyspace::Object::string(value));
    c.modified(key, kNoEvent, 0);
  }
  c.reply.ok();
}

// Blocks the whole server, on purpose.
void sleep(Context& c) {
  const auto seconds = parse_double(c.argv[2]);
  if (!seconds) {
    return c.error(errors::kNotFloat);
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(*seconds));
  c.reply.ok();
}

void table_statistics(Context& c) {
  const auto index = c.integer(2);
  if (!index) {
    return;
  }
  if (*index < 0 || *index >= c.state.keyspace.count()) {
    return c.error("ERR Out of range database");
  }
  const keyspace::Database& database = c.state.keyspace.database(static_cast<int>(*index));
  c.reply.verbatim("txt", fmt::format("[Dictionary HT]\n number of elements: {}\n table bytes: "
                                      "{}\n[Expires]\n number of elements: {}\n heap bytes: {}\n",
                                      database.size(), database.table_bytes(),
                                      database.expires_size(), database.expiry_bytes()));
}

void help(Context& c) {
  static constexpr std::string_view kLines[] = {
      "AOF-FLUSH-SLEEP <microsec>",
      "    Server will sleep before flushing the AOF, this is used for testing.",
      "CHANGE-REPL-ID",
      "    Change the replication IDs of the instance.",
      "CONFIG-REWRITE-FORCE-ALL",
      "    Like CONFIG REWRITE but writes all configuration options, including",
      "    keywords not listed in original configuration file or default values.",
      "DIGEST",
      "    Output a hex signature representing the current DB content.",
      "DIGEST-VALUE <key> [<key> ...]",
      "    Output a hex signature of the values of all the specified keys.",
      "HTSTATS <dbid>",
      "    Return hash table statistics of the specified Redis database.",
      "LOADAOF",
      "    Flush the AOF buffers on disk and reload the AOF in memory.",
      "LOG <message>",
      "    Write <message> to the server log.",
      "OBJECT <key>",
      "    Show low level info about `key` and associated value.",
      "PAUSE-CRON <0|1>",
      "    Stop periodic cron job processing.",
      "POPULATE <count> [<prefix>] [<size>]",
      "    Create <count> string keys named key:<num>. If <prefix> is specified then",
      "    it is used instead of the 'key' prefix.",
      "QUICKLIST-PACKED-THRESHOLD <size>",
      "    Accepted without effect: list elements of every size are stored alike.",
      "RELOAD [option ...]",
      "    Save the RDB on disk and reload it back to memory. Valid <option> values:",
      "    * MERGE: conflicting keys will be loaded from RDB.",
      "    * NOFLUSH: the existing database will not be removed before load.",
      "    * NOSAVE: the database will be loaded from an existing RDB file.",
      "SEGFAULT",
      "    Crash the server with sigsegv.",
      "SET-ACTIVE-EXPIRE <0|1>",
      "    Setting it to 0 disables expiring keys in background when they are not",
      "    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the",
      "    default.",
      "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
      "    Enables or disables checksum checks for RDB files and RESTORE's payload.",
      "SLEEP <seconds>",
      "    Stop the server for <seconds>. Decimals allowed."};
  reply_help(c, kLines);
}

}  // namespace

void debug_command(Context& c) {
  if (const std::string_view refusal = c.state.server.debug_refusal(c.session); !refusal.empty()) {
    return c.error(refusal);
  }
  const std::size_t argc = c.argv.size();
  if (c.is_word(1, "HELP") && argc == 2) {
    return help(c);
  }
  if (c.is_word(1, "DIGEST") && argc == 2) {
    return c.reply.simple(to_hex(digest_of(c.state.keyspace)));
  }
  if (c.is_word(1, "DIGEST-VALUE") && argc >= 2) {
    return digest_values(c);
  }
  if (c.is_word(1, "OBJECT") && argc == 3) {
    return describe_object(c);
  }
  if (c.is_word(1, "POPULATE") && argc >= 3 && argc <= 5) {
    return populate(c);
  }
  if (c.is_word(1, "SLEEP") && argc == 3) {
    return sleep(c);
  }
  if (c.is_word(1, "HTSTATS") && argc == 3) {
    return table_statistics(c);
  }
  if (c.is_word(1, "SET-ACTIVE-EXPIRE") && argc == 3) {
    c.state.settings.active_expire = c.argv[2] != "0";
    return c.reply.ok();
  }
  const Result<std::string> status = c.state.server.debug(c.argv.subspan(1));
  if (status) {
    c.reply.simple(*status);
  } else {
    c.error(status.error().message);
  }
}

}  // namespace engine::commands
