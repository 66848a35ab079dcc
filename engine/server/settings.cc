#include "engine/server/settings.h"

#include <algorithm>
#include <climits>
#include <sstream>
#include <utility>

#include "engine/base/text.h"
#include "engine/commands/services/events.h"

namespace engine::server {
namespace {

std::vector<persistence::SaveRule> save_rules(const std::string& text) {
  std::vector<persistence::SaveRule> rules;
  std::istringstream words(text);
  for (persistence::SaveRule rule; words >> rule.seconds >> rule.changes;) {
    rules.push_back(rule);
  }
  return rules;
}

OutputLimit output_limit(const std::string& text, std::string_view client_class) {
  std::istringstream words(text);
  std::string name;
  for (OutputLimit limit;
       words >> name >> limit.hard_bytes >> limit.soft_bytes >> limit.soft_seconds;) {
    if (name == client_class) {
      return limit;
    }
  }
  return {};
}

persistence::FsyncPolicy fsync_policy(const std::string& name) {
  if (name == "always") {
    return persistence::FsyncPolicy::kAlways;
  }
  return name == "no" ? persistence::FsyncPolicy::kNo : persistence::FsyncPolicy::kEverysec;
}

rdb::EvictionHint eviction_hint(std::string_view maxmemory_policy) {
  if (maxmemory_policy.ends_with("lru")) {
    return rdb::EvictionHint::kIdle;
  }
  return maxmemory_policy.ends_with("lfu") ? rdb::EvictionHint::kFrequency
                                           : rdb::EvictionHint::kNone;
}

commands::EvictionPolicy eviction_policy(std::string_view name) {
  using By = commands::EvictionPolicy::By;
  constexpr std::pair<std::string_view, By> kBy[] = {{"-lru", By::kLastUse},
                                                     {"-lfu", By::kFrequency},
                                                     {"-random", By::kChance},
                                                     {"-ttl", By::kTimeToLive}};
  commands::EvictionPolicy policy;
  policy.only_volatile = name.starts_with("volatile");
  for (const auto& [suffix, by] : kBy) {
    if (name.ends_with(suffix)) {
      policy.by = by;
    }
  }
  return policy;
}

persistence::SanitizePayload sanitize_payload(const std::string& name) {
  if (name == "clients") {
    return persistence::SanitizePayload::kClients;
  }
  return name == "yes" ? persistence::SanitizePayload::kYes : persistence::SanitizePayload::kNo;
}

// Of directives whose upper bound is that of int64.
std::int64_t signed_bytes(const Config& config, std::string_view name) {
  return static_cast<std::int64_t>(config.bytes(name));
}

int small(const Config& config, std::string_view name) {
  return static_cast<int>(config.number(name));
}

std::size_t count(const Config& config, std::string_view name) {
  return static_cast<std::size_t>(config.number(name));
}

}  // namespace

// Values are canonical (parse_value), so nothing can fail here.
persistence::Settings persistence_settings(const Config& config) {
  persistence::Settings settings;
  settings.directory = config.text("dir");
  settings.dbfilename = config.text("dbfilename");
  settings.save = save_rules(config.text("save"));
  settings.rdbcompression = config.yes("rdbcompression");
  settings.rdbchecksum = config.yes("rdbchecksum");
  settings.rdb_save_incremental_fsync = config.yes("rdb-save-incremental-fsync");
  settings.stop_writes_on_bgsave_error = config.yes("stop-writes-on-bgsave-error");
  settings.sanitize_dump_payload = sanitize_payload(config.text("sanitize-dump-payload"));
  settings.eviction_hint = eviction_hint(config.text("maxmemory-policy"));
  settings.appendonly = config.yes("appendonly");
  settings.appendfilename = config.text("appendfilename");
  settings.appenddirname = config.text("appenddirname");
  settings.appendfsync = fsync_policy(config.text("appendfsync"));
  settings.no_appendfsync_on_rewrite = config.yes("no-appendfsync-on-rewrite");
  settings.auto_aof_rewrite_percentage = small(config, "auto-aof-rewrite-percentage");
  settings.auto_aof_rewrite_min_size_bytes = signed_bytes(config, "auto-aof-rewrite-min-size");
  settings.aof_load_truncated = config.yes("aof-load-truncated");
  settings.aof_use_rdb_preamble = config.yes("aof-use-rdb-preamble");
  settings.aof_timestamp_enabled = config.yes("aof-timestamp-enabled");
  settings.aof_rewrite_incremental_fsync = config.yes("aof-rewrite-incremental-fsync");
  settings.aof_disable_auto_gc = config.yes("aof-disable-auto-gc");
  settings.aof_checksum = config.yes("aof-checksum");
  settings.loading_process_events_interval_bytes =
      signed_bytes(config, "loading-process-events-interval-bytes");
  settings.rdb_key_save_delay_us = config.number("rdb-key-save-delay");
  settings.key_load_delay_us = config.number("key-load-delay");
  return settings;
}

ConnectionSettings connection_settings(const Config& config) {
  ConnectionSettings settings;
  settings.clients_max = count(config, "maxclients");
  settings.idle_timeout_s = config.number("timeout");
  settings.tcp_keepalive_s = config.number("tcp-keepalive");
  settings.query_buffer_bytes_max = config.bytes("client-query-buffer-limit");
  settings.bulk_bytes_max = config.bytes("proto-max-bulk-len");
  settings.normal = output_limit(config.text("client-output-buffer-limit"), "normal");
  settings.pubsub = output_limit(config.text("client-output-buffer-limit"), "pubsub");
  settings.protected_mode = config.yes("protected-mode");
  settings.password_set = !config.text("requirepass").empty();
  return settings;
}

keyspace::EncodingLimits encoding_limits(const Config& config) {
  keyspace::EncodingLimits limits;
  limits.hash_max_listpack_entries = count(config, "hash-max-listpack-entries");
  limits.hash_max_listpack_value = config.bytes("hash-max-listpack-value");
  limits.set_max_intset_entries = count(config, "set-max-intset-entries");
  limits.zset_max_listpack_entries = count(config, "zset-max-listpack-entries");
  limits.zset_max_listpack_value = config.bytes("zset-max-listpack-value");
  limits.list_max_listpack_size = config.number("list-max-listpack-size");
  return limits;
}

void set_command_settings(const Config& config, commands::Settings& settings) {
  settings.slowlog_log_slower_than_us = config.number("slowlog-log-slower-than");
  settings.slowlog_max_len = count(config, "slowlog-max-len");
  settings.latency_tracking = config.yes("latency-tracking");
  settings.proto_max_bulk_len = config.bytes("proto-max-bulk-len");
  settings.hll_sparse_max_bytes = config.bytes("hll-sparse-max-bytes");
  settings.notified_events = commands::event_classes(config.text("notify-keyspace-events"));
  settings.maxmemory_bytes = config.bytes("maxmemory");
  settings.eviction = eviction_policy(config.text("maxmemory-policy"));
  settings.maxmemory_samples = count(config, "maxmemory-samples");
  settings.maxmemory_eviction_tenacity = small(config, "maxmemory-eviction-tenacity");
  settings.lazyfree_lazy_eviction = config.yes("lazyfree-lazy-eviction");
  settings.lazyfree_lazy_user_del = config.yes("lazyfree-lazy-user-del");
  settings.lazyfree_lazy_user_flush = config.yes("lazyfree-lazy-user-flush");
  settings.lazyfree_lazy_expire = config.yes("lazyfree-lazy-expire");
  settings.lazyfree_lazy_server_del = config.yes("lazyfree-lazy-server-del");
  settings.active_expire_effort = small(config, "active-expire-effort");
  settings.hz = small(config, "hz");
  settings.access = config.text("maxmemory-policy").ends_with("lfu")
                        ? commands::Settings::Access::kLfu
                        : commands::Settings::Access::kLru;
  settings.lfu_log_factor = small(config, "lfu-log-factor");
  settings.lfu_decay_time_min = small(config, "lfu-decay-time");
}

void normalize(Config& config) {
  const std::int64_t hz = std::clamp<std::int64_t>(config.number("hz"), 1, 500);
  config.assign(*find_directive("hz"), std::to_string(hz));
}

}  // namespace engine::server
