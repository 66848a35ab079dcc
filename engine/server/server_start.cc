// Server: what happens once, before the first turn.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "engine/base/text.h"
#include "engine/base/version.h"
#include "engine/server/config/title_template.h"
#include "engine/server/network/descriptor_limit.h"
#include "engine/server/process_title.h"
#include "engine/server/server.h"
#include "engine/server/settings.h"

namespace engine::server {
namespace {

std::string executable_path() {
  std::array<char, PATH_MAX> resolved = {};
  return ::realpath("/proc/self/exe", resolved.data()) != nullptr ? resolved.data() : "";
}

bool huge_pages_are_always_on() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string line;
  return std::getline(file, line) && line.find("[always]") != std::string::npos;
}

bool overcommit_is_off() {
  std::ifstream file("/proc/sys/vm/overcommit_memory");
  int mode = 1;
  return file >> mode && mode != 1;
}

std::string names_of_set_without_effect(const Config& config) {
  std::string names;
  for (const Directive& directive : directives()) {
    if ((directive.flags & Directive::kNoEffect) != 0 &&
        config.value(directive) != directive.initial) {
      names += (names.empty() ? "" : ", ") + std::string(directive.name);
    }
  }
  return names;
}

}  // namespace

Server::Server(ServerOptions options, LogFile& log)
    : log_(log),
      config_(std::move(options.config)),
      program_(std::move(options.program)),
      supervisor_(options.supervisor),
      keyspace_(static_cast<int>(config_.number("databases"))),
      persistence_(persistence_settings(config_), keyspace_, *this, clock_, log, latency_,
                   {.while_loading = [this] { serve_while_loading(); },
                    .in_child = [this](std::string_view purpose) { become_child(purpose); }}),
      executor_(keyspace_, persistence_, *this, codec_, clock_),
      connections_(executor_, poller_, clock_, log) {
  executor_.names() = std::move(options.command_names);
  figures_.run_id = random_id();
  figures_.replication_id = random_id();
  figures_.executable = executable_path();
  figures_.config_file = std::move(options.config_file);
  figures_.start_ms = clock_.monotonic_us() / 1000;
  figures_.startup_memory_bytes = server::used_memory_bytes(figures_);
}

Server::~Server() {
#ifndef __SANITIZE_ADDRESS__  // its leak checker cannot follow the pointers in a table's slots
  keyspace_.leave_to_exit();
#endif
}

// In the words of redis-server.
Status Server::fit_descriptor_limit() {
  const auto wanted = static_cast<std::size_t>(config_.number("maxclients"));
  const std::size_t possible = raise_descriptor_limit(wanted);
  if (possible == 0) {
    return fail(
        fmt::format("Your current 'ulimit -n' is not enough for the server to start: it needs {} "
                    "open files for itself. Please increase your open file limit to at least {}. "
                    "Exiting.",
                    kOwnFiles, wanted + kOwnFiles));
  }
  if (possible < wanted) {
    log_.warning(
        "You requested maxclients of {}. The limit of open files allows {}: maxclients has been "
        "reduced to that. If you need higher maxclients increase 'ulimit -n'.",
        wanted, possible);
    config_.assign(*find_directive("maxclients"), std::to_string(possible));
  }
  return {};
}

// Logs what failed in detail; the error is the line that redis-server ends with.
Status Server::open_sockets() {
  if (Status opened = open_tcp(config_); !opened) {
    log_.warning("Warning: {}", opened.error().message);
    return fail(
        fmt::format("Failed listening on port {} (TCP), aborting.", config_.number("port")));
  }
  if (const std::string& path = config_.text("unixsocket"); !path.empty()) {
    const auto mode =
        static_cast<unsigned>(std::strtoul(config_.text("unixsocketperm").c_str(), nullptr, 8));
    auto listener = Listener::listen_unix(
        path, mode, static_cast<int>(config_.number("tcp-backlog")),
        [this](Accepted accepted) { connections_.accept(std::move(accepted)); });
    if (!listener) {
      return tl::unexpected(listener.error());
    }
    unix_listener_ = *std::move(listener);
    if (Status added = poller_.add(unix_listener_->fd(), EPOLLIN, *unix_listener_); !added) {
      return added;
    }
  }
  if (tcp_listeners_.empty() && !unix_listener_) {
    return fail("Configured to not listen anywhere, exiting.");
  }
  if (Status added = poller_.add(ShutdownEvent::fd(), EPOLLIN, shutdown_event_); !added) {
    return added;
  }
  return poller_.add(persistence_.event_fd(), EPOLLIN, *this);
}

void Server::prepare_process() {
  if (config_.yes("disable-thp") && huge_pages_are_always_on()) {
    // With huge pages, copy-on-write copies 2 MiB for every key written while a child saves.
    ::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  }
  if (config_.yes("set-proc-title")) {
    set_process_title(title(program_));
  }
  if (const std::string& path = config_.text("pidfile"); !path.empty()) {
    std::ofstream(path) << ::getpid() << "\n";
  }
}

std::string Server::title(std::string_view program) const {
  const std::string& bind = config_.text("bind");
  const std::string& unixsocket = config_.text("unixsocket");
  const std::int64_t port = config_.number("port");
  const std::string address = port != 0 ? fmt::format("{}:{}", bind.substr(0, bind.find(' ')), port)
                                        : "unixsocket:" + unixsocket;
  return expand_title(config_.text("proc-title-template"), {.title = program,
                                                            .listen_addr = address,
                                                            .server_mode = {},
                                                            .config_file = figures_.config_file,
                                                            .port = static_cast<int>(port),
                                                            .unixsocket = unixsocket});
}

void Server::log_start() {
  if (config_.yes("always-show-logo") || ::isatty(STDOUT_FILENO) != 0) {
    // Process supervisors look for "PID: <pid>".
    log_.write_raw(
        fmt::format("\n  crashpoint-engine {} (Redis {}, 64 bit)\n\n"
                    "  Running in standalone mode\n  Port: {}\n  PID: {}\n\n",
                    kEngineVersion, kRedisVersion, config_.number("port"), ::getpid()));
  } else {
    log_.notice("Running mode=standalone, port={}.", config_.number("port"));
  }
  log_.warning("Server initialized");
  if (const std::string names = names_of_set_without_effect(config_); !names.empty()) {
    log_.warning("WARNING These directives are accepted, but have no effect here: {}", names);
  }
  if (overcommit_is_off()) {
    log_.warning(
        "WARNING Memory overcommit must be enabled! Without it, a background save may fail under "
        "low memory condition. To fix this issue add 'vm.overcommit_memory = 1' to "
        "/etc/sysctl.conf and then reboot or run the command 'sysctl vm.overcommit_memory=1'.");
  }
}

void Server::tell_supervisor(std::string_view state) const {
  if (supervisor_ == Supervisor::kSystemd) {
    tell_systemd(state, log_);
  }
}

void Server::log_ready() const {
  if (!tcp_listeners_.empty()) {
    log_.notice("Ready to accept connections");
  }
  if (unix_listener_) {
    log_.notice("The server is now ready to accept connections at {}", config_.text("unixsocket"));
  }
  tell_supervisor("STATUS=Ready to accept connections\nREADY=1\n");
  constexpr std::uint64_t kLeastMemoryOfUse = 1 << 20;
  if (const std::uint64_t limit = config_.bytes("maxmemory");
      limit > 0 && limit < kLeastMemoryOfUse) {
    log_.warning(
        "WARNING: You specified a maxmemory value that is less than 1MB (current value is {} "
        "bytes). Are you sure this is what you really want?",
        limit);
  }
}

}  // namespace engine::server
