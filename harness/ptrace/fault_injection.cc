// What the faults at a place do to the thread that passes it. Part of RecordingHandler.
#include <fmt/format.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

#include "harness/base/clock.h"
#include "harness/fault/armed_faults.h"
#include "harness/fault/fault.h"
#include "harness/fault/libfiu.h"
#include "harness/ptrace/kernel/pieces.h"
#include "harness/ptrace/kernel/registers.h"
#include "harness/ptrace/recording_handler.h"
#include "harness/ptrace/tree.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::ptrace {
namespace {

// What a call that is skipped says it has done.
std::int64_t result_of_skipping(const Thread& thread, const trace::Event& event) {
  const trace::Syscall& syscall = *thread.call.syscall;
  if (syscall.number == SYS_sendmmsg) {
    return static_cast<std::int64_t>(thread.call.arguments[2]);
  }
  const bool transfers = event.op == trace::Op::kWrite || event.op == trace::Op::kSend ||
                         (event.op == trace::Op::kCopy && syscall.count >= 0);
  return transfers ? event.length : 0;
}

// The answer at a failpoint that fails.
std::int64_t answer_of(const fault::FaultAction& action, std::string_view point) {
  if (const auto* const inject = std::get_if<fault::InjectError>(&action)) {
    return inject->error;
  }
  if (const auto* const libfiu = std::get_if<fault::Libfiu>(&action)) {
    return libfiu->error != 0 ? libfiu->error : fault::libfiu_default_error(point);
  }
  return 1;  // Trigger
}

// A kill `during` a call comes this long after its start at most.
constexpr std::uint64_t kDuringNs = 100'000;

}  // namespace

void RecordingHandler::pass_failpoint(Thread& thread, const trace::Syscall& syscall,
                                      const SyscallEntry& entry) {
  thread.call.event = recorder_.trace().events.size();
  trace::Event& event = recorder_.instant(thread, trace::Op::kFailpoint, syscall.name);
  event.path = thread.memory().read_string(entry.arguments[1], NAME_MAX);
  const fault::Strike strike = faults_.at(event, nullptr, purposes_);
  event.fault = strike.fault;
  const auto* const kill_action = strike.as<fault::Kill>();
  if (kill_action == nullptr && strike.action.has_value()) {
    event.result = answer_of(*strike.action, event.path);
  }
  recorder_.complete(event);
  if (kill_action != nullptr) {
    if (supervisor_.kill(*kill_action, thread.id.pid)) {
      return;
    }
  }
  skip_syscall(thread.id.tid, event.result);
  const std::int64_t delay_ns = strike.delay_before_ns + strike.delay_after_ns;
  if (delay_ns > 0) {
    hold(thread, delay_ns, {}, /*at_exit=*/true);
  } else {
    tracees_.resume(thread);
  }
}

// At the entry of a call whose event is recorded: does what a fault wants, and lets the thread go
// unless it is dead.
void RecordingHandler::act(Thread& thread, const fault::Strike& strike) {
  trace::Event& event = recorder_.event(thread.call.event);
  event.fault = strike.fault;
  if (event.op == trace::Op::kExit && strike.phase != fault::Phase::kBefore) {
    at_end_[thread.id.pid] = strike;
    thread.call.syscall = nullptr;
    tracees_.resume(thread);
    return;
  }
  Unfinished unfinished{.strike = strike};
  if (const auto* const kill_action = strike.as<fault::Kill>()) {
    if (strike.phase == fault::Phase::kDuring) {
      kill_during(thread, *kill_action);
      return;
    }
    if (strike.phase == fault::Phase::kBefore) {
      if (supervisor_.kill(*kill_action, thread.id.pid)) {
        return;
      }
    }
  } else if (const auto* const inject = strike.as<fault::InjectError>()) {
    // The kernel closes a descriptor even when it reports an error.
    if (strike.phase == fault::Phase::kBefore && event.op != trace::Op::kClose) {
      skip(thread, -inject->error);
      return;
    }
  } else if (const auto* const cut = strike.as<fault::ShortWrite>()) {
    shorten(thread, cut->bytes, unfinished);
  } else if (const auto* const torn = strike.as<fault::TornWrite>()) {
    shorten(thread, torn->bytes, unfinished);
  } else if (strike.as<fault::Skip>() != nullptr) {
    skip(thread, result_of_skipping(thread, event));
    return;
  }
  unfinished_[thread.id.tid] = std::move(unfinished);
  tracees_.resume(thread);
}

