// CLIENT: the connections of the server.
#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/text.h"
#include "engine/commands/control/client_name.h"
#include "engine/commands/dispatch/command_lookup.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/executor_state.h"
#include "engine/commands/dispatch/handlers.h"

namespace engine::commands {
namespace {

std::string flags_of(const Session& session) {
  std::string flags;
  if (session.monitoring) {
    flags += 'O';
  }
  if (session.subscribed()) {
    flags += 'P';
  }
  if (session.in_transaction) {
    flags += 'x';
  }
  if (session.blocked()) {
    flags += 'b';
  }
  if (session.watch_broken) {
    flags += 'd';
  }
  if (session.close_after_reply) {
    flags += 'c';
  }
  if (session.address.starts_with('/')) {
    flags += 'U';
  }
  if (session.no_evict) {
    flags += 'e';
  }
  return flags.empty() ? "N" : flags;
}

// One line of CLIENT LIST, in the form of Redis 7.0.
std::string describe(const ExecutorState& state, const Session& session) {
  const std::int64_t now_ms = state.monotonic_ms();
  return fmt::format(
      "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} "
      "multi={} qbuf={} qbuf-free={} argv-mem=0 multi-mem=0 rbs={} rbp=0 obl={} oll=0 omem=0 "
      "tot-mem={} events=r cmd={} user=default redir=-1 resp={}",
      session.id, session.address, session.local_address, session.fd, session.name,
      (now_ms - session.created_ms) / 1000, (now_ms - session.last_interaction_ms) / 1000,
      flags_of(session), session.database, session.channels.size(), session.patterns.size(),
      session.shard_channels.size(),
      session.in_transaction ? static_cast<std::int64_t>(session.queue.size()) : -1,
      session.query_buffer_bytes, session.query_buffer_free, session.output.capacity(),
      session.output.size(),
      sizeof(Session) + session.output.capacity() + session.query_buffer_bytes +
          session.query_buffer_free,
      session.last_command == nullptr ? "NULL" : full_name(*session.last_command),
      static_cast<int>(session.protocol));
}

enum class ClientType { kNormal, kPubSub, kOther };

// Replies the error.
std::optional<ClientType> client_type(Context& c, std::size_t index) {
  if (c.is_word(index, "NORMAL")) {
    return ClientType::kNormal;
  }
  if (c.is_word(index, "PUBSUB")) {
    return ClientType::kPubSub;
  }
  for (const std::string_view word : {"MASTER", "REPLICA", "SLAVE"}) {
    if (c.is_word(index, word)) {
      return ClientType::kOther;  // there are none
    }
  }
  c.error("ERR Unknown client type '" + std::string(c.argv[index]) + "'");
  return std::nullopt;
}

bool is_of_type(const Session& session, ClientType type) {
  return type == (session.subscribed() ? ClientType::kPubSub : ClientType::kNormal);
}

Session* find_session(Context& c, std::uint64_t id) {
  Session* found = nullptr;
  c.state.server.for_each_session([&](Session& session) {
    if (session.id == id) {
      found = &session;
    }
  });
  return found;
}

struct KillFilter {
  std::optional<std::uint64_t> id;
  std::optional<ClientType> type;
  std::optional<std::string_view> user;
  std::optional<std::string_view> address;
  std::optional<std::string_view> local_address;
  bool skip_me = true;

