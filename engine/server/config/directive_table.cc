// Every directive of redis-server 7.0, with its default and bounds (redis.conf and `CONFIG GET *`
// of redis-server 7.0.15), and the engine's own. Those that concern what the engine does not have
// (replication, cluster, TLS, scripts) are accepted and listed, unless ignoring them would break a
// promise to clients: then they are refused at start.
#include <algorithm>
#include <array>
#include <climits>
#include <iterator>

#include "engine/base/text.h"
#include "engine/server/config/directive.h"
#include "engine/server/config/directive_checks.h"

namespace engine::server {
namespace {

using Kind = Directive::Kind;

constexpr unsigned kModifiable = Directive::kNone;
constexpr unsigned kImmutable = Directive::kImmutable;
constexpr unsigned kProtected = Directive::kProtected;
constexpr unsigned kHidden = Directive::kHidden;

constexpr Directive yes_no(std::string_view name, std::string_view initial,
                           unsigned flags = kModifiable, std::string_view alias = {}) {
  return {.name = name, .kind = Kind::kYesNo, .initial = initial, .flags = flags, .alias = alias};
}
constexpr Directive checked(Directive directive, Directive::Check check) {
  directive.check = check;
  return directive;
}
constexpr Directive integer(std::string_view name, std::string_view initial, std::int64_t min,
                            std::uint64_t max, unsigned flags = kModifiable,
                            std::string_view alias = {}) {
  return {.name = name,
          .kind = Kind::kInteger,
          .initial = initial,
          .flags = flags,
          .alias = alias,
          .min = min,
          .max = max};
}
constexpr Directive memory(std::string_view name, std::string_view initial, std::int64_t min,
                           std::uint64_t max, unsigned flags = kModifiable,
                           std::string_view alias = {}) {
  Directive directive = integer(name, initial, min, max, flags, alias);
  directive.kind = Kind::kMemory;
  return directive;
}
constexpr Directive choice(std::string_view name, std::string_view initial,
                           std::string_view choices, unsigned flags = kModifiable) {
  return {
      .name = name, .kind = Kind::kChoice, .initial = initial, .flags = flags, .choices = choices};
}
constexpr Directive text(std::string_view name, std::string_view initial,
                         unsigned flags = kModifiable, std::string_view alias = {}) {
  return {.name = name, .kind = Kind::kText, .initial = initial, .flags = flags, .alias = alias};
}
constexpr Directive of_kind(Kind kind, std::string_view name, std::string_view initial,
                            unsigned flags = kModifiable, std::string_view alias = {}) {
  return {.name = name, .kind = kind, .initial = initial, .flags = flags, .alias = alias};
}

constexpr std::uint64_t kInt = INT_MAX;
constexpr std::uint64_t kUnsigned = UINT_MAX;
constexpr std::uint64_t kLong = LONG_MAX;
constexpr std::uint64_t kUnsignedLong = ULONG_MAX;

constexpr std::string_view kAccess = "no yes local";
constexpr std::string_view kOnSignal = "default save nosave now force";

constexpr Directive kObeyed[] = {
    // --- network ---
    of_kind(Kind::kWords, "bind", "127.0.0.1 -::1"),
    integer("port", "6379", 0, 65535),
    integer("tcp-backlog", "511", 0, kInt, kImmutable),
    text("unixsocket", "", kImmutable),
    of_kind(Kind::kOctal, "unixsocketperm", "0", kImmutable),
    integer("timeout", "0", 0, kInt),
    integer("tcp-keepalive", "300", 0, kInt),
    yes_no("protected-mode", "yes"),
    choice("enable-protected-configs", "no", kAccess, kImmutable),
    choice("enable-debug-command", "no", kAccess, kImmutable),

    // --- general ---
    yes_no("daemonize", "no", kImmutable),
    choice("supervised", "no", "upstart systemd auto no", kImmutable),
    text("pidfile", "", kImmutable),
    choice("loglevel", "notice", "debug verbose notice warning"),
    text("logfile", "", kImmutable),
    yes_no("syslog-enabled", "no", kImmutable),
    text("syslog-ident", "redis", kImmutable),
    choice("syslog-facility", "local0",
           "user local0 local1 local2 local3 local4 local5 local6 local7", kImmutable),
    yes_no("crash-log-enabled", "yes"),
    integer("databases", "16", 1, kInt, kImmutable),
    yes_no("always-show-logo", "no", kImmutable),
    yes_no("set-proc-title", "yes", kImmutable),
    checked(text("proc-title-template", "{title} {listen-addr} {server-mode}"),
            check_title_template),
    yes_no("disable-thp", "yes", kImmutable),
    integer("hz", "10", 0, kInt),
    choice("oom-score-adj", "no", "no yes relative absolute"),
    of_kind(Kind::kOomScores, "oom-score-adj-values", "0 200 800"),
    {.name = "shutdown-on-sigint",
     .kind = Kind::kChoices,
     .initial = "default",
     .choices = kOnSignal},
    {.name = "shutdown-on-sigterm",
     .kind = Kind::kChoices,
     .initial = "default",
     .choices = kOnSignal},

    // --- snapshots ---
    of_kind(Kind::kSave, "save", "3600 1 300 100 60 10000"),
    yes_no("stop-writes-on-bgsave-error", "yes"),
    yes_no("rdbcompression", "yes"),
    yes_no("rdbchecksum", "yes", kImmutable),
    choice("sanitize-dump-payload", "no", "no yes clients"),
    checked(text("dbfilename", "dump.rdb", kProtected), check_dbfilename),
    yes_no("rdb-save-incremental-fsync", "yes"),
    integer("rdb-key-save-delay", "0", INT_MIN, kInt, kHidden),
    integer("key-load-delay", "0", INT_MIN, kInt, kHidden),
    memory("loading-process-events-interval-bytes", "2097152", 1024, kInt, kHidden),
    checked(text("dir", "", kProtected | Directive::kDenyLoading), check_directory),

    // --- the append-only file ---
    yes_no("appendonly", "no", Directive::kDenyLoading),
    checked(text("appendfilename", "appendonly.aof", kImmutable), check_appendfilename),
    checked(text("appenddirname", "appendonlydir", kImmutable), check_appenddirname),
    choice("appendfsync", "everysec", "everysec always no"),
    yes_no("no-appendfsync-on-rewrite", "no"),
    integer("auto-aof-rewrite-percentage", "100", 0, kInt),
    memory("auto-aof-rewrite-min-size", "67108864", 0, kLong),
    yes_no("aof-load-truncated", "yes"),
    yes_no("aof-use-rdb-preamble", "yes"),
    yes_no("aof-timestamp-enabled", "no"),
    yes_no("aof-rewrite-incremental-fsync", "yes"),
    yes_no("aof-disable-auto-gc", "no"),
    yes_no("aof-checksum", "yes"),  // ours: checksums and a synced watermark in annotation lines

    // --- clients and memory ---
    integer("maxclients", "10000", 1, kUnsigned),
    memory("maxmemory", "0", 0, kUnsignedLong),
    choice("maxmemory-policy", "noeviction",
           "volatile-lru volatile-lfu volatile-random volatile-ttl allkeys-lru allkeys-lfu "
           "allkeys-random noeviction"),
    integer("maxmemory-samples", "5", 1, kInt),
    integer("maxmemory-eviction-tenacity", "10", 0, 100),
    yes_no("lazyfree-lazy-eviction", "no"),
    of_kind(Kind::kBufferLimits, "client-output-buffer-limit",
            "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"),
    memory("client-query-buffer-limit", "1073741824", 1024L * 1024, kLong),
    memory("proto-max-bulk-len", "536870912", 1024L * 1024, kLong),
    text("requirepass", ""),
    integer("lfu-log-factor", "10", 0, kInt),
    integer("lfu-decay-time", "1", 0, kInt),
    yes_no("lazyfree-lazy-expire", "no"),
    yes_no("lazyfree-lazy-server-del", "no"),
    yes_no("lazyfree-lazy-user-del", "no"),
    integer("active-expire-effort", "1", 1, 10),
    checked(yes_no("activedefrag", "no"), refuse_active_defrag),

    // --- encodings ---
    integer("hash-max-listpack-entries", "512", 0, kLong, kModifiable, "hash-max-ziplist-entries"),
    memory("hash-max-listpack-value", "64", 0, kLong, kModifiable, "hash-max-ziplist-value"),
    integer("list-max-listpack-size", "-2", INT_MIN, kInt, kModifiable, "list-max-ziplist-size"),
    integer("set-max-intset-entries", "512", 0, kLong),
    integer("zset-max-listpack-entries", "128", 0, kLong, kModifiable, "zset-max-ziplist-entries"),
    memory("zset-max-listpack-value", "64", 0, kLong, kModifiable, "zset-max-ziplist-value"),
    memory("hll-sparse-max-bytes", "3000", 0, kLong),

    // --- monitoring ---
    integer("slowlog-log-slower-than", "10000", -1, kLong),
    integer("slowlog-max-len", "128", 0, kLong),
    integer("latency-monitor-threshold", "0", 0, kLong),
    yes_no("latency-tracking", "yes"),
    of_kind(Kind::kPercentiles, "latency-tracking-info-percentiles", "50 99 99.9"),
    of_kind(Kind::kEvents, "notify-keyspace-events", ""),

    // --- access control ---
    checked(text("aclfile", "", kImmutable), refuse_acl_file),

    // --- replication ---
    checked(of_kind(Kind::kWords, "replicaof", "", kImmutable, "slaveof"), refuse_replication),

    // --- cluster ---
    checked(yes_no("cluster-enabled", "no", kImmutable), refuse_cluster),

    // --- TLS ---
    checked(integer("tls-port", "0", 0, 65535), refuse_tls),
};

// What these set does not exist here.
constexpr Directive kWithoutEffect[] = {
    // --- network ---
    text("bind-source-addr", ""),
    integer("socket-mark-id", "0", 0, kUnsigned, kImmutable),
    choice("enable-module-command", "no", kAccess, kImmutable),

    // --- general ---
    yes_no("crash-memcheck-enabled", "yes"),
    yes_no("use-exit-on-panic", "no", kHidden),
    text("ignore-warnings", ""),
    yes_no("dynamic-hz", "yes"),
    integer("watchdog-period", "0", 0, kInt, kHidden),
    integer("io-threads", "1", 1, 128, kImmutable),
    yes_no("io-threads-do-reads", "no", kImmutable),
    text("server_cpulist", "", kImmutable),
    text("bio_cpulist", "", kImmutable),
    text("aof_rewrite_cpulist", "", kImmutable),
    text("bgsave_cpulist", "", kImmutable),
    integer("shutdown-timeout", "10", 0, kInt),

    // --- snapshots ---
    yes_no("rdb-del-sync-files", "no"),

    // --- clients and memory ---
    of_kind(Kind::kMemoryOrPercent, "maxmemory-clients", "0"),
    yes_no("lazyfree-lazy-user-flush", "no"),
    yes_no("activerehashing", "yes"),
    yes_no("jemalloc-bg-thread", "yes"),
    memory("active-defrag-ignore-bytes", "104857600", 1, kLong),
    integer("active-defrag-threshold-lower", "10", 0, 1000),
    integer("active-defrag-threshold-upper", "100", 0, 1000),
    integer("active-defrag-cycle-min", "1", 1, 99),
    integer("active-defrag-cycle-max", "25", 1, 99),
    integer("active-defrag-max-scan-fields", "1000", 1, kLong),
    integer("tracking-table-max-keys", "1000000", 0, kLong),

    // --- encodings ---
    integer("list-compress-depth", "0", 0, kInt),
    memory("stream-node-max-bytes", "4096", 0, kLong),
    integer("stream-node-max-entries", "100", 0, kLong),

    // --- monitoring ---
    integer("busy-reply-threshold", "5000", 0, kLong, kModifiable, "lua-time-limit"),

    // --- access control ---
    choice("acl-pubsub-default", "resetchannels", "allchannels resetchannels"),
    integer("acllog-max-len", "128", 0, kLong),

    // --- replication ---
    text("masteruser", ""),
    text("masterauth", ""),
    text("replica-announce-ip", "", kModifiable, "slave-announce-ip"),
    integer("replica-announce-port", "0", 0, 65535, kModifiable, "slave-announce-port"),
    yes_no("replica-announced", "yes"),
    integer("replica-priority", "100", 0, kInt, kModifiable, "slave-priority"),
    yes_no("replica-serve-stale-data", "yes", kModifiable, "slave-serve-stale-data"),
    yes_no("replica-read-only", "yes", kModifiable, "slave-read-only"),
    yes_no("replica-lazy-flush", "no", kModifiable, "slave-lazy-flush"),
    yes_no("replica-ignore-maxmemory", "yes", kModifiable, "slave-ignore-maxmemory"),
    yes_no("replica-ignore-disk-write-errors", "no"),
    yes_no("repl-disable-tcp-nodelay", "no"),
    yes_no("repl-diskless-sync", "yes"),
    integer("repl-diskless-sync-delay", "5", 0, kInt),
    integer("repl-diskless-sync-max-replicas", "0", 0, kInt),
    choice("repl-diskless-load", "disabled", "disabled on-empty-db swapdb"),
    integer("repl-ping-replica-period", "10", 1, kInt, kModifiable, "repl-ping-slave-period"),
    integer("repl-timeout", "60", 1, kInt),
    memory("repl-backlog-size", "1048576", 1, kLong),
    integer("repl-backlog-ttl", "3600", 0, kLong),
    integer("min-replicas-to-write", "0", 0, kInt, kModifiable, "min-slaves-to-write"),
    integer("min-replicas-max-lag", "10", 0, kInt, kModifiable, "min-slaves-max-lag"),
    choice("propagation-error-behavior", "ignore", "ignore panic panic-on-replicas"),

    // --- cluster ---
    text("cluster-config-file", "nodes.conf", kImmutable),
    integer("cluster-node-timeout", "15000", 0, kLong),
    integer("cluster-ping-interval", "1000", 0, kInt, kHidden),
    integer("cluster-migration-barrier", "1", 0, kInt),
    integer("cluster-replica-validity-factor", "10", 0, kInt, kModifiable,
            "cluster-slave-validity-factor"),
    yes_no("cluster-require-full-coverage", "yes"),
    yes_no("cluster-replica-no-failover", "no", kModifiable, "cluster-slave-no-failover"),
    yes_no("cluster-allow-reads-when-down", "no"),
    yes_no("cluster-allow-pubsubshard-when-down", "yes"),
    yes_no("cluster-allow-replica-migration", "yes"),
    integer("cluster-port", "0", 0, 65535, kImmutable),
    memory("cluster-link-sendbuf-limit", "0", 0, kUnsignedLong),
    text("cluster-announce-ip", ""),
    text("cluster-announce-hostname", ""),
    integer("cluster-announce-port", "0", 0, 65535),
    integer("cluster-announce-tls-port", "0", 0, 65535),
    integer("cluster-announce-bus-port", "0", 0, 65535),
    choice("cluster-preferred-endpoint-type", "ip", "ip hostname unknown-endpoint"),

    // --- TLS ---
    text("tls-cert-file", ""),
    text("tls-key-file", ""),
    text("tls-key-file-pass", ""),
    text("tls-client-cert-file", ""),
    text("tls-client-key-file", ""),
    text("tls-client-key-file-pass", ""),
    text("tls-dh-params-file", ""),
    text("tls-ca-cert-file", ""),
    text("tls-ca-cert-dir", ""),
    choice("tls-auth-clients", "yes", "no yes optional"),
    yes_no("tls-replication", "no"),
    yes_no("tls-cluster", "no"),
    text("tls-protocols", ""),
    text("tls-ciphers", ""),
    text("tls-ciphersuites", ""),
    yes_no("tls-prefer-server-ciphers", "no"),
    yes_no("tls-session-caching", "yes"),
    integer("tls-session-cache-size", "20480", 0, kInt),
    integer("tls-session-cache-timeout", "300", 0, kInt),
};

constexpr auto kDirectives = [] {
  std::array<Directive, std::size(kObeyed) + std::size(kWithoutEffect)> all = {};
  auto next = std::copy(std::begin(kObeyed), std::end(kObeyed), all.begin());
  for (Directive directive : kWithoutEffect) {
    directive.flags |= Directive::kNoEffect;
    *next++ = directive;
  }
  return all;
}();

}  // namespace

std::span<const Directive> directives() {
  return kDirectives;
}

const Directive* find_directive(std::string_view name) {
  for (const Directive& directive : kDirectives) {
    if (equals_ignoring_case(directive.name, name) ||
        (!directive.alias.empty() && equals_ignoring_case(directive.alias, name))) {
      return &directive;
    }
  }
  return nullptr;
}

}  // namespace engine::server
