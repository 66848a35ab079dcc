#include "harness/ptrace/supervisor.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness/base/glob.h"
#include "harness/base/text.h"
#include "harness/fault/armed_faults.h"
#include "harness/fault/fault.h"
#include "harness/fault/libfiu.h"
#include "harness/ptrace/filter.h"
#include "harness/ptrace/in_place.h"
#include "harness/ptrace/pieces.h"
#include "harness/ptrace/registers.h"
#include "harness/ptrace/tree.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::ptrace {
namespace {

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

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

Supervisor::Supervisor(const TracerOptions& options, Recorder* recorder, Wakeup& wakeup,
                       MainEnded main_ended)
    : options_(options),
      recorder_(recorder),
      wakeup_(wakeup),
      main_ended_(std::move(main_ended)),
      tracees_(*this),
      faults_(options.faults, options.seed),
      random_(options.seed, "tracer") {
  if (!options.record && options.observations != nullptr) {
    observer_.emplace(options.data_directory, *options.observations);
    tracees_.shared_cpu().decide_soon();
  }
  for (const fault::Fault& fault : options.faults) {
    if (const auto* const at = std::get_if<fault::AfterAcked>(&fault.at)) {
      ack_counts_.insert(at->commands);
    }
  }
}

std::vector<fault::FaultReport> Supervisor::reports(const trace::Trace& trace) const {
  return faults_.reports(trace);
}

void Supervisor::begin_workload() {
  workload_began_ns_ = now_ns();
  wakeup_.wake();
}

void Supervisor::arm_step(std::size_t step) {
  steps_begun_ = step + 1;  // seen at the next stop, before anything the step causes
  wakeup_.wake();
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
}

void Supervisor::on_syscall(Thread& thread, const SyscallEntry& entry) {
  if (observer_.has_value()) {
    observer_->enter(thread, entry);
    tracees_.resume(thread);
    return;
  }
  thread.call.syscall = nullptr;
  const trace::Syscall* const syscall = trace::find_syscall(entry.number);
  if (!started_ || syscall == nullptr || entry.filter_data != kNative) {
    if (started_ && entry.filter_data == kForeign) {
      recorder_->note("the program makes 32-bit syscalls: they are not seen");
    }
    tracees_.resume(thread);
    return;
  }
  if (const std::size_t begun = steps_begun_; begun != steps_armed_) {
    faults_.arm_step(begun - 1);
    steps_armed_ = begun;
  }
  switch (syscall->handling) {
    case trace::Handling::kNone:
      tracees_.resume(thread);
      return;
    case trace::Handling::kRecord:
      enter(thread, *syscall, entry);
      return;
    case trace::Handling::kForget:
      forget(thread, *syscall, entry);
      return;
    case trace::Handling::kForgetAll:
      thread.process->descriptors->forget_all();
      tracees_.resume(thread);
      return;
    case trace::Handling::kCpus:
      tracees_.shared_cpu().release();
      tracees_.resume(thread);
      return;
    case trace::Handling::kFailpoint:
      pass_failpoint(thread, *syscall, entry);
      return;
    case trace::Handling::kRefuse:
      recorder_->note("io_uring was answered ENOSYS: programs fall back to syscalls that are seen");
      skip_syscall(thread.id.tid, -ENOSYS);
      tracees_.resume(thread);
      return;
    case trace::Handling::kNote:
      recorder_->note("the program uses Linux AIO (io_submit): what it writes by it is not seen");
      tracees_.resume(thread);
      return;
    case trace::Handling::kProtect:
      recorder_->made_writable(thread, entry.arguments[0], entry.arguments[1]);
      tracees_.resume(thread);
      return;
  }
}

// The number of a descriptor comes to mean something else.
void Supervisor::forget(Thread& thread, const trace::Syscall& syscall, const SyscallEntry& entry) {
  DescriptorTable& table = *thread.process->descriptors;
  if (syscall.fd >= 0) {
    table.forget(static_cast<int>(entry.arguments[static_cast<std::size_t>(syscall.fd)]));
  } else {
    table.forget_range(static_cast<unsigned>(entry.arguments[0]),
                       static_cast<unsigned>(entry.arguments[1]));
  }
  tracees_.resume(thread);
}

void Supervisor::enter(Thread& thread, const trace::Syscall& syscall, const SyscallEntry& entry) {
  const Recorder::Follow follow = recorder_->enter(thread, syscall, entry);
  if (follow == Recorder::Follow::kWait) {
    thread.call.inode->waiting.push_back(thread.id.tid);
    waiting_[thread.id.tid] = entry;
    thread.call.syscall = nullptr;
    return;
  }
  if (follow == Recorder::Follow::kNone) {
    thread.call.syscall = nullptr;
    tracees_.resume(thread);
    return;
  }
  const trace::Event& event = recorder_->event(thread.call.event);
  fault::Strike strike;
  if (faults_.watches(event.op)) {
    strike = faults_.at(event, &syscall, purposes_);
  }
  if (!strike.action.has_value() && faults_.budget().has_value()) {
    keep_budget(syscall, event, strike);
  }
  if (strike.delay_before_ns > 0) {
    hold(thread, strike.delay_before_ns, strike, /*at_exit=*/false);
  } else if (strike.fault >= 0) {
    act(thread, strike);
  } else if (!act_in_place(thread)) {
    if (follow == Recorder::Follow::kEntry) {
      thread.call.syscall = nullptr;
    }
    tracees_.resume(thread);
  }
}

// See in_place.h. Returns false where the program must make the call itself.
bool Supervisor::act_in_place(Thread& thread) {
  const trace::Event& event = recorder_->event(thread.call.event);
  const std::optional<std::int64_t> result =
      perform_in_place(thread, event, recorder_->trace().data(event));
  if (!result.has_value()) {
    return false;
  }
  Inode* const inode = thread.call.inode;
  skip_syscall(thread.id.tid, *result);
  recorder_->leave(thread, *result, *result);
  tracees_.resume(thread);
  if (inode != nullptr) {
    release_waiting(*inode);
  }
  return true;
}

void Supervisor::pass_failpoint(Thread& thread, const trace::Syscall& syscall,
                                const SyscallEntry& entry) {
  thread.call.event = recorder_->trace().events.size();
  trace::Event& event = recorder_->instant(thread, trace::Op::kFailpoint, syscall.name);
  event.path = thread.memory().read_string(entry.arguments[1], NAME_MAX);
  const fault::Strike strike = faults_.at(event, nullptr, purposes_);
  event.fault = strike.fault;
  const auto* const kill_action = strike.as<fault::Kill>();
  if (kill_action == nullptr && strike.action.has_value()) {
    event.result = answer_of(*strike.action, event.path);
  }
  recorder_->complete(event);
  if (kill_action != nullptr) {
    kill(*kill_action, thread.id.pid);
    if (kill_action->signal == SIGKILL) {
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
void Supervisor::act(Thread& thread, const fault::Strike& strike) {
  trace::Event& event = recorder_->event(thread.call.event);
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
      kill(*kill_action, thread.id.pid);
      if (kill_action->signal == SIGKILL) {
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

void Supervisor::on_syscall_exit(Thread& thread, std::int64_t performed) {
  if (observer_.has_value()) {
    observer_->leave(thread, performed);
    tracees_.resume(thread);
    return;
  }
  auto found = unfinished_.extract(thread.id.tid);
  std::int64_t result = performed;
  if (!found.empty()) {
    const Unfinished& unfinished = found.mapped();
    for (const Patch& patch : unfinished.patches) {
      thread.memory().write_word(patch.address, patch.before);
    }
    if (unfinished.argument >= 0) {
      set_argument(thread.id.tid, unfinished.argument, unfinished.argument_before);
    }
    const auto* const inject = unfinished.strike.as<fault::InjectError>();
    if (inject != nullptr && performed >= 0) {
      result = -inject->error;
      set_result(thread.id.tid, result);
    }
  }
  const std::size_t event = thread.call.event;
  Inode* const inode = thread.call.inode;
  recorder_->leave(thread, performed, result);
  tell_purpose(thread, recorder_->event(event));
  if (inode != nullptr) {
    release_waiting(*inode);
  }
  if (!found.empty()) {
    finish_at_exit(thread, std::move(found.mapped()));
  } else {
    tracees_.resume(thread);
  }
}

void Supervisor::finish_at_exit(Thread& thread, Unfinished unfinished) {
  const fault::Strike& strike = unfinished.strike;
  if (const auto* const kill_action = strike.as<fault::Kill>();
      kill_action != nullptr && strike.phase == fault::Phase::kAfter) {
    kill(*kill_action, thread.id.pid);
    if (kill_action->signal == SIGKILL) {
      return;
    }
  } else if (strike.as<fault::TornWrite>() != nullptr) {
    kill(fault::Kill{}, thread.id.pid);
    return;
  }
  if (strike.delay_after_ns > 0) {
    hold(thread, strike.delay_after_ns, {}, /*at_exit=*/true);
  } else {
    tracees_.resume(thread);
  }
}

void Supervisor::skip(Thread& thread, std::int64_t result) {
  Inode* const inode = thread.call.inode;
  skip_syscall(thread.id.tid, result);
  recorder_->skipped(thread, result);
  tracees_.resume(thread);
  if (inode != nullptr) {
    release_waiting(*inode);
  }
}

void Supervisor::shorten(Thread& thread, std::uint64_t bytes, Unfinished& unfinished) {
  const trace::Syscall& syscall = *thread.call.syscall;
  const trace::Event& event = recorder_->event(thread.call.event);
  if (bytes >= static_cast<std::uint64_t>(event.length)) {
    return;
  }
  if (syscall.count >= 0) {
    unfinished.argument = syscall.count;
    unfinished.argument_before = thread.call.argument(syscall.count);
    set_argument(thread.id.tid, syscall.count, bytes);
  } else if (!shorten_pieces(thread.memory(), syscall, thread.call.arguments, bytes,
                             unfinished.patches)) {
    recorder_->note(fmt::format("{} cannot be shortened: it ran whole", fault::describe(event)));
  }
}

void Supervisor::kill(const fault::Kill& kill, pid_t pid) {
  if (kill.signal == SIGKILL && kill.tree) {
    tracees_.kill_all();
  } else if (kill.tree) {
    tracees_.signal_all(kill.signal);
  } else {
    ::kill(pid, kill.signal);
  }
}

void Supervisor::kill_during(Thread& thread, const fault::Kill& kill_action) {
  tracees_.resume(thread);
  const std::int64_t until = now_ns() + static_cast<std::int64_t>(random_.below(kDuringNs));
  while (now_ns() < until) {
  }
  kill(kill_action, thread.id.pid);
}

// A write that would fill the data directory beyond its budget gets what is left, or ENOSPC.
void Supervisor::keep_budget(const trace::Syscall& syscall, const trace::Event& event,
                             fault::Strike& strike) {
  const auto [fault, budget] = *faults_.budget();
  if ((event.op != trace::Op::kWrite && event.op != trace::Op::kCopy &&
       event.op != trace::Op::kAllocate) ||
      !event.inside) {
    return;
  }
  faults_.passed(fault);
  const std::int64_t growth = recorder_->files().growth(event);
  const std::uint64_t used = recorder_->files().bytes_inside();
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

void Supervisor::hold(Thread& thread, std::int64_t for_ns, const fault::Strike& strike,
                      bool at_exit) {
  held_.emplace(now_ns() + for_ns, Held{thread.id.tid, strike, at_exit});
  wakeup_.wake();  // to set the time of the next wake-up
}

void Supervisor::tell_purpose(Thread& thread, const trace::Event& event) {
  Process& process = *thread.process;
  if (event.op != trace::Op::kOpen || event.performed < 0 || (event.flags & O_CREAT) == 0 ||
      !event.inside || process.role.kind != trace::RoleKind::kChild ||
      !process.role.purpose.empty()) {
    return;
  }
  for (const PurposePattern& pattern : options_.purposes) {
    if (glob_match(pattern.path, event.path.str())) {
      recorder_->set_purpose(process, pattern.purpose);
      ++purposes_[process.role.purpose];
      look_at_moments();  // some wait for such a child
      return;
    }
  }
}

void Supervisor::release_waiting(Inode& inode) {
  if (inode.waiting.empty() || inode.writes_in_flight > 0) {
    return;
  }
  const std::vector<pid_t> waiting = std::exchange(inode.waiting, {});
  for (const pid_t tid : waiting) {
    const auto entry = waiting_.extract(tid);
    if (Thread* const thread = tracees_.find(tid); thread != nullptr && !entry.empty()) {
      enter(*thread, *trace::find_syscall(entry.mapped().number), entry.mapped());
    }
  }
}

void Supervisor::on_process(Thread& /*parent*/, Process& child) {
  if (recorder_ != nullptr) {
    child.first_event = recorder_->trace().events.size();
  }
}

void Supervisor::on_thread(Thread& thread) {
  static const trace::Name kClone("clone");
  if (recorder_ != nullptr) {
    recorder_->complete(recorder_->instant(thread, trace::Op::kThread, kClone));
  }
}

void Supervisor::on_exec(Thread& thread) {
  static const trace::Name kExecve("execve");
  const bool first = !std::exchange(started_, true);
  if (recorder_ == nullptr) {
    return;
  }
  if (first) {
    recorder_->files().take_streams(thread.id);
  }
  trace::Event& event = recorder_->instant(thread, trace::Op::kExec, kExecve);
  std::array<char, PATH_MAX> program{};
  const std::string link = fmt::format("/proc/{}/exe", thread.id.pid);
  if (::readlink(link.c_str(), program.data(), program.size() - 1) > 0) {
    event.path = program.data();
  }
  recorder_->complete(event);
}

void Supervisor::on_thread_end(Thread& thread) {
  unfinished_.erase(thread.id.tid);
  waiting_.erase(thread.id.tid);
  if (recorder_ == nullptr) {
    return;
  }
  Inode* const inode = thread.call.syscall != nullptr ? thread.call.inode : nullptr;
  recorder_->abandoned(thread);
  if (inode != nullptr) {
    release_waiting(*inode);
  }
}

void Supervisor::on_process_end(Process& process, int status) {
  if (recorder_ != nullptr && started_) {
    recorder_->ended(process, status);
  }
  if (!process.role.purpose.empty()) {
    if (const auto found = purposes_.find(process.role.purpose); --found->second == 0) {
      purposes_.erase(found);
    }
  }
  if (process.role.kind == trace::RoleKind::kMain) {
    main_ended_(status);
  }
  if (const auto strike = at_end_.extract(process.pid); !strike.empty()) {
    if (const auto* const kill_action = strike.mapped().as<fault::Kill>()) {
      kill(*kill_action, process.pid);
    }
  }
}

void Supervisor::on_wake() {
  // Before looking: what is asked for from now on wakes us again.
  wakeup_.quiet(ns_to_next());
  if (const std::size_t begun = steps_begun_; begun != steps_armed_) {
    faults_.arm_step(begun - 1);
    steps_armed_ = begun;
  }
  look_at_moments();
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

void Supervisor::look_at_moments() {
  const std::int64_t began = workload_began_ns_;
  const std::uint64_t acked = acked_;
  const std::int64_t now = now_ns();
  for (const std::size_t index :
       faults_.due(acked, began == 0 ? -1 : (now - began) / 1'000'000, purposes_)) {
    const fault::Fault& fault = options_.faults[index];
    const auto* const at = std::get_if<fault::AtTime>(&fault.at);
    faults_.fired(index, recorder_ != nullptr ? recorder_->now() : 0, now,
                  at != nullptr ? fmt::format("{} ms into the workload", (now - began) / 1'000'000)
                                : fmt::format("after {} acked commands", acked));
    kill(std::get<fault::Kill>(fault.action), tracees_.first());
  }
  acked_seen_ = acked;
  acked_seen_.notify_all();
}

std::optional<std::int64_t> Supervisor::ns_to_next() const {
  std::optional<std::int64_t> next;
  if (!held_.empty()) {
    next = held_.begin()->first;
  }
  const std::int64_t began = workload_began_ns_;
  if (const auto ms = faults_.next_ms(purposes_); ms.has_value() && began != 0) {
    const std::int64_t at = began + *ms * 1'000'000;
    next = next.has_value() ? std::min(*next, at) : at;
  }
  return next.has_value() ? std::optional(*next - now_ns()) : std::nullopt;
}

}  // namespace crashpoint::ptrace
