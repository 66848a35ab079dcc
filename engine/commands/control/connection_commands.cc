// The connection itself: AUTH, HELLO, SELECT, PING, ...
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/text.h"
#include "engine/base/version.h"
#include "engine/commands/control/client_name.h"
#include "engine/commands/dispatch/arguments.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

// Compares in a time that does not depend on where they differ.
bool equal_secrets(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference |=
        static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  }
  return difference == 0;
}

// Without a password set, the default user may authenticate with any.
bool authenticate(Context& c, std::string_view user, std::string_view password) {
  const std::string_view wanted = c.state.server.password();
  if (user != "default" || (!wanted.empty() && !equal_secrets(password, wanted))) {
    c.error("WRONGPASS invalid username-password pair or user is disabled.");
    return false;
  }
  c.session.authenticated = true;
  return true;
}

}  // namespace

void ping_command(Context& c) {
  if (c.argv.size() > 2) {
    return c.error("ERR wrong number of arguments for 'ping' command");
  }
  if (c.session.subscribed() && !c.reply.resp3()) {
    c.reply.array(2);
    c.reply.bulk("pong");
    return c.reply.bulk(c.argv.size() == 2 ? c.argv[1] : "");
  }
  if (c.argv.size() == 2) {
    c.reply.bulk(c.argv[1]);
  } else {
    c.reply.simple("PONG");
  }
}

void echo_command(Context& c) {
  c.reply.bulk(c.argv[1]);
}

void quit_command(Context& c) {
  c.reply.ok();
  c.session.close_after_reply = true;
}

void select_command(Context& c) {
  if (const auto index = database_index(c, 1)) {
    c.session.database = *index;
    c.reply.ok();
  }
}

void auth_command(Context& c) {
  if (c.argv.size() > 3) {
    return c.error(errors::kSyntax);
  }
  if (c.argv.size() == 2 && c.state.server.password().empty()) {
    return c.error(
        "ERR AUTH <password> called without any password configured for the default user. Are you "
        "sure your configuration is correct?");
  }
  const std::string_view user = c.argv.size() == 3 ? c.argv[1] : "default";
  if (authenticate(c, user, c.argv.back())) {
    c.reply.ok();
  }
}

// HELLO [version [AUTH user password] [SETNAME name]]. Everything is checked before anything
// changes, but for AUTH; the reply is in the new protocol.
void hello_command(Context& c) {
  std::optional<std::int64_t> version;
  std::size_t next = 1;
  if (c.argv.size() > 1) {
    version = c.integer(next++, "ERR Protocol version is not an integer or out of range");
    if (!version) {
      return;
    }
    if (*version < 2 || *version > 3) {
      return c.error("NOPROTO unsupported protocol version");
    }
  }
  std::optional<std::string_view> name;
  bool authenticated_now = false;
  for (; next < c.argv.size(); ++next) {
    const std::size_t left = c.argv.size() - next - 1;
    if (c.is_word(next, "AUTH") && left >= 2) {
      if (!authenticate(c, c.argv[next + 1], c.argv[next + 2])) {
        return;
      }
      authenticated_now = true;
      next += 2;
    } else if (c.is_word(next, "SETNAME") && left >= 1) {
      name = c.argv[++next];
      if (!is_valid_client_name(*name)) {
        return c.error(kInvalidClientName);
      }
    } else {
      return c.error("ERR Syntax error in HELLO option '" + std::string(c.argv[next]) + "'");
    }
  }
  if (c.state.must_authenticate(c.session) && !authenticated_now) {
    return c.error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
        "AUTH <user> <pass> option can be used to authenticate the client and select the RESP "
        "protocol version at the same time");
  }
  if (name) {
    c.session.name = *name;
  }
  if (version) {
    c.session.protocol = *version == 3 ? resp::Protocol::kResp3 : resp::Protocol::kResp2;
  }
  resp::ReplyWriter reply(c.session.output, c.session.protocol);
  reply.map(7);
  reply.bulk("server");
  reply.bulk("redis");
  reply.bulk("version");
  reply.bulk(kRedisVersion);
  reply.bulk("proto");
  reply.integer(static_cast<std::int64_t>(c.session.protocol));
  reply.bulk("id");
  reply.integer(static_cast<std::int64_t>(c.session.id));
  reply.bulk("mode");
  reply.bulk("standalone");
  reply.bulk("role");
  reply.bulk("master");
  reply.bulk("modules");
  reply.array(0);
}

void reset_command(Context& c) {
  Session& session = c.session;
  session.queue.clear();
  session.in_transaction = false;
  session.transaction_refused = false;
  c.state.watched_keys.remove_all(session);
  c.state.pubsub.remove_all(session);
  c.state.monitors.remove(session);
  session.database = 0;
  session.protocol = resp::Protocol::kResp2;
  session.name.clear();
  session.reply_mode = Session::ReplyMode::kOn;
  session.no_evict = false;
  session.authenticated = c.state.server.password().empty();
  c.reply.simple("RESET");
}

}  // namespace engine::commands
