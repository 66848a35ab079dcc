#include "engine/commands/dispatch/executor.h"

#include "engine/base/text.h"
#include "engine/commands/dispatch/command_lookup.h"
#include "engine/commands/dispatch/context.h"
#include "engine/commands/dispatch/dispatcher.h"
#include "engine/commands/dispatch/executor_state.h"

namespace engine::commands {
namespace {

using ReplyMode = Session::ReplyMode;

// How long keys are expired at a time: shortly before a sleep, a quarter of the time in the cron.
constexpr std::int64_t kFastCycleUs = 1000;
constexpr std::int64_t kSlowCycleUsPerSecond = 250'000;

// Erases expired keys, the longest overdue first, until none is left or the budget is spent.
void expire_keys(ExecutorState& state, std::int64_t budget_us) {
  if (!state.settings.active_expire || state.replaying) {
    return;
  }
  constexpr int kExpiredPerLookAtTheClock = 16;
  const std::int64_t begin_us = state.clock.monotonic_us();
  int erased = 0;
  for (int index = 0; index < state.keyspace.count(); ++index) {
    keyspace::Database& database = state.keyspace.database(index);
    for (keyspace::KeyEntry* entry = database.soonest_to_expire();
         entry != nullptr && state.expire_if_due(index, *entry);
         entry = database.soonest_to_expire()) {
      state.propagation.flush();
      if (++erased % kExpiredPerLookAtTheClock == 0 &&
          state.clock.monotonic_us() > begin_us + budget_us) {
        return state.latency.took("expire-cycle", state.clock.monotonic_us() - begin_us);
      }
    }
  }
  if (erased > 0) {
    state.latency.took("expire-cycle", state.clock.monotonic_us() - begin_us);
  }
}

}  // namespace

Executor::Executor(keyspace::Keyspace& keyspace, keyspace::EffectLog& effects,
                   ServerControl& server, const ValueCodec& codec, const Clock& clock)
    : state_(std::make_unique<ExecutorState>(keyspace, effects, server, codec, clock)),
      replay_session_(std::make_unique<Session>(0)) {
  begin_turn();
}

Executor::~Executor() = default;

void Executor::begin_turn() {
  state_->now_ms = state_->clock.wall_ms();
  state_->monotonic_us = state_->clock.monotonic_us();
}

void Executor::execute(Session& session, std::span<const std::string_view> argv) {
  if (session.reply_mode == ReplyMode::kOn) {
    dispatch(*state_, session, argv);
    state_->publish_events();
    return;
  }
  // CLIENT REPLY OFF or SKIP: the reply is removed again.
  const std::size_t before = session.output.size();
  if (session.reply_mode == ReplyMode::kSkipNext) {
    session.reply_mode = ReplyMode::kSkipThis;
  }
  dispatch(*state_, session, argv);
  if (session.reply_mode != ReplyMode::kOn) {
    session.output.truncate(before);
  }
  if (session.reply_mode == ReplyMode::kSkipThis) {
    session.reply_mode = ReplyMode::kOn;
  }
  state_->publish_events();
}

void Executor::before_sleep() {
  const std::int64_t now_ms = state_->clock.monotonic_us() / 1000;
  while (Session* session = state_->blocking.overdue(now_ms)) {
    resp::ReplyWriter(session->output, session->protocol).null_array();
    state_->unblock(*session);
  }
  expire_keys(*state_, kFastCycleUs);
  if (state_->eviction.is_behind()) {
    state_->eviction.make_room();
  }
  state_->publish_events();
}

void Executor::evict_soon() {
  state_->eviction.go_on();
}

bool Executor::is_evicting() const {
  return state_->eviction.is_behind();
}

void Executor::cron() {
  begin_turn();
  expire_keys(*state_, kSlowCycleUsPerSecond / state_->settings.hz);
  state_->publish_events();
}

std::int64_t Executor::next_timeout_ms() const {
  return state_->blocking.next_deadline_ms();
}

void Executor::forget(Session& session) {
  if (session.blocked()) {
    state_->blocking.remove(session);
  }
  state_->watched_keys.remove_all(session);
  state_->pubsub.remove_all(session);
  state_->monitors.remove(session);
}

// A log that was edited by hand, or written by a proxy, may hold anything.
keyspace::Replayed Executor::replay(int db, std::span<const std::string_view> argv) {
  using keyspace::Replayed;
  Session& session = *replay_session_;
  const CommandSpec* spec = find_command(argv[0]);
  if (spec == nullptr) {
    spec = state_->names.find(argv[0]);  // as redis-server logs a renamed command
  }
  if (spec != nullptr && argv.size() > 1 && !subcommands_of(*spec).empty()) {
    spec = find_subcommand(*spec, argv[1]);
  }
  if (spec == nullptr) {
    return Replayed::kUnknown;
  }
  if (spec->name == "DEBUG" && argv.size() > 1 && equals_ignoring_case(argv[1], "segfault")) {
    return Replayed::kEndsServer;
  }
  if (spec->handler == nullptr || !has_arguments_for(*spec, argv.size())) {
    const bool names_no_key = argv.size() == 1 && (spec->name == "DEL" || spec->name == "UNLINK");
    return names_no_key ? Replayed::kNoChange : Replayed::kWrongArguments;
  }
  if (spec->name == "CONFIG|SET") {
    return Replayed::kConfigures;
  }
  if (spec->logged == Logged::kNever) {
    return Replayed::kNoChange;  // nor is a BGREWRITEAOF or SHUTDOWN that got into a log meant now
  }
  ENGINE_CHECK(db >= 0 && db < state_->keyspace.count(), db);
  session.database = db;
  state_->replaying = true;
  Context context(*state_, session, *spec, argv);
  spec->handler(context);
  state_->replaying = false;
  const bool is_refused = session.output.view().starts_with('-');
  state_->publish_events();
  session.output.clear();
  return is_refused ? Replayed::kRefused : Replayed::kDone;
}

CommandNames& Executor::names() {
  return state_->names;
}

Settings& Executor::settings() {
  return state_->settings;
}

Statistics& Executor::statistics() {
  return state_->statistics;
}

std::size_t Executor::blocked_clients() const {
  return state_->blocking.count();
}

std::size_t Executor::pubsub_channels() const {
  return state_->pubsub.channels.size();
}

std::size_t Executor::pubsub_patterns() const {
  return state_->pubsub.patterns.size();
}

bool Executor::may_write(std::string_view command_name) const {
  const CommandSpec* spec = state_->names.find(command_name);
  return spec != nullptr && spec->has(kWrite | kMayReplicate);
}

}  // namespace engine::commands
