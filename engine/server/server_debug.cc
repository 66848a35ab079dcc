// Server: the DEBUG subcommands that commands/ does not know itself.
#include <fmt/format.h>

#include <csignal>

#include "engine/base/text.h"
#include "engine/server/server.h"

namespace engine::server {
namespace {

constexpr std::uint64_t kPackedThresholdMax = std::uint64_t{4} << 30;

using Arguments = std::span<const std::string_view>;

Result<persistence::Persistence::ReloadOptions> reload_options(Arguments words) {
  persistence::Persistence::ReloadOptions options;
  for (const std::string_view word : words) {
    if (equals_ignoring_case(word, "merge")) {
      options.merge = true;
    } else if (equals_ignoring_case(word, "noflush")) {
      options.flush = false;
    } else if (equals_ignoring_case(word, "nosave")) {
      options.save = false;
    } else {
      return fail("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
    }
  }
  return options;
}

}  // namespace

std::string_view Server::debug_refusal(const commands::Session&) {
  return is_allowed(config_.text("enable-debug-command"))
             ? ""
             : "ERR DEBUG command not allowed. If the enable-debug-command option is set to "
               "\"local\", you can run it from a local connection, otherwise you need to set this "
               "option in the configuration file, and then restart the server.";
}

// Subcommands that test suites of Redis use, and those that concern files and configuration.
Result<std::string> Server::debug(Arguments argv) {
  const std::string name = to_lower(argv[0]);
  const std::size_t arguments = argv.size() - 1;
  const auto parsed = parse_int64(argv.back());
  const bool is_number = arguments == 1 && parsed.has_value();
  const std::int64_t number = parsed.value_or(0);
  if (name == "reload") {
    const auto options = reload_options(argv.subspan(1));
    if (!options) {
      return tl::unexpected(options.error());
    }
    if (Status done = persistence_.debug_reload(*options); !done) {
      return tl::unexpected(done.error());
    }
    log_.warning("DB reloaded by DEBUG RELOAD");
    return "OK";
  }
  if (name == "loadaof" && arguments == 0) {
    const Result<bool> loaded = persistence_.debug_load_aof();
    if (!loaded) {
      exit_now(1);
    }
    if (!*loaded) {
      return fail("ERR There is no append only file to load");
    }
    log_.warning("Append Only File loaded by DEBUG LOADAOF");
    return "OK";
  }
  if (name == "pause-cron" && is_number) {
    cron_paused_ = number != 0;
    return "OK";
  }
  if (name == "aof-flush-sleep" && is_number) {
    persistence_.debug_set_flush_sleep_us(number);
    return "OK";
  }
  if (name == "set-skip-checksum-validation" && is_number) {
    persistence_.debug_set_skip_checksum_validation(number != 0);
    codec_.set_skip_checksum(number != 0);
    return "OK";
  }
  if (name == "config-rewrite-force-all" && arguments == 0) {
    rewrite_all_directives_ = true;
    Status done = config_rewrite();
    rewrite_all_directives_ = false;
    return done ? Result<std::string>("OK") : tl::unexpected(done.error());
  }
  if (name == "change-repl-id" && arguments == 0) {
    log_.notice("Changing replication IDs after receiving DEBUG change-repl-id");
    figures_.replication_id = random_id();
    return "OK";
  }
  if (name == "quicklist-packed-threshold" && arguments == 1) {
    const auto bytes = parse_memory_size(argv[1]);
    return bytes && *bytes < kPackedThresholdMax
               ? Result<std::string>("OK")
               : fail("ERR argument must be a memory value bigger than 1 and smaller than 4gb");
  }
  if (name == "log" && arguments == 1) {
    log_.warning("DEBUG LOG: {}", argv[1]);
    return "OK";
  }
  if (name == "segfault" && arguments == 0) {
    std::raise(SIGSEGV);
  }
  return fail(fmt::format(
      "ERR unknown subcommand or wrong number of arguments for '{}'. Try DEBUG HELP.", argv[0]));
}

}  // namespace engine::server
