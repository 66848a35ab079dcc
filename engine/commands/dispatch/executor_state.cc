#include "engine/commands/dispatch/executor_state.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/base/text.h"
#include "engine/commands/dispatch/command_lookup.h"
#include "engine/commands/dispatch/command_table.h"
#include "engine/commands/dispatch/context.h"
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

ExecutorState::ExecutorState(keyspace::Keyspace& data, keyspace::EffectLog& effects,
                             ServerControl& control, const ValueCodec& value_codec,
                             const Clock& time)
    : keyspace(data),
      server(control),
      latency(control.latency()),
      codec(value_codec),
      clock(time),
      random(Random::from_entropy()),
      propagation(effects, settings),
      pubsub(control),
      monitors(control),
      eviction(*this) {
  ENGINE_CHECK(command_table().size() <= Statistics::kCommandsMax, command_table().size());
}

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

// Counts, times and logs what the handler does, in redis-server's order: statistics, slow log,
// propagation, monitors.
void ExecutorState::call(Context& context) {
  const CommandSpec& spec = context.spec;
  ENGINE_CHECK(spec.handler != nullptr && !replaying, spec.name);
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
        ENGINE_CHECK(session->blocked(), session->id);
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

}  // namespace engine::commands
