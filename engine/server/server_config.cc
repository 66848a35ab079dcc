// Server: CONFIG.
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/text.h"
#include "engine/server/config/config_rewrite.h"
#include "engine/server/network/descriptor_limit.h"
#include "engine/server/process_title.h"
#include "engine/server/server.h"
#include "engine/server/settings.h"

namespace engine::server {
namespace {

// Where the words of a value given in one argument are several, as in CONFIG SET save "60 5".
std::vector<std::string> words_of(const Directive& directive, std::string_view value) {
  std::vector<std::string> words;
  if (!directive.takes_several_words() || value.empty()) {
    words.emplace_back(value);
    return words;
  }
  while (!value.empty()) {
    const std::size_t blank = std::min(value.find(' '), value.size());
    words.emplace_back(value.substr(0, blank));
    value.remove_prefix(std::min(blank + 1, value.size()));
  }
  return words;
}

tl::unexpected<Error> set_failed(std::string_view name, std::string_view why) {
  return fail(
      fmt::format("ERR CONFIG SET failed (possibly related to argument '{}') - {}", name, why));
}

bool differs(const Config& a, const Config& b, std::string_view name) {
  return a.text(name) != b.text(name);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> Server::config_get(
    std::span<const std::string_view> patterns) {
  return config_.matching(patterns);
}

Status Server::check_settable(std::string_view name) const {
  const Directive* directive = find_directive(name);
  if (directive == nullptr) {
    return fail(
        fmt::format("ERR Unknown option or number of arguments for CONFIG SET - '{}'", name));
  }
  if ((directive->flags & Directive::kImmutable) != 0) {
    return set_failed(name, "can't set immutable config");
  }
  if ((directive->flags & Directive::kProtected) != 0 &&
      !is_allowed(config_.text("enable-protected-configs"))) {
    return set_failed(name, "can't set protected config");
  }
  if ((directive->flags & Directive::kDenyLoading) != 0 && persistence_.loading()) {
    return fail("LOADING Redis is loading the dataset in memory");
  }
  return {};
}

Status Server::config_set(std::span<const std::pair<std::string_view, std::string_view>> settings,
                          bool in_transaction) {
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const std::string_view name = settings[i].first;
    if (Status settable = check_settable(name); !settable) {
      return settable;
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (equals_ignoring_case(settings[j].first, name)) {
        return set_failed(name, "duplicate parameter");
      }
    }
  }
  Config wanted = config_;
  for (const auto& [name, value] : settings) {
    const Directive& directive = *find_directive(name);
    // `save` replaces the rules here; in a file its lines add up.
    const bool adds_up = directive.kind == Directive::Kind::kSave;
    auto parsed = parse_value(directive, words_of(directive, value),
                              adds_up ? std::string_view() : wanted.value(directive));
    if (!parsed) {
      return set_failed(name, parsed.error().message);
    }
    wanted.assign(directive, *std::move(parsed));
  }
  return apply(std::move(wanted), in_transaction);
}

// What may fail comes first, and is undone when a later step fails.
Status Server::apply(Config wanted, bool in_transaction) {
  normalize(wanted);
  const auto clients = static_cast<std::size_t>(wanted.number("maxclients"));
  if (differs(wanted, config_, "maxclients")) {
    if (const std::size_t possible = raise_descriptor_limit(clients); possible < clients) {
      return set_failed("maxclients",
                        fmt::format("The operating system is not able to handle the specified "
                                    "number of clients, try with {}",
                                    possible));
    }
  }
  const bool moves = differs(wanted, config_, "port") || differs(wanted, config_, "bind");
  if (moves) {
    if (Status opened = open_tcp(wanted); !opened) {
      log_.warning("{}", opened.error().message);
      static_cast<void>(open_tcp(config_));
      return differs(wanted, config_, "port")
                 ? set_failed("port", "Unable to listen on this port. Check server logs.")
                 : set_failed("bind", "Failed to bind to specified addresses.");
    }
  }
  const bool changes_directory = differs(wanted, config_, "dir");
  Status done;
  if (changes_directory) {
    if (Status entered = enter_directory(wanted); !entered) {
      done = set_failed("dir", entered.error().message);
    }
  }
  if (done) {
    if (Status applied = persistence_.apply(persistence_settings(wanted), in_transaction);
        !applied) {
      const char* culprit = "dir";
      for (const char* name : {"aof-checksum", "appendfsync", "appendonly"}) {
        culprit = differs(wanted, config_, name) ? name : culprit;
      }
      done = set_failed(culprit, applied.error().message);
    }
  }
  if (!done) {
    if (changes_directory) {
      static_cast<void>(enter_directory(config_));
    }
    if (moves) {
      static_cast<void>(open_tcp(config_));
    }
    return done;
  }
  const bool has_new_limit = differs(wanted, config_, "maxmemory");
  config_ = std::move(wanted);
  take_effect();
  if (has_new_limit) {
    fit_into_memory();
  }
  return {};
}

void Server::fit_into_memory() {
  const std::uint64_t limit = config_.bytes("maxmemory");
  if (const std::size_t used = used_memory_bytes(); limit > 0 && limit < used) {
    log_.warning(
        "WARNING: the new maxmemory value set via CONFIG SET ({}) is smaller than the current "
        "memory "
        "usage ({}). This will result in key eviction and/or the inability to accept new write "
        "commands depending on the maxmemory-policy.",
        limit, used);
  }
  executor_.evict_soon();
}

// The steps that cannot fail.
void Server::take_effect() {
  log_.set_level(parse_log_level(config_.text("loglevel")));
  connections_.settings = connection_settings(config_);
  keyspace_.limits = encoding_limits(config_);
  set_command_settings(config_, executor_.settings());
  latency_.set_threshold_ms(config_.number("latency-monitor-threshold"));
  cron_period_ms_ = 1000 / config_.number("hz");
  if (config_.yes("set-proc-title")) {
    set_process_title(title(program_));
  }
}

Status Server::open_tcp(const Config& config) {
  for (const auto& listener : tcp_listeners_) {
    poller_.remove(listener->fd());
  }
  tcp_listeners_.clear();
  const auto port = static_cast<int>(config.number("port"));
  if (port == 0) {
    return {};
  }
  auto listeners =
      Listener::listen_tcp(words_of(*find_directive("bind"), config.text("bind")), port,
                           static_cast<int>(config.number("tcp-backlog")),
                           [this](Accepted accepted) { connections_.accept(std::move(accepted)); });
  if (!listeners) {
    return tl::unexpected(listeners.error());
  }
  tcp_listeners_ = *std::move(listeners);
  for (const auto& listener : tcp_listeners_) {
    if (Status added = poller_.add(listener->fd(), EPOLLIN, *listener); !added) {
      return added;
    }
  }
  return {};
}

Status Server::config_rewrite() {
  if (figures_.config_file.empty()) {
    return fail("ERR The server is running without a config file");
  }
  Status done = rewrite_config_file(figures_.config_file, config_, rewrite_all_directives_);
  if (!done) {
    log_.warning("CONFIG REWRITE failed: {}", done.error().message);
    return fail(fmt::format("ERR Rewriting config file: {}", error_text(done.error().code)));
  }
  log_.warning("CONFIG REWRITE executed with success.");
  return {};
}

// "no", "yes", or "local": only to clients of this machine.
bool Server::is_allowed(std::string_view access) const {
  const Connection* client = connections_.current();
  return access == "yes" || (access == "local" && client != nullptr && client->is_local);
}

}  // namespace engine::server