  bool matches(const Session& session, const Session& me) const {
    return (!id || session.id == *id) && (!type || is_of_type(session, *type)) &&
           (!user || *user == "default") && (!address || session.address == *address) &&
           (!local_address || session.local_address == *local_address) &&
           !(skip_me && &session == &me);
  }
};

bool parse_kill_filter(Context& c, KillFilter& filter) {
  if (c.argv.size() % 2 != 0) {
    c.error(errors::kSyntax);
    return false;
  }
  for (std::size_t i = 2; i < c.argv.size(); i += 2) {
    const std::string_view value = c.argv[i + 1];
    if (c.is_word(i, "ID")) {
      const auto id = parse_int64(value);
      if (!id || *id < 1) {
        c.error("ERR client-id should be greater than 0");
        return false;
      }
      filter.id = static_cast<std::uint64_t>(*id);
    } else if (c.is_word(i, "TYPE")) {
      filter.type = client_type(c, i + 1);
      if (!filter.type) {
        return false;
      }
    } else if (c.is_word(i, "ADDR")) {
      filter.address = value;
    } else if (c.is_word(i, "LADDR")) {
      filter.local_address = value;
    } else if (c.is_word(i, "USER")) {
      if (value != "default") {
        c.error("ERR No such user '" + std::string(value) + "'");
        return false;
      }
      filter.user = value;
    } else if (c.is_word(i, "SKIPME") && (c.is_word(i + 1, "YES") || c.is_word(i + 1, "NO"))) {
      filter.skip_me = c.is_word(i + 1, "YES");
    } else {
      c.error(errors::kSyntax);
      return false;
    }
  }
  return true;
}

void kill(Context& c, Session& session) {
  if (&session == &c.session) {
    session.close_after_reply = true;
  } else {
    session.closing = true;
    c.state.server.session_changed(session);
  }
}

}  // namespace

void client_id_command(Context& c) {
  c.reply.integer(static_cast<std::int64_t>(c.session.id));
}

void client_info_command(Context& c) {
  c.reply.verbatim("txt", describe(c.state, c.session) + "\n");
}

void client_list_command(Context& c) {
  std::optional<ClientType> type;
  std::string lines;
  const auto add = [&](const Session& session) { lines += describe(c.state, session) + "\n"; };
  if (c.argv.size() == 4 && c.is_word(2, "TYPE")) {
    type = client_type(c, 3);
    if (!type) {
      return;
    }
  } else if (c.argv.size() > 3 && c.is_word(2, "ID")) {
    for (std::size_t i = 3; i < c.argv.size(); ++i) {
      const auto id = c.integer(i, "ERR Invalid client ID");
      if (!id) {
        return;
      }
      if (const Session* session = find_session(c, static_cast<std::uint64_t>(*id))) {
        add(*session);
      }
    }
    return c.reply.verbatim("txt", lines);
  } else if (c.argv.size() != 2) {
    return c.error(errors::kSyntax);
  }
  c.state.server.for_each_session([&](Session& session) {
    if (!type || is_of_type(session, *type)) {
      add(session);
    }
  });
  c.reply.verbatim("txt", lines);
}

void client_setname_command(Context& c) {
  if (!is_valid_client_name(c.argv[2])) {
    return c.error(kInvalidClientName);
  }
  c.session.name = c.argv[2];
  c.reply.ok();
}

void client_getname_command(Context& c) {
  if (c.session.name.empty()) {
    c.reply.null();
  } else {
    c.reply.bulk(c.session.name);
  }
}

// CLIENT KILL address, or CLIENT KILL with filters: the old form fails when there is no such
// client, the new one replies how many there were.
void client_kill_command(Context& c) {
  KillFilter filter;
  const bool by_address = c.argv.size() == 3;
  if (by_address) {
    filter.address = c.argv[2];
    filter.skip_me = false;
  } else if (!parse_kill_filter(c, filter)) {
    return;
  }
  std::vector<Session*> matching;
  c.state.server.for_each_session([&](Session& session) {
    if (filter.matches(session, c.session)) {
      matching.push_back(&session);
    }
  });
  if (by_address && matching.empty()) {
    return c.error("ERR No such client");
  }
  for (Session* session : matching) {
    kill(c, *session);
  }
  if (by_address) {
    c.reply.ok();
  } else {
    c.reply.integer(static_cast<std::int64_t>(matching.size()));
  }
}

void client_pause_command(Context& c) {
  bool all = true;
  if (c.argv.size() == 4) {
    all = c.is_word(3, "ALL");
    if (!all && !c.is_word(3, "WRITE")) {
      return c.error("ERR CLIENT PAUSE mode must be WRITE or ALL");
    }
  }
  const auto timeout_ms = c.integer(2, "ERR timeout is not an integer or out of range");
  if (!timeout_ms) {
    return;
  }
  if (*timeout_ms < 0) {
    return c.error(errors::kTimeoutNegative);
  }
  const std::int64_t now_ms = c.state.monotonic_ms();
  if (*timeout_ms > std::numeric_limits<std::int64_t>::max() - now_ms) {
    return c.error(errors::kTimeoutOutOfRange);
  }
  c.state.server.pause_clients(now_ms + *timeout_ms, all);
  c.reply.ok();
}

void client_unpause_command(Context& c) {
  c.state.server.unpause_clients();
  c.reply.ok();
}

void client_reply_command(Context& c) {
  using ReplyMode = Session::ReplyMode;
  if (c.is_word(2, "ON")) {
    c.session.reply_mode = ReplyMode::kOn;
    c.reply.ok();
  } else if (c.is_word(2, "OFF")) {
    c.session.reply_mode = ReplyMode::kOff;
  } else if (c.is_word(2, "SKIP")) {
    if (c.session.reply_mode != ReplyMode::kOff) {
      c.session.reply_mode = ReplyMode::kSkipNext;
    }
  } else {
    c.error(errors::kSyntax);
  }
}

void client_no_evict_command(Context& c) {
  const bool on = c.is_word(2, "ON");
  if (!on && !c.is_word(2, "OFF")) {
    return c.error(errors::kSyntax);
  }
  c.session.no_evict = on;
  c.reply.ok();
}

void client_unblock_command(Context& c) {
  const bool with_error = c.is_word(3, "ERROR");
  if (c.argv.size() == 4 && !with_error && !c.is_word(3, "TIMEOUT")) {
    return c.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  const auto id = c.integer(2);
  if (!id) {
    return;
  }
  Session* session = find_session(c, static_cast<std::uint64_t>(*id));
  if (session == nullptr || !session->blocked()) {
    return c.reply.integer(0);
  }
  resp::ReplyWriter reply(session->output, session->protocol);
  if (with_error) {
    reply.error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
  } else {
    reply.null_array();
  }
  c.state.unblock(*session);
  c.reply.integer(1);
}

}  // namespace engine::commands
