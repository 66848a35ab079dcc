// crashpoint-engine: reads its command line and starts a server.
#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/version.h"
#include "engine/io/failpoint.h"
#include "engine/server/config/config.h"
#include "engine/server/config/config_file.h"
#include "engine/server/log_file.h"
#include "engine/server/offline.h"
#include "engine/server/process_title.h"
#include "engine/server/server.h"
#include "engine/server/server_starter.h"
#include "engine/server/supervision.h"

namespace {

using engine::kEngineVersion;
using engine::kRedisVersion;

constexpr const char* kUsage = R"(Usage: crashpoint-engine [/path/to/redis.conf] [options] [-]
       crashpoint-engine - (read config from stdin)
       crashpoint-engine -v or --version
       crashpoint-engine -h or --help
       crashpoint-engine --list-failpoints
       crashpoint-engine --check DIR [options]      report what a start on DIR would load; changes nothing
       crashpoint-engine --recovery-server [options]      recover the directories named on stdin
       crashpoint-engine --server-starter [options]      start a server on each directory named on stdin

Options are the directives of redis.conf: --port 7777 --appendonly yes
Besides:
       --failpoint NAME[:NTH][:kill|error=ERRNO|trigger]   arm a failpoint (may be repeated)

Examples:
       crashpoint-engine (run the server with default conf)
       echo 'maxmemory 128mb' | crashpoint-engine -
       crashpoint-engine /etc/redis/6379.conf
       crashpoint-engine /etc/myredis.conf --loglevel verbose -
)";

void list_failpoints() {
  for (const engine::io::Failpoint& failpoint : engine::io::failpoints()) {
    fmt::print("{:<40} {}\n", failpoint.name, failpoint.description);
  }
}

// Takes `flag` out of the arguments, with the word after it where there is a `value`.
bool take_flag(std::vector<std::string>& arguments, std::string_view flag,
               std::string* value = nullptr) {
  const auto at = std::find(arguments.begin(), arguments.end(), flag);
  if (at == arguments.end() || (value != nullptr && at + 1 == arguments.end())) {
    return false;
  }
  if (value != nullptr) {
    *value = *(at + 1);
  }
  arguments.erase(at, at + (value != nullptr ? 2 : 1));
  return true;
}

// Takes every `--failpoint X` out of the arguments and arms it.
engine::Status arm_failpoints(std::vector<std::string>& arguments) {
  for (std::string specification; take_flag(arguments, "--failpoint", &specification);) {
    if (engine::Status armed = engine::io::arm_failpoint(specification); !armed) {
      return armed;
    }
  }
  return {};
}

void daemonize() {
  if (::fork() != 0) {
    std::_Exit(0);
  }
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR);
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    ::dup2(null, stream);
  }
  static_cast<void>(::close(null));
}

std::string absolute_path(const std::string& path) {
  std::array<char, PATH_MAX> resolved = {};
  return ::realpath(path.c_str(), resolved.data()) != nullptr ? resolved.data() : path;
}

// Nothing: the configuration is bad, and the reason has been printed.
std::optional<engine::server::ServerOptions> configure(const std::string& program,
                                                       const std::vector<std::string>& arguments) {
  engine::server::ServerOptions options;
  options.program = program;
  const auto sources = engine::server::parse_command_line(arguments);
  if (!sources.file.empty()) {
    options.config_file = absolute_path(sources.file);
  }
  const engine::Status loaded = load_config(
      sources, options.config, [&options](std::string_view name, std::string_view new_name) {
        return options.command_names.rename(name, new_name);
      });
  if (loaded) {
    return options;
  }
  if (loaded.error().message.starts_with("Fatal error")) {
    engine::server::LogFile().warning("{}", loaded.error().message);
  } else {
    fmt::print(stderr, "{}\n", loaded.error().message);
  }
  return std::nullopt;
}

// For a failed check: a daemon has no standard error.
engine::server::LogFile* g_log = nullptr;

