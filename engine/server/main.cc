// crashpoint-engine: reads its command line and starts a server.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "engine/io/failpoint.h"
#include "engine/server/config.h"
#include "engine/server/config_file.h"
#include "engine/server/log_file.h"
#include "engine/server/process_title.h"
#include "engine/server/server.h"
#include "engine/server/version.h"

namespace {

using engine::server::kEngineVersion;
using engine::server::kRedisVersion;

constexpr const char* kUsage = R"(Usage: crashpoint-engine [/path/to/redis.conf] [options] [-]
       crashpoint-engine - (read config from stdin)
       crashpoint-engine -v or --version
       crashpoint-engine -h or --help
       crashpoint-engine --list-failpoints

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

// Takes `--failpoint X` out of the arguments and arms it.
engine::Status arm_failpoints(std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size();) {
    if (arguments[i] != "--failpoint") {
      ++i;
      continue;
    }
    if (i + 1 == arguments.size()) {
      return engine::fail("--failpoint needs NAME[:NTH][:kill|error=ERRNO|trigger]");
    }
    if (engine::Status armed = engine::io::arm_failpoint(arguments[i + 1]); !armed) {
      return armed;
    }
    const auto at = arguments.begin() + static_cast<std::ptrdiff_t>(i);
    arguments.erase(at, at + 2);
  }
  return {};
}

void daemonize() {
  if (::fork() != 0) {
    std::_Exit(0);
  }
  ::setsid();
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    static_cast<void>(std::freopen("/dev/null", "r+",
                                   stream == STDIN_FILENO    ? stdin
                                   : stream == STDOUT_FILENO ? stdout
                                                             : stderr));
  }
}

std::string absolute_path(const std::string& path) {
  std::array<char, PATH_MAX> resolved = {};
  return ::realpath(path.c_str(), resolved.data()) != nullptr ? resolved.data() : path;
}

int serve(const std::string& program, const std::vector<std::string>& arguments) {
  engine::server::LogFile log;
  engine::server::ServerOptions options;
  options.program = program;
  const auto sources = engine::server::parse_command_line(arguments);
  if (!sources.file.empty()) {
    options.config_file = absolute_path(sources.file);
  }
  if (engine::Status loaded = load_config(sources, options.config); !loaded) {
    if (loaded.error().message.starts_with("Fatal error")) {
      log.warning("{}", loaded.error().message);
    } else {
      fmt::print(stderr, "{}\n", loaded.error().message);
    }
    return 1;
  }
  const auto& config = options.config;
  if (config.yes("daemonize")) {
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
  if (arguments.empty()) {
    log.warning(
        "Warning: no config file specified, using the default config. In order to specify a config "
        "file use {} /path/to/redis.conf",
        program);
  } else {
    log.warning("Configuration loaded");
  }
  log.set_starting(false);
  return engine::server::Server(std::move(options), log).run();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string program = argv[0];
  std::vector<std::string> arguments(argv + 1, argv + argc);
  engine::server::init_process_title(argc, argv);
  if (arguments.size() == 1) {
    if (arguments[0] == "-v" || arguments[0] == "--version") {
      fmt::print("crashpoint-engine v={} (Redis v={}) bits=64\n", kEngineVersion, kRedisVersion);
      return 0;
    }
    if (arguments[0] == "-h" || arguments[0] == "--help") {
      fmt::print("{}", kUsage);
      return 0;
    }
    if (arguments[0] == "--list-failpoints") {
      list_failpoints();
      return 0;
    }
  }
  engine::io::init_failpoints();
  if (engine::Status armed = arm_failpoints(arguments); !armed) {
    fmt::print(stderr, "{}\n", armed.error().message);
    return 1;
  }
  return serve(program, arguments);
}
