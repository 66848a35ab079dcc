// Server: what commands ask of it, other than CONFIG and DEBUG.
#include "engine/keyspace/lazy_free.h"
#include "engine/server/info.h"
#include "engine/server/server.h"

namespace engine::server {

keyspace::Replayed Server::replay(int db, std::span<const std::string_view> argv) {
  return executor_.replay(db, argv);
}

std::string_view Server::loading_refusal() {
  return persistence_.loading() ? "LOADING Redis is loading the dataset in memory" : "";
}

std::string_view Server::write_refusal() {
  return persistence_.write_refusal();
}

std::size_t Server::used_memory_bytes() {
  return server::used_memory_bytes(figures_);
}

bool Server::may_evict() {
  return !persistence_.loading() && !connections_.is_paused();
}

std::string_view Server::password() {
  return config_.text("requirepass");
}

void Server::reset_statistics() {
  executor_.statistics() = {};
  connections_.statistics = {};
  persistence_.reset_stats();
  keyspace::lazy_free::reset_freed_objects();
}

std::string Server::info(std::span<const std::string_view> sections) {
  return info_text({.clock = clock_,
                    .config = config_,
                    .figures = figures_,
                    .connections = connections_,
                    .keyspace = keyspace_,
                    .persistence = persistence_,
                    .executor = executor_},
                   sections);
}

Status Server::save() {
  auto saved = persistence_.save();
  return saved ? Status{} : tl::unexpected(saved.error());
}

Result<std::string> Server::background_save(bool schedule) {
  return persistence_.bgsave(schedule);
}

Result<std::string> Server::rewrite_append_only_file(bool in_transaction) {
  return persistence_.bgrewriteaof(in_transaction);
}

std::int64_t Server::last_save_time_s() {
  return persistence_.last_save_time_s();
}

void Server::flushed_all() {
  persistence_.after_flushall();
}

Status Server::shutdown(const commands::ShutdownOptions& options) {
  if (options.abort) {
    if (take_shutdown_signal() == 0) {
      return fail("ERR No shutdown in progress.");
    }
    forget_shutdown_signal();
    log_.notice("Shutdown manually aborted.");
    return {};
  }
  if (persistence_.loading()) {
    log_.warning("SHUTDOWN during loading, exiting now.");
    exit_now(0);
  }
  return try_shutdown(options);
}

void Server::for_each_session(const std::function<void(commands::Session&)>& fn) {
  connections_.for_each_session(fn);
}

void Server::session_changed(commands::Session& session) {
  connections_.changed(session);
}

void Server::pause_clients(std::int64_t until_monotonic_ms, bool all) {
  connections_.pause(until_monotonic_ms, all);
}

void Server::unpause_clients() {
  connections_.unpause();
}

}  // namespace engine::server