int serve(engine::server::ServerOptions options, bool configured) {
  engine::server::LogFile log;
  const auto& config = options.config;
  options.supervisor = engine::server::find_supervisor(config.text("supervised"), log);
  if (options.supervisor == engine::server::Supervisor::kUpstart) {
    log.warning("supervised by upstart, will stop to signal readiness.");
    ::raise(SIGSTOP);
  }
  // A supervisor watches the process that it has started.
  if (config.yes("daemonize") && options.supervisor == engine::server::Supervisor::kNone) {
    daemonize();
    log.set_main_process();
  }
  log.set_level(engine::server::parse_log_level(config.text("loglevel")));
  log.set_file(config.text("logfile"));
  if (config.yes("syslog-enabled")) {
    log.open_syslog(config.text("syslog-ident"), config.text("syslog-facility"));
  }
  log.warning("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo");
  log.warning(
      "Redis version={}, bits=64, commit=00000000, modified=0, pid={}, just started "
      "(crashpoint-engine {})",
      kRedisVersion, ::getpid(), kEngineVersion);
  if (configured) {
    log.warning("Configuration loaded");
  } else {
    log.warning(
        "Warning: no config file specified, using the default config. In order to specify a config "
        "file use {} /path/to/redis.conf",
        options.program);
  }
  log.set_starting(false);
  g_log = &log;
  engine::set_check_reporter([](std::string_view message) { g_log->warning("{}", message); });
  // Join freed blocks with their neighbours one by one. By default malloc joins them all when a
  // large one is asked for: after millions of keys were freed that takes seconds, in whatever
  // thread it happens.
  ::mallopt(M_MXFAST, 0);  // NOLINT(concurrency-mt-unsafe): there is no other thread yet
  return engine::server::Server(std::move(options), log).run();
}

// A server on `directory` that listens on `socket` alone.
int serve_directory(engine::server::ServerOptions options, const std::string& directory,
                    const std::string& socket) {
  const auto assign = [&options](const char* name, std::string value) {
    options.config.assign(*engine::server::find_directive(name), std::move(value));
  };
  assign("dir", directory);
  assign("port", "0");
  assign("unixsocket", socket);
  if (const engine::Status entered = enter_directory(options.config); !entered) {
    engine::server::LogFile().warning("{}", entered.error().message);
    return 1;
  }
  return serve(std::move(options), true);
}

int start_servers(const engine::server::ServerOptions& options) {
  const engine::Status served = engine::server::start_servers(
      [&options](const std::string& directory, const std::string& socket) {
        return serve_directory(options, directory, socket);
      },
      STDIN_FILENO, STDOUT_FILENO);
  if (!served) {
    fmt::print(stderr, "server-starter: {}\n", served.error().message);
  }
  return served ? 0 : 1;
}

}  // namespace

// The process title comes first: it needs argv where the kernel put it.
int main(int argc, char** argv) {
  const std::string program = argv[0];
  std::vector<std::string> arguments(argv + 1, argv + argc);
  engine::server::init_process_title(argc, argv);
  if (take_flag(arguments, "-v") || take_flag(arguments, "--version")) {
    fmt::print("crashpoint-engine v={} (Redis v={}) bits=64\n", kEngineVersion, kRedisVersion);
    return 0;
  }
  if (take_flag(arguments, "-h") || take_flag(arguments, "--help")) {
    fmt::print("{}", kUsage);
    return 0;
  }
  if (take_flag(arguments, "--list-failpoints")) {
    list_failpoints();
    return 0;
  }
  engine::io::init_failpoints();
  if (engine::Status armed = arm_failpoints(arguments); !armed) {
    fmt::print(stderr, "{}\n", armed.error().message);
    return 1;
  }
  std::string directory;
  const bool only_check = take_flag(arguments, "--check", &directory);
  const bool only_recover = take_flag(arguments, "--recovery-server");
  const bool only_start = take_flag(arguments, "--server-starter");
  if (only_check) {
    arguments.insert(arguments.end(), {"--dir", directory});
  }
  auto options = configure(program, arguments);
  if (!options) {
    return 1;
  }
  if (only_check) {
    return engine::server::check(options->config, options->command_names);
  }
  if (only_recover) {
    return engine::server::serve_recoveries(options->config, options->command_names);
  }
  if (only_start) {
    return start_servers(*options);
  }
  return serve(*std::move(options), !arguments.empty());
}
