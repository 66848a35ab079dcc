#include "engine/server/info.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <sstream>
#include <vector>

#include "engine/base/memory.h"
#include "engine/base/text.h"
#include "engine/base/version.h"
#include "engine/keyspace/lazy_free.h"

namespace engine::server {
namespace {

class Writer {
 public:
  template <typename T>
  void field(std::string_view name, const T& value) {
    fmt::format_to(std::back_inserter(text_), "{}:{}\r\n", name, value);
  }
  void field(std::string_view name, bool value) { field(name, value ? 1 : 0); }
  void fixed(std::string_view name, double value, int digits = 2) {
    fmt::format_to(std::back_inserter(text_), "{}:{:.{}f}\r\n", name, value, digits);
  }
  void status(std::string_view name, bool ok) { field(name, ok ? "ok" : "err"); }
  void zeros(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      field(name, 0);
    }
  }
  void title(std::string_view name) {
    if (!text_.empty()) {
      text_ += "\r\n";
    }
    fmt::format_to(std::back_inserter(text_), "# {}\r\n", name);
  }
  // "918.86K", as redis-server prints sizes for people.
  void human(std::string_view name, std::size_t bytes) { field(name, human_bytes(bytes)); }

  std::string take() { return std::move(text_); }

 private:
  static std::string human_bytes(std::size_t bytes) {
    constexpr std::string_view kUnits = "KMGTP";
    if (bytes < 1024) {
      return fmt::format("{}B", bytes);
    }
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) {
      value /= 1024;
    }
    return fmt::format("{:.2f}{}", value, kUnits[unit]);
  }

  std::string text_;
};

double ratio(std::size_t of, std::size_t to) {
  return to == 0 ? 0 : static_cast<double>(of) / static_cast<double>(to);
}

