#include "engine/commands/dispatch/executor_state.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <utility>

#include "engine/base/text.h"
#include "engine/commands/dispatch/command_lookup.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/errors.h"
#include "engine/commands/dispatch/redaction.h"

namespace engine::commands {
namespace {

using keyspace::KeyEntry;

constexpr std::uint32_t kAccessMask = 0xffffff;
constexpr std::uint32_t kFrequencyOfNewKey = 5;  // so that it is not the first to be evicted

// Under LFU: 16 bits of minutes, 8 bits of a counter that grows logarithmically.
std::uint32_t minutes_of(std::int64_t now_ms) {
  return static_cast<std::uint32_t>(now_ms / 60'000) & 0xffff;
}

}  // namespace

ExecutorState::ExecutorState(keyspace::Keyspace& data, EffectLog& log, ServerControl& control,
                             const ValueCodec& value_codec, const Clock& time)
    : keyspace(data),
      server(control),
      latency(control.latency()),
      codec(value_codec),
      clock(time),
      random(Random::from_entropy()),
      propagation(log, settings),
      pubsub(control),
      monitors(control),
      eviction(*this) {}

bool ExecutorState::expire_if_due(int database, KeyEntry& entry) {
  if (replaying || !entry.has_expiry() || keyspace.database(database).expire_ms(entry) >= now_ms) {
    return false;
  }
  erase_expired(database, entry);
  return true;
}

void ExecutorState::erase_expired(int database, KeyEntry& entry) {
  propagation.erased(database, entry.key(), settings.lazyfree_lazy_expire);
  watched_keys.changed(database, entry.key());
  notify({kExpiredEvent, "expired"}, database, entry.key());
  if (settings.lazyfree_lazy_expire) {
    keyspace.database(database).erase_lazily(entry.key());
  } else {
    keyspace.database(database).erase(entry.key());
  }
  ++statistics.expired_keys;
}

void ExecutorState::publish_events() {
  for (const auto& [event, database, key] : std::exchange(events_, {})) {
    const std::string at = "@" + std::to_string(database) + "__:";
    if ((settings.notified_events & kKeyspaceChannels) != 0) {
      pubsub.publish("__keyspace" + at + key, event.name);
    }
    if ((settings.notified_events & kKeyeventChannels) != 0) {
      pubsub.publish("__keyevent" + at + std::string(event.name), key);
    }
  }
}

void ExecutorState::touch(keyspace::Object& object) {
  if (settings.access == Settings::Access::kLru) {
    const std::uint32_t seconds = static_cast<std::uint32_t>(now_ms / 1000) & kAccessMask;
    if (object.access() != seconds) {  // a write would cost a page while a child shares it
      object.set_access(seconds);
    }
    return;
  }
  std::uint32_t frequency = decayed_frequency(object);
  if (frequency < 255) {
    const std::uint32_t above = frequency > kFrequencyOfNewKey ? frequency - kFrequencyOfNewKey : 0;
    const double chance = 1.0 / (above * static_cast<double>(settings.lfu_log_factor) + 1);
    if (static_cast<double>(random.below(1u << 31)) < chance * (1u << 31)) {
      ++frequency;
    }
  }
  object.set_access(minutes_of(now_ms) << 8 | frequency);
}

std::uint32_t ExecutorState::access_for_new_key() const {
  return settings.access == Settings::Access::kLru
             ? static_cast<std::uint32_t>(now_ms / 1000) & kAccessMask
             : minutes_of(now_ms) << 8 | kFrequencyOfNewKey;
}

std::uint32_t ExecutorState::idle_seconds(const keyspace::Object& object) const {
  return (static_cast<std::uint32_t>(now_ms / 1000) - object.access()) & kAccessMask;
}

std::uint32_t ExecutorState::decayed_frequency(const keyspace::Object& object) const {
  const std::uint32_t frequency = object.access() & 0xff;
  const std::uint32_t minutes = (minutes_of(now_ms) - (object.access() >> 8)) & 0xffff;
  const std::uint32_t lost = settings.lfu_decay_time_min > 0
                                 ? minutes / static_cast<std::uint32_t>(settings.lfu_decay_time_min)
                                 : 0;
  return frequency - std::min(frequency, lost);
}

void ExecutorState::count_error(std::string_view text) {
  ++statistics.error_replies;
  ++statistics.errors_by_code[std::string(text.substr(0, text.find(' ')))];
}

void ExecutorState::call(Context& context) {
  const CommandSpec& spec = context.spec;
  const std::int64_t started_us = clock.monotonic_us();
  spec.handler(context);
  monotonic_us = clock.monotonic_us();
  const std::int64_t duration_us = monotonic_us - started_us;

  CommandStatistics& counted = statistics.commands[index_of(spec)];
  ++counted.calls;
  counted.usec += static_cast<std::uint64_t>(duration_us);
  counted.failed_calls += context.failed() ? 1u : 0u;
  ++statistics.commands_processed;
  if (settings.latency_tracking) {
    std::unique_ptr<LatencyHistogram>& latencies = statistics.latencies[index_of(spec)];
    if (!latencies) {
      latencies = std::make_unique<LatencyHistogram>();
    }
    latencies->record(duration_us);
  }
  latency.took(spec.has(kFast) ? "fast-command" : "command", duration_us);
  if (settings.slowlog_log_slower_than_us >= 0 &&
      duration_us >= settings.slowlog_log_slower_than_us && !spec.has(kSkipSlowlog)) {
    slowlog.add(context.session, redacted(spec, context.argv), now_ms / 1000, duration_us,
                settings.slowlog_max_len);
  }
  propagation.executed(context);
  if (!monitors.empty()) {
    monitors.show(context);
  }
}

void ExecutorState::serve_ready_keys() {
  while (blocking.has_ready_keys()) {
    for (const Blocking::Key& key : blocking.take_ready_keys()) {
      for (Session* session : blocking.waiters(key)) {
        const KeyEntry* entry = keyspace.database(key.database).find(key.name);
        if (entry == nullptr) {
          break;
        }
        const BlockedState& waiting = *session->blocked_state;
        if (entry->object.type() != waiting.type) {
          continue;
        }
        const std::vector<std::string_view> argv(waiting.argv.begin(), waiting.argv.end());
        Context context(*this, *session, *waiting.spec, argv);
        context.ready_key = key.name;
        call(context);
        if (!context.still_waiting()) {
          unblock(*session);
        }
      }
    }
  }
}

void ExecutorState::unblock(Session& session) {
  blocking.remove(session);
  server.session_changed(session);
}

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

// The others take memory while they wait for EXEC.
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

}  // namespace

bool ExecutorState::reject(Session& session, const CommandSpec* spec, std::string_view error) {
  resp::ReplyWriter reply(session.output, session.protocol);
  count_error(error);
  if (spec != nullptr) {
    ++statistics.commands[index_of(*spec)].rejected_calls;
    if (spec->name == "EXEC") {
      const std::string_view reason = error.starts_with("ERR ") ? error.substr(4) : error;
      reply.error("EXECABORT Transaction discarded because of: " + std::string(reason));
      watched_keys.remove_all(session);
      session.queue.clear();
      session.in_transaction = session.transaction_refused = false;
      return false;
    }
  }
  session.transaction_refused |= session.in_transaction;
  reply.error(error);
  return false;
}

const CommandSpec* ExecutorState::resolve(Session& session,
                                          std::span<const std::string_view> argv) {
  const CommandSpec* spec = find_command(argv[0]);
  if (spec == nullptr) {
    reject(session, nullptr, unknown_command(argv));
    return nullptr;
  }
  if (argv.size() > 1 && !subcommands_of(*spec).empty()) {
    const CommandSpec* parent = spec;
    spec = find_subcommand(*parent, argv[1]);
    if (spec == nullptr) {
      reject(session, nullptr,
             "ERR unknown subcommand '" + std::string(argv[1].substr(0, 128)) + "'. Try " +
                 std::string(parent->name) + " HELP.");
      return nullptr;
    }
  }
  const auto count = static_cast<std::ptrdiff_t>(argv.size());
  if ((spec->arity > 0 && spec->arity != count) || count < -spec->arity ||
      spec->handler == nullptr) {
    reject(session, spec, "ERR wrong number of arguments for '" + full_name(*spec) + "' command");
    return nullptr;
  }
  return spec;
}

bool ExecutorState::may_run(Session& session, const CommandSpec& spec) {
  std::uint32_t flags = spec.flags;
  if (spec.name == "EXEC") {
    for (const QueuedCommand& queued : session.queue) {
      flags |= queued.spec->flags;
    }
  }
  if (!spec.has(kNoAuth) && must_authenticate(session)) {
    return reject(session, &spec, errors::kNoAuth);
  }
  if (settings.maxmemory_bytes != 0 && eviction.make_room() == Eviction::Room::kNone &&
      ((flags & kDenyOom) != 0 || (session.in_transaction && !ends_transaction(spec)))) {
    return reject(session, &spec, errors::kOutOfMemory);
  }
  if ((flags & kWrite) != 0 || spec.name == "PING") {
    if (const std::string_view refusal = server.write_refusal(); !refusal.empty()) {
      return reject(session, &spec, refusal);
    }
  }
  if (session.protocol == resp::Protocol::kResp2 && session.subscribed() &&
      !is_allowed_while_subscribed(spec)) {
    return reject(session, &spec,
                  "ERR Can't execute '" + full_name(spec) +
                      "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed "
                      "in this context");
  }
  if (!spec.has(kLoading)) {
    if (const std::string_view refusal = server.loading_refusal(); !refusal.empty()) {
      return reject(session, &spec, refusal);
    }
  }
  if (spec.has(kNoMulti) && session.in_transaction) {
    return reject(session, &spec, errors::kNotInTransaction);
  }
  return true;
}

void ExecutorState::process(Session& session, std::span<const std::string_view> argv) {
  const CommandSpec* spec = resolve(session, argv);
  if (spec == nullptr || !may_run(session, *spec)) {
    return;
  }
  session.last_command = spec;
  if (session.in_transaction && !is_executed_inside_transaction(*spec)) {
    session.queue.push_back({spec, std::vector<std::string>(argv.begin(), argv.end())});
    resp::ReplyWriter(session.output, session.protocol).simple("QUEUED");
    return;
  }
  Context context(*this, session, *spec, argv);
  call(context);
  if (blocking.has_ready_keys()) {
    serve_ready_keys();
  }
}

}  // namespace engine::commands
