#include "harness/oracle/resp/model.h"

#include <utility>

#include "harness/oracle/resp/command_table.h"
#include "harness/oracle/resp/context.h"
#include "harness/oracle/resp/model_impl.h"

namespace crashpoint::oracle {

namespace {

// The keys that `command` writes, and whether those are all it rests on.
std::vector<target::Key> keys_of(const Command& command, const Call& call, bool written_only) {
  std::vector<target::Key> keys;
  append_keys(command, call.arguments, call.database, keys);
  const auto written = static_cast<std::size_t>(command.keys.written);
  if (written_only && written != 0 && keys.size() > written) {
    keys.resize(written);
  }
  return keys;
}

}  // namespace

Model::Model(const target::State& base) : impl_(std::make_unique<Impl>()) {
  impl_->begin({});
  for (const auto& [key, entry] : base.entries) {
    Slot& slot = impl_->touch(impl_->id_of(key));
    slot.value = track(entry.value);
    if (entry.expire_at_ms) {
      slot.deadline = {.from_ms = *entry.expire_at_ms - base.deadline_error_ms,
                       .to_ms = *entry.expire_at_ms + base.deadline_error_ms};
      ++impl_->deadlines_set;
    }
  }
  impl_->finish();
}

Model::~Model() = default;

Executed Model::execute(const Call& call) {
  Impl& impl = *impl_;
  impl.begin(call.when);
  const Command* command =
      call.arguments.empty() ? nullptr : find_writing_command(call.arguments[0]);
  if (command == nullptr) {
    return {};
  }
  const auto run = [&]() -> Reply {
    const auto count = static_cast<int>(call.arguments.size());
    try {
      if (command->arity >= 0 ? count != command->arity : count < -command->arity) {
        throw Failure{};
      }
      Context context(*this, call);
      return command->run(context);
    } catch (const Failure& failure) {
      return target::RespValue{.kind = target::RespValue::Kind::kError,
                               .text = std::string(failure.code)};
    } catch (const Undetermined& undetermined) {
      const std::vector<target::Key> written = keys_of(*command, call, true);
      for (const target::Key& key : written) {
        impl.make_unknown(impl.id_of(key),
                          written.size() == 1 ? undetermined.plausible : Plausible());
      }
      return std::nullopt;
    }
  };

  std::vector<KeyId> doubtful;
  if (impl.deadlines_set > 0) {
    for (const target::Key& key : keys_of(*command, call, false)) {
      const KeyId id = impl.id_of(key);
      if (impl.life(impl.slots[id]) == Impl::Life::kDoubtful) {
        doubtful.push_back(id);
      }
    }
  }
  if (doubtful.empty()) {
    Reply reply = run();
    return {.reply = std::move(reply), .changes = impl.finish()};
  }

  // Run it both ways. The reply tells which it was, or the outcomes agree, or the keys are unknown.
  std::vector<KeyId> ids;
  for (const target::Key& key : keys_of(*command, call, false)) {
    ids.push_back(impl.id_of(key));
  }
  const auto copy = [&] {
    std::vector<Slot> slots;
    for (const KeyId id : ids) {
      slots.push_back(impl.touch(id));
    }
    return slots;
  };
  const auto restore = [&](const std::vector<Slot>& slots) {
    for (std::size_t at = 0; at < ids.size(); ++at) {
      impl.slots[ids[at]] = slots[at];
    }
  };
  const std::vector<Slot> before = copy();
  const Reply reply_if_live = run();
  const std::vector<Slot> after_if_live = copy();
  restore(before);
  impl.doubtful_are_expired = true;
  for (const KeyId id : doubtful) {
    impl.current(id);
  }
  const Reply reply_if_expired = run();
  impl.doubtful_are_expired = false;
  const auto fits = [&](const Reply& reply) {
    return call.reply == nullptr || !reply || *reply == *call.reply;
  };
  if (fits(reply_if_live) == fits(reply_if_expired)) {
    for (std::size_t at = 0; at < ids.size(); ++at) {
      const Slot& live = after_if_live[at];
      const Slot& expired = impl.slots[ids[at]];
      const bool same = live.unknown == expired.unknown && live.deadline == expired.deadline &&
                        live.value.has_value() == expired.value.has_value() &&
                        (!live.value || untrack(*live.value) == untrack(*expired.value));
      if (!same) {
        impl.make_unknown(ids[at]);
      }
    }
    return {.reply = std::nullopt, .changes = impl.finish()};
  }
  if (fits(reply_if_live)) {
    restore(after_if_live);
  }
  return {.reply = fits(reply_if_live) ? reply_if_live : reply_if_expired,
          .changes = impl.finish()};
}

KeyId Model::id_of(const target::Key& key) {
  return impl_->id_of(key);
}
const target::Key& Model::key_of(KeyId id) const {
  return impl_->slots[id].key;
}
std::size_t Model::key_count() const {
  return impl_->slots.size();
}
Digest Model::digest_of(KeyId id) const {
  return impl_->slots[id].digest;
}
Digest Model::digest() const {
  return impl_->digest;
}
bool Model::is_unknown(KeyId id) const {
  return impl_->slots[id].unknown;
}
const std::optional<TimeWindow>& Model::deadline_of(KeyId id) const {
  return impl_->slots[id].deadline;
}

std::optional<target::Entry> Model::entry_of(KeyId id) const {
  const Slot& slot = impl_->slots[id];
  if (!slot.value) {
    return std::nullopt;
  }
  target::Entry entry{.value = untrack(*slot.value), .expire_at_ms = std::nullopt};
  if (slot.deadline) {
    entry.expire_at_ms = slot.deadline->from_ms;
  }
  return entry;
}

void Model::put(KeyId id, target::Value value) {
  impl_->begin(impl_->now);
  Slot& slot = impl_->touch(id);
  impl_->clear(slot);
  slot.value = track(std::move(value));
  impl_->finish();
}

std::span<const Change> Model::forget(std::span<const target::Key> keys) {
  impl_->begin(impl_->now);
  for (const target::Key& key : keys) {
    impl_->make_unknown(impl_->id_of(key));
  }
  return impl_->finish();
}

std::optional<KeyId> Model::find_id(const target::Key& key) const {
  const auto found = impl_->ids.find(key);
  return found == impl_->ids.end() ? std::nullopt : std::optional(found->second);
}

target::State Model::state() const {
  target::State state;
  for (KeyId id = 0; id < impl_->slots.size(); ++id) {
    if (std::optional<target::Entry> entry = entry_of(id)) {
      state.entries.emplace(impl_->slots[id].key, std::move(*entry));
    }
  }
  return state;
}

}  // namespace crashpoint::oracle