std::int64_t difference(std::size_t a, std::size_t b) {
  return static_cast<std::int64_t>(a) - static_cast<std::int64_t>(b);
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::string compiler_version() {
  return fmt::format("{}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
}

void server_section(const InfoSources& in, Writer& out) {
  utsname name = {};
  ::uname(&name);
  const std::int64_t wall_us = in.clock.wall_ms() * 1000;
  const std::int64_t uptime_s = (in.clock.monotonic_us() / 1000 - in.figures.start_ms) / 1000;
  out.field("redis_version", kRedisVersion);
  out.field("redis_git_sha1", "00000000");
  out.field("redis_git_dirty", 0);
  out.field("redis_build_id", fmt::format("crashpoint-engine-{}", kEngineVersion));
  out.field("redis_mode", "standalone");
  out.field("os", fmt::format("{} {} {}", name.sysname, name.release, name.machine));
  out.field("arch_bits", 64);
  out.field("monotonic_clock", "POSIX clock_gettime");
  out.field("multiplexing_api", "epoll");
  out.field("atomicvar_api", "c11-builtin");
  out.field("gcc_version", compiler_version());
  out.field("process_id", ::getpid());
  out.field("process_supervised", in.config.text("supervised"));
  out.field("run_id", in.figures.run_id);
  out.field("tcp_port", in.config.number("port"));
  out.field("server_time_usec", wall_us);
  out.field("uptime_in_seconds", uptime_s);
  out.field("uptime_in_days", uptime_s / 86400);
  out.field("hz", in.config.number("hz"));
  out.field("configured_hz", in.config.number("hz"));
  out.field("lru_clock", (wall_us / 1'000'000) & 0xffffff);
  out.field("executable", in.figures.executable);
  out.field("config_file", in.figures.config_file);
  out.field("io_threads_active", 0);
}

void clients_section(const InfoSources& in, Writer& out) {
  const auto buffers = in.connections.buffer_figures();
  out.field("connected_clients", in.connections.size());
  out.field("cluster_connections", 0);
  out.field("maxclients", in.config.number("maxclients"));
  out.field("client_recent_max_input_buffer", buffers.input_bytes_max);
  out.field("client_recent_max_output_buffer", buffers.output_bytes_max);
  out.field("blocked_clients", in.executor.blocked_clients());
  out.zeros({"tracking_clients", "clients_in_timeout_table"});
}

// The allocator is the C library's: what only jemalloc knows is derived from the resident set, or
// 0.
void memory_section(const InfoSources& in, Writer& out) {
  const std::size_t used = used_memory_bytes(in.figures);
  const std::size_t peak = std::max(used, in.figures.peak_memory_bytes);
  const std::size_t resident = in.figures.resident_bytes;
  const std::size_t startup = in.figures.startup_memory_bytes;
  const std::size_t dataset = used - std::min(used, startup);
  const std::size_t buffers = in.figures.buffer_bytes;
  struct sysinfo machine = {};
  ::sysinfo(&machine);
  const std::size_t machine_bytes = machine.totalram * machine.mem_unit;
  const std::uint64_t limit = in.config.bytes("maxmemory");
  out.field("used_memory", used);
  out.human("used_memory_human", used);
  out.field("used_memory_rss", resident);
  out.human("used_memory_rss_human", resident);
  out.field("used_memory_peak", peak);
  out.human("used_memory_peak_human", peak);
  out.field("used_memory_peak_perc", fmt::format("{:.2f}%", 100 * ratio(used, peak)));
  out.field("used_memory_overhead", startup + buffers);
  out.field("used_memory_startup", startup);
  out.field("used_memory_dataset", dataset);
  out.field("used_memory_dataset_perc", fmt::format("{:.2f}%", 100 * ratio(dataset, used)));
  out.field("allocator_allocated", used);
  out.field("allocator_active", resident);
  out.field("allocator_resident", resident);
  out.field("total_system_memory", machine_bytes);
  out.human("total_system_memory_human", machine_bytes);
  out.zeros({"used_memory_lua", "used_memory_vm_eval"});
  out.human("used_memory_lua_human", 0);
  out.zeros({"used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions",
             "number_of_libraries", "used_memory_vm_functions", "used_memory_vm_total"});
  out.human("used_memory_vm_total_human", 0);
  out.zeros({"used_memory_functions", "used_memory_scripts"});
  out.human("used_memory_scripts_human", 0);
  out.field("maxmemory", limit);
  out.human("maxmemory_human", limit);
  out.field("maxmemory_policy", in.config.text("maxmemory-policy"));
  out.fixed("allocator_frag_ratio", ratio(resident, used));
  out.field("allocator_frag_bytes", difference(resident, used));
  out.fixed("allocator_rss_ratio", 1);
  out.field("allocator_rss_bytes", 0);
  out.fixed("rss_overhead_ratio", 1);
  out.field("rss_overhead_bytes", 0);
  out.fixed("mem_fragmentation_ratio", ratio(resident, used));
  out.field("mem_fragmentation_bytes", difference(resident, used));
  out.zeros({"mem_not_counted_for_evict", "mem_replication_backlog",
             "mem_total_replication_buffers", "mem_clients_slaves"});
  out.field("mem_clients_normal", buffers);
  out.field("mem_cluster_links", 0);
  out.field("mem_aof_buffer", in.persistence.info().aof_buffer_length_bytes);
  out.field("mem_allocator", "libc");
  out.field("active_defrag_running", 0);
  out.field("lazyfree_pending_objects", keyspace::lazy_free::pending_objects());
  out.field("lazyfreed_objects", keyspace::lazy_free::freed_objects());
}

void loading_fields(const InfoSources& in, const persistence::Info& info, Writer& out) {
  const double total = static_cast<double>(std::max<std::int64_t>(info.loading_total_bytes, 1));
  const double done = static_cast<double>(info.loading_loaded_bytes);
  const std::int64_t elapsed_s = in.clock.wall_ms() / 1000 - info.loading_start_time_s;
  const std::int64_t eta_s =
      done == 0 ? 1
                : static_cast<std::int64_t>(static_cast<double>(elapsed_s) * (total - done) / done);
  out.field("loading_start_time", info.loading_start_time_s);
  out.field("loading_total_bytes", info.loading_total_bytes);
  out.field("loading_rdb_used_mem", info.loading_rdb_used_memory_bytes);
  out.field("loading_loaded_bytes", info.loading_loaded_bytes);
  out.fixed("loading_loaded_perc", 100 * done / total);
  out.field("loading_eta_seconds", eta_s);
}

void persistence_section(const InfoSources& in, Writer& out) {
  const persistence::Info info = in.persistence.info();
  out.field("loading", info.loading);
  out.field("async_loading", 0);
  out.field("current_cow_peak", info.current_cow_peak_bytes);
  out.field("current_cow_size", info.current_cow_size_bytes);
  out.field("current_cow_size_age", info.current_cow_size_age_s);
  out.fixed("current_fork_perc", info.current_fork_percent);
  out.field("current_save_keys_processed", info.current_save_keys_processed);
  out.field("current_save_keys_total", info.current_save_keys_total);
  out.field("rdb_changes_since_last_save", info.rdb_changes_since_last_save);
  out.field("rdb_bgsave_in_progress", info.rdb_bgsave_in_progress);
  out.field("rdb_last_save_time", info.rdb_last_save_time_s);
  out.status("rdb_last_bgsave_status", info.rdb_last_bgsave_ok);
  out.field("rdb_last_bgsave_time_sec", info.rdb_last_bgsave_time_s);
  out.field("rdb_current_bgsave_time_sec", info.rdb_current_bgsave_time_s);
  out.field("rdb_saves", info.rdb_saves);
  out.field("rdb_last_cow_size", info.rdb_last_cow_size_bytes);
  out.field("rdb_last_load_keys_expired", info.rdb_last_load_keys_expired);
  out.field("rdb_last_load_keys_loaded", info.rdb_last_load_keys_loaded);
  out.field("aof_enabled", info.aof_enabled);
  out.field("aof_rewrite_in_progress", info.aof_rewrite_in_progress);
  out.field("aof_rewrite_scheduled", info.aof_rewrite_scheduled);
  out.field("aof_last_rewrite_time_sec", info.aof_last_rewrite_time_s);
  out.field("aof_current_rewrite_time_sec", info.aof_current_rewrite_time_s);
  out.status("aof_last_bgrewrite_status", info.aof_last_bgrewrite_ok);
  out.field("aof_rewrites", info.aof_rewrites);
  out.field("aof_rewrites_consecutive_failures", info.aof_rewrites_consecutive_failures);
  out.status("aof_last_write_status", info.aof_last_write_ok);
  out.field("aof_last_cow_size", info.aof_last_cow_size_bytes);
  out.zeros({"module_fork_in_progress", "module_fork_last_cow_size"});
  if (info.aof_enabled) {
    out.field("aof_current_size", info.aof_current_size_bytes);
    out.field("aof_base_size", info.aof_base_size_bytes);
    out.field("aof_pending_rewrite", info.aof_rewrite_scheduled);
    out.field("aof_buffer_length", info.aof_buffer_length_bytes);
    out.field("aof_pending_bio_fsync", info.aof_pending_bio_fsync);
    out.field("aof_delayed_fsync", info.aof_delayed_fsync);
  }
  if (info.loading) {
    loading_fields(in, info, out);
  }
}

void stats_section(const InfoSources& in, Writer& out) {
  const commands::Statistics& executed = in.executor.statistics();
  const ConnectionStatistics& network = in.connections.statistics;
  const persistence::Info persistence = in.persistence.info();
  out.field("total_connections_received", network.accepted);
  out.field("total_commands_processed", executed.commands_processed);
  out.field("instantaneous_ops_per_sec", in.figures.commands.per_second());
  out.field("total_net_input_bytes", network.input_bytes);
  out.field("total_net_output_bytes", network.output_bytes);
  out.zeros({"total_net_repl_input_bytes", "total_net_repl_output_bytes"});
  out.fixed("instantaneous_input_kbps", static_cast<double>(in.figures.input.per_second()) / 1024);
  out.fixed("instantaneous_output_kbps",
            static_cast<double>(in.figures.output.per_second()) / 1024);
  out.fixed("instantaneous_input_repl_kbps", 0);
  out.fixed("instantaneous_output_repl_kbps", 0);
  out.field("rejected_connections", network.rejected);
  out.zeros({"sync_full", "sync_partial_ok", "sync_partial_err"});
  out.field("expired_keys", executed.expired_keys);
  out.fixed("expired_stale_perc", 0);
  out.zeros({"expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds"});
  out.field("evicted_keys", executed.evicted_keys);
  const std::int64_t over_us =
      in.clock.monotonic_us() - executed.over_maxmemory_since_us.value_or(in.clock.monotonic_us());
  out.field("evicted_clients", 0);
  out.field("total_eviction_exceeded_time", (executed.over_maxmemory_us + over_us) / 1000);
  out.field("current_eviction_exceeded_time", over_us / 1000);
  out.field("keyspace_hits", executed.keyspace_hits);
  out.field("keyspace_misses", executed.keyspace_misses);
  out.field("pubsub_channels", in.executor.pubsub_channels());
  out.field("pubsub_patterns", in.executor.pubsub_patterns());
  out.field("pubsubshard_channels", 0);
  out.field("latest_fork_usec", persistence.latest_fork_us);
  out.field("total_forks", persistence.total_forks);
  out.zeros({"migrate_cached_sockets", "slave_expires_tracked_keys", "active_defrag_hits",
             "active_defrag_misses", "active_defrag_key_hits", "active_defrag_key_misses",
             "total_active_defrag_time", "current_active_defrag_time", "tracking_total_keys",
             "tracking_total_items", "tracking_total_prefixes", "unexpected_error_replies"});
  out.field("total_error_replies", executed.error_replies);
  out.field("dump_payload_sanitizations", 0);
  out.field("total_reads_processed", network.reads);
  out.field("total_writes_processed", network.writes);
  out.zeros({"io_threaded_reads_processed", "io_threaded_writes_processed", "reply_buffer_shrinks",
             "reply_buffer_expands"});
}

// There is no replication: what a master without replicas reports.
void replication_section(const InfoSources& in, Writer& out) {
  out.field("role", "master");
  out.field("connected_slaves", 0);
  out.field("master_failover_state", "no-failover");
  out.field("master_replid", in.figures.replication_id);
  out.field("master_replid2", std::string(40, '0'));
  out.field("master_repl_offset", 0);
  out.field("second_repl_offset", -1);
  out.field("repl_backlog_active", 0);
  out.field("repl_backlog_size", in.config.bytes("repl-backlog-size"));
  out.zeros({"repl_backlog_first_byte_offset", "repl_backlog_histlen"});
}

void cpu_section(const InfoSources&, Writer& out) {
  rusage self = {};
  rusage children = {};
  rusage main_thread = {};
  ::getrusage(RUSAGE_SELF, &self);
  ::getrusage(RUSAGE_CHILDREN, &children);
  ::getrusage(RUSAGE_THREAD, &main_thread);
  out.fixed("used_cpu_sys", seconds(self.ru_stime), 6);
  out.fixed("used_cpu_user", seconds(self.ru_utime), 6);
  out.fixed("used_cpu_sys_children", seconds(children.ru_stime), 6);
  out.fixed("used_cpu_user_children", seconds(children.ru_utime), 6);
  out.fixed("used_cpu_sys_main_thread", seconds(main_thread.ru_stime), 6);
  out.fixed("used_cpu_user_main_thread", seconds(main_thread.ru_utime), 6);
}

void commandstats_section(const InfoSources& in, Writer& out) {
  for (const auto& [name, figures] : in.executor.statistics().by_command()) {
    const double each =
        figures.calls == 0 ? 0
                           : static_cast<double>(figures.usec) / static_cast<double>(figures.calls);
    out.field(fmt::format("cmdstat_{}", name),
              fmt::format("calls={},usec={},usec_per_call={:.2f},rejected_calls={},failed_calls={}",
                          figures.calls, figures.usec, each, figures.rejected_calls,
                          figures.failed_calls));
  }
}

void latencystats_section(const InfoSources& in, Writer& out) {
  std::istringstream words(in.config.text("latency-tracking-info-percentiles"));
  const std::vector<double> percentiles{std::istream_iterator<double>(words), {}};
  for (const auto& [name, latencies] : in.executor.statistics().latencies_by_command()) {
    std::string text;
    for (const double percent : percentiles) {
      text += fmt::format("{}p{}={:.3f}", text.empty() ? "" : ",", percent,
                          latencies->percentile_us(percent));
    }
    out.field(fmt::format("latency_percentiles_usec_{}", name), text);
  }
}

void errorstats_section(const InfoSources& in, Writer& out) {
  for (const auto& [code, count] : in.executor.statistics().errors_by_code) {
    out.field(fmt::format("errorstat_{}", code), fmt::format("count={}", count));
  }
}

void cluster_section(const InfoSources&, Writer& out) {
  out.field("cluster_enabled", 0);
}

void keyspace_section(const InfoSources& in, Writer& out) {
  for (int i = 0; i < in.keyspace.count(); ++i) {
    const keyspace::Database& database = in.keyspace.database(i);
    if (database.size() > 0) {
      const std::int64_t ttl_ms =
          std::max<std::int64_t>(database.mean_expire_ms() - in.clock.wall_ms(), 0);
      out.field(fmt::format("db{}", i),
                fmt::format("keys={},expires={},avg_ttl={}", database.size(),
                            database.expires_size(), ttl_ms));
    }
  }
}

void empty_section(const InfoSources&, Writer&) {}

struct Section {
  std::string_view name;
  std::string_view title;
  bool by_default;
  void (*write)(const InfoSources&, Writer&);
};

constexpr std::array kSections = {
    Section{"server", "Server", true, server_section},
    Section{"clients", "Clients", true, clients_section},
    Section{"memory", "Memory", true, memory_section},
    Section{"persistence", "Persistence", true, persistence_section},
    Section{"stats", "Stats", true, stats_section},
    Section{"replication", "Replication", true, replication_section},
    Section{"cpu", "CPU", true, cpu_section},
    Section{"modules", "Modules", true, empty_section},
    Section{"commandstats", "Commandstats", false, commandstats_section},
    Section{"errorstats", "Errorstats", true, errorstats_section},
    Section{"latencystats", "Latencystats", false, latencystats_section},
    Section{"cluster", "Cluster", true, cluster_section},
    Section{"keyspace", "Keyspace", true, keyspace_section},
};

bool is_wanted(const Section& section, std::span<const std::string_view> asked) {
  return std::any_of(asked.begin(), asked.end(), [&section](std::string_view name) {
    if (equals_ignoring_case(name, "all") || equals_ignoring_case(name, "everything")) {
      return true;
    }
    return equals_ignoring_case(name, section.name) ||
           (section.by_default && equals_ignoring_case(name, "default"));
  });
}

}  // namespace

std::string info_text(const InfoSources& sources, std::span<const std::string_view> sections) {
  constexpr std::array<std::string_view, 1> kDefault = {"default"};
  const auto asked = sections.empty() ? std::span<const std::string_view>(kDefault) : sections;
  Writer out;
  for (const Section& section : kSections) {
    if (is_wanted(section, asked)) {
      out.title(section.title);
      section.write(sources, out);
    }
  }
  return out.take();
}

std::string random_id() {
  std::array<unsigned char, 20> bytes = {};
  ENGINE_CHECK(::getrandom(bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

std::size_t used_memory_bytes(const ServerFigures& figures) {
  return memory::used_bytes() + figures.buffer_bytes;
}

std::size_t resident_bytes() {
  std::size_t total_pages = 0;
  std::size_t resident_pages = 0;
  std::FILE* statm = std::fopen("/proc/self/statm", "re");
  if (statm == nullptr) {
    return 0;
  }
  const int read = std::fscanf(statm, "%zu %zu", &total_pages, &resident_pages);
  std::fclose(statm);
  return read == 2 ? resident_pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

}  // namespace engine::server
