#include "engine/commands/dispatch/dispatcher.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "engine/commands/dispatch/command_lookup.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/errors.h"
#include "engine/commands/dispatch/executor_state.h"

namespace engine::commands {
namespace {

// "unknown command 'x', with args beginning with: 'a' 'b' "
std::string unknown_command(std::span<const std::string_view> argv) {
  constexpr std::size_t kShownMax = 128;
  const auto shown = [](std::string_view text, std::size_t max) {
    text = text.substr(0, std::min(text.find('\0'), text.size()));
    return std::string(text.substr(0, max));
  };
  std::string arguments;
  for (std::size_t i = 1; i < argv.size() && arguments.size() < kShownMax; ++i) {
    arguments += "'" + shown(argv[i], kShownMax - arguments.size()) + "' ";
  }
  return "ERR unknown command '" + shown(argv[0], kShownMax) +
         "', with args beginning with: " + arguments;
}

bool is_one_of(const CommandSpec& spec, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), spec.name) != names.end();
}

// Other commands take memory while they wait for EXEC.
bool ends_transaction(const CommandSpec& spec) {
  return is_one_of(spec, {"EXEC", "DISCARD", "QUIT", "RESET"});
}

bool is_allowed_while_subscribed(const CommandSpec& spec) {
  return is_one_of(spec, {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE",
                          "SUNSUBSCRIBE", "PING", "QUIT", "RESET"});
}

bool is_executed_inside_transaction(const CommandSpec& spec) {
  return is_one_of(spec, {"EXEC", "DISCARD", "MULTI", "WATCH", "QUIT", "RESET"});
}

// Replies the error; false.
bool reject(ExecutorState& state, Session& session, const CommandSpec* spec,
            std::string_view error) {
  resp::ReplyWriter reply(session.output, session.protocol);
  state.count_error(error);
  if (spec != nullptr) {
    ++state.statistics.commands[index_of(*spec)].rejected_calls;
    if (spec->name == "EXEC") {
      const std::string_view reason = error.starts_with("ERR ") ? error.substr(4) : error;
      reply.error("EXECABORT Transaction discarded because of: " + std::string(reason));
      state.watched_keys.remove_all(session);
      session.queue.clear();
      session.in_transaction = session.transaction_refused = false;
      return false;
    }
  }
  session.transaction_refused |= session.in_transaction;
  reply.error(error);
  return false;
}

// The command if it exists and has enough arguments; otherwise replies the error and returns null.
const CommandSpec* resolve(ExecutorState& state, Session& session,
                           std::span<const std::string_view> argv) {
  const CommandSpec* spec = state.names.find(argv[0]);
  if (spec == nullptr) {
    reject(state, session, nullptr, unknown_command(argv));
    return nullptr;
  }
  if (argv.size() > 1 && !subcommands_of(*spec).empty()) {
    const CommandSpec* parent = spec;
    spec = find_subcommand(*parent, argv[1]);
    if (spec == nullptr) {
      reject(state, session, nullptr,
             "ERR unknown subcommand '" + std::string(argv[1].substr(0, 128)) + "'. Try " +
                 std::string(parent->name) + " HELP.");
      return nullptr;
    }
  }
  if (!has_arguments_for(*spec, argv.size()) || spec->handler == nullptr) {
    reject(state, session, spec,
           "ERR wrong number of arguments for '" + full_name(*spec) + "' command");
    return nullptr;
  }
  return spec;
}

// Whether the state of the server and of the session permits the command; otherwise replies the
// error.
bool may_run(ExecutorState& state, Session& session, const CommandSpec& spec) {
  std::uint32_t flags = spec.flags;
  if (spec.name == "EXEC") {
    for (const QueuedCommand& queued : session.queue) {
      flags |= queued.spec->flags;
    }
  }
  if (!spec.has(kNoAuth) && state.must_authenticate(session)) {
    return reject(state, session, &spec, errors::kNoAuth);
  }
  if (state.settings.maxmemory_bytes != 0 && state.eviction.make_room() == Eviction::Room::kNone &&
      ((flags & kDenyOom) != 0 || (session.in_transaction && !ends_transaction(spec)))) {
    return reject(state, session, &spec, errors::kOutOfMemory);
  }
  if ((flags & kWrite) != 0 || spec.name == "PING") {
    if (const std::string_view refusal = state.server.write_refusal(); !refusal.empty()) {
      return reject(state, session, &spec, refusal);
    }
  }
  if (session.protocol == resp::Protocol::kResp2 && session.subscribed() &&
      !is_allowed_while_subscribed(spec)) {
    return reject(state, session, &spec,
                  "ERR Can't execute '" + full_name(spec) +
                      "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed "
                      "in this context");
  }
  if (!spec.has(kLoading)) {
    if (const std::string_view refusal = state.server.loading_refusal(); !refusal.empty()) {
      return reject(state, session, &spec, refusal);
    }
  }
  if (spec.has(kNoMulti) && session.in_transaction) {
    return reject(state, session, &spec, errors::kNotInTransaction);
  }
  return true;
}

}  // namespace

void dispatch(ExecutorState& state, Session& session, std::span<const std::string_view> argv) {
  ENGINE_CHECK(!argv.empty() && !session.blocked(), argv.size(), session.id);
  const CommandSpec* spec = resolve(state, session, argv);
  if (spec == nullptr || !may_run(state, session, *spec)) {
    return;
  }
  std::vector<std::string_view> by_table_name;
  if (state.names.is_new_name(argv[0])) {
    by_table_name.assign(argv.begin(), argv.end());
    by_table_name[0] = spec->name.substr(0, spec->name.find('|'));
    argv = by_table_name;
  }
  session.last_command = spec;
  if (session.in_transaction && !is_executed_inside_transaction(*spec)) {
    session.queue.push_back({spec, std::vector<std::string>(argv.begin(), argv.end())});
    resp::ReplyWriter(session.output, session.protocol).simple("QUEUED");
    return;
  }
  Context context(state, session, *spec, argv);
  state.call(context);
  if (state.blocking.has_ready_keys()) {
    state.serve_ready_keys();
  }
}

}  // namespace engine::commands
