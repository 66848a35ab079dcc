#include "harness/ptrace/supervisor.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <variant>

#include "harness/base/clock.h"

namespace crashpoint::ptrace {

Supervisor::Supervisor(const TracerOptions& options, Wakeup& wakeup, Events events)
    : options_(options),
      wakeup_(wakeup),
      events_(std::move(events)),
      faults_(options.faults, options.seed) {
  for (const fault::Fault& fault : options.faults) {
    if (const auto* const at = std::get_if<fault::AfterAcked>(&fault.at)) {
      ack_counts_.insert(at->commands);
    }
  }
}

void Supervisor::begin_workload() {
  workload_began_ns_ = now_ns();
  wakeup_.wake();
}

void Supervisor::arm_step(std::size_t step) {
  steps_begun_ = step + 1;  // seen at the next stop, before anything the step causes
  wakeup_.wake();
  const bool is_any_due = std::ranges::any_of(options_.faults, [&](const fault::Fault& fault) {
    const auto* const at = std::get_if<fault::AfterAcked>(&fault.at);
    return at != nullptr && fault.from_step == step && at->commands <= acked_;
  });
  for (std::size_t seen = steps_seen_; is_any_due && seen <= step; seen = steps_seen_) {
    steps_seen_.wait(seen);
  }
}

void Supervisor::acked(std::uint64_t count) {
  acked_ = count;
  if (!ack_counts_.contains(count)) {
    return;
  }
  wakeup_.wake();
  for (std::uint64_t seen = acked_seen_; seen < count; seen = acked_seen_) {
    acked_seen_.wait(seen);
  }
}

void Supervisor::end() {
  acked_seen_ = std::numeric_limits<std::uint64_t>::max();
  acked_seen_.notify_all();
  steps_seen_ = std::numeric_limits<std::size_t>::max();
  steps_seen_.notify_all();
}

void Supervisor::arm_begun_step() {
  if (const std::size_t begun = steps_begun_; begun != steps_armed_) {
    faults_.arm_step(begun - 1);
    steps_armed_ = begun;
  }
}

void Supervisor::woken(std::optional<std::int64_t> next_ns,
                       const fault::ArmedFaults::Purposes& purposes, trace::Position now) {
  if (const auto moment = next_moment_ns(purposes); moment.has_value()) {
    next_ns = next_ns.has_value() ? std::min(*next_ns, *moment) : moment;
  }
  // Before looking: what is asked for from now on wakes us again.
  wakeup_.quiet(next_ns.has_value() ? std::optional(*next_ns - now_ns()) : std::nullopt);
  arm_begun_step();
  strike_due(purposes, now);
  if (steps_seen_ < steps_armed_) {
    steps_seen_ = steps_armed_;
    steps_seen_.notify_all();
  }
  if (asked_to_hold_.exchange(false)) {
    hold(/*dying=*/0);
  }
  if (asked_to_let_go_.exchange(false) && holding_) {
    let_go();
  }
}

void Supervisor::ask_to_hold() {
  asked_to_hold_ = true;
  wakeup_.wake();
}

void Supervisor::ask_to_let_go() {
  asked_to_let_go_ = true;
  wakeup_.wake();
}

void Supervisor::hold(pid_t dying) {
  if (holding_) {
    return;
  }
  for (const auto& process : tracees_.processes()) {
    if (process->pid != dying) {
      survivors_.push_back({.pid = process->pid, .role = process->role});
    }
  }
  std::ranges::sort(survivors_, {}, [](const Survivor& survivor) { return survivor.role.ordinal; });
  tracees_.hold(dying, events_.all_held);
  holding_ = true;
}

void Supervisor::let_go() {
  holding_ = false;
  tracees_.let_go();
}

void Supervisor::strike_due(const fault::ArmedFaults::Purposes& purposes, trace::Position now) {
  const std::int64_t began_ns = workload_began_ns_;
  const std::uint64_t acked = acked_;
  const std::int64_t at_ns = now_ns();
  const std::int64_t ms = began_ns == 0 ? -1 : (at_ns - began_ns) / 1'000'000;
  for (const std::size_t index : faults_.due(acked, ms, purposes)) {
    const fault::Fault& fault = options_.faults[index];
    faults_.fired(index, now, at_ns,
                  std::holds_alternative<fault::AtTime>(fault.at)
                      ? fmt::format("{} ms into the workload", ms)
                      : fmt::format("after {} acked commands", acked));
    kill(std::get<fault::Kill>(fault.action), tracees_.first());
  }
  acked_seen_ = acked;
  acked_seen_.notify_all();
}

std::optional<std::int64_t> Supervisor::next_moment_ns(
    const fault::ArmedFaults::Purposes& purposes) const {
  const std::int64_t began_ns = workload_began_ns_;
  const auto ms = faults_.next_ms(purposes);
  return ms.has_value() && began_ns != 0 ? std::optional(began_ns + *ms * 1'000'000) : std::nullopt;
}

bool Supervisor::kill(const fault::Kill& kill, pid_t pid) {
  const bool deadly = kill.signal == SIGKILL;
  if (kill.tree && deadly) {
    tracees_.kill_all();
    return true;
  }
  if (kill.tree) {
    if (kill.signal == SIGSTOP && options_.hold_survivors) {
      hold(/*dying=*/0);
    } else {
      tracees_.signal_all(kill.signal);
    }
    return false;
  }
  const pid_t victim = kill.main ? tracees_.first() : pid;
  if (tracees_.find(victim) == nullptr) {
    return false;  // it has ended: its number may be another's
  }
  if (deadly && victim == tracees_.first() && options_.hold_survivors) {
    hold(
        victim);  // before it dies: what its children notice of its end they notice while they are held
  }
  ::kill(victim, kill.signal);
  return deadly && victim == pid;
}

void Supervisor::process_ended(const Process& process, int status) {
  const auto survivor = std::ranges::find_if(survivors_, [&process](const Survivor& other) {
    return other.pid == process.pid && !other.status.has_value();
  });
  if (survivor != survivors_.end()) {
    survivor->status = status;
    survivor->ended_while_held = holding_;
    survivor->role = process.role;  // its purpose may have been seen since
  }
  if (process.role.kind == trace::RoleKind::kMain) {
    events_.main_ended(status);
  }
}

}  // namespace crashpoint::ptrace