// At the exit: puts back what was changed for the call. Returns the result the program is to see.
std::int64_t RecordingHandler::undo_at_exit(Thread& thread, const Unfinished& unfinished,
                                            std::int64_t performed) {
  for (const Patch& patch : unfinished.patches) {
    thread.memory().write_word(patch.address, patch.before);
  }
  if (unfinished.argument >= 0) {
    set_argument(thread.id.tid, unfinished.argument, unfinished.argument_before);
  }
  const auto* const inject = unfinished.strike.as<fault::InjectError>();
  if (inject == nullptr || performed < 0) {
    return performed;
  }
  set_result(thread.id.tid, -inject->error);
  return -inject->error;
}

void RecordingHandler::finish_at_exit(Thread& thread, const fault::Strike& strike) {
  if (const auto* const kill_action = strike.as<fault::Kill>();
      kill_action != nullptr && strike.phase == fault::Phase::kAfter) {
    if (supervisor_.kill(*kill_action, thread.id.pid)) {
      return;
    }
  } else if (strike.as<fault::TornWrite>() != nullptr) {
    supervisor_.kill(fault::Kill{}, thread.id.pid);
    return;
  }
  if (strike.delay_after_ns > 0) {
    hold(thread, strike.delay_after_ns, {}, /*at_exit=*/true);
  } else {
    tracees_.resume(thread);
  }
}

void RecordingHandler::skip(Thread& thread, std::int64_t result) {
  const auto held = thread.call.holds;
  skip_syscall(thread.id.tid, result);
  recorder_.skipped(thread, result);
  tracees_.resume(thread);
  release_waiting(held);
}

void RecordingHandler::shorten(Thread& thread, std::uint64_t bytes, Unfinished& unfinished) {
  const trace::Syscall& syscall = *thread.call.syscall;
  const trace::Event& event = recorder_.event(thread.call.event);
  if (bytes >= static_cast<std::uint64_t>(event.length)) {
    return;
  }
  if (syscall.count >= 0) {
    unfinished.argument = syscall.count;
    unfinished.argument_before = thread.call.argument(syscall.count);
    set_argument(thread.id.tid, syscall.count, bytes);
  } else if (!shorten_pieces(thread.memory(), syscall, thread.call.arguments, bytes,
                             unfinished.patches)) {
    recorder_.note(fmt::format("{} cannot be shortened: it ran whole", fault::describe(event)));
  }
}

void RecordingHandler::kill_during(Thread& thread, const fault::Kill& kill_action) {
  tracees_.resume(thread);
  const std::int64_t until = now_ns() + static_cast<std::int64_t>(random_.below(kDuringNs));
  while (now_ns() < until) {
  }
  supervisor_.kill(kill_action, thread.id.pid);
}

// A write that would fill the data directory beyond its budget gets what is left, or ENOSPC.
void RecordingHandler::keep_budget(const trace::Syscall& syscall, const trace::Event& event,
                                   fault::Strike& strike) {
  const auto [fault, budget] = *faults_.budget();
  if ((event.op != trace::Op::kWrite && event.op != trace::Op::kCopy &&
       event.op != trace::Op::kAllocate) ||
      !event.inside) {
    return;
  }
  faults_.passed(fault);
  const std::int64_t growth = recorder_.files().growth(event);
  const std::uint64_t used = recorder_.files().bytes_inside();
  const auto left = static_cast<std::int64_t>(budget - std::min(used, budget));
  if (growth <= left) {
    return;
  }
  const std::int64_t fits = event.length - (growth - left);
  strike.fault = static_cast<int>(fault);
  strike.phase = fault::Phase::kBefore;
  const bool can_be_cut =
      event.op == trace::Op::kWrite || (event.op == trace::Op::kCopy && syscall.count >= 0);
  if (fits > 0 && can_be_cut) {
    strike.action = fault::ShortWrite{static_cast<std::uint64_t>(fits)};
  } else {
    strike.action = fault::InjectError{ENOSPC};
  }
  faults_.fired(
      fault, event.enter, event.enter_ns,
      fmt::format("{}, {} bytes were in the data directory", fault::describe(event), used));
}

void RecordingHandler::hold(Thread& thread, std::int64_t for_ns, const fault::Strike& strike,
                            bool at_exit) {
  held_.emplace(now_ns() + for_ns, Held{thread.id.tid, strike, at_exit});
  supervisor_.wake();  // to set the time of the next wake-up
}

void RecordingHandler::release_held() {
  while (!held_.empty() && held_.begin()->first <= now_ns()) {
    const Held held = held_.begin()->second;
    held_.erase(held_.begin());
    Thread* const thread = tracees_.find(held.tid);
    if (thread == nullptr) {
      continue;
    }
    if (held.at_exit) {
      tracees_.resume(*thread);
    } else {
      act(*thread, held.strike);
    }
  }
}

}  // namespace crashpoint::ptrace
