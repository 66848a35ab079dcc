#include "harness/ptrace/tracees.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "harness/base/check.h"
#include "harness/ptrace/kernel/filter.h"
#include "harness/ptrace/kernel/registers.h"
#include "harness/ptrace/kernel/request.h"
#include "harness/ptrace/tree.h"

namespace crashpoint::ptrace {
namespace {

constexpr long kOptions = PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP |
                          PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                          PTRACE_O_TRACEEXEC;
constexpr int kSyscallStop = SIGTRAP | 0x80;
// __WNOTHREAD: other threads of ours have children and tracees of their own.
constexpr int kWaitFlags = __WALL | __WNOTHREAD;

// 0: the thread has died.
pid_t event_message(pid_t tid) {
  unsigned long message = 0;
  return request(PTRACE_GETEVENTMSG, tid, nullptr, &message) ? static_cast<pid_t>(message) : 0;
}

bool is_thread_of(pid_t pid, pid_t tid) {
  return ::access(fmt::format("/proc/{}/task/{}", pid, tid).c_str(), F_OK) == 0;
}

// Does the call that made a child share the table of descriptors with it?
bool shares_descriptors(const Thread& parent) {
  const Call& call = parent.call;
  std::uint64_t flags = 0;
  if (call.syscall != nullptr && call.syscall->number == SYS_clone) {
    flags = call.arguments[0];
  } else if (call.syscall != nullptr && call.syscall->number == SYS_clone3) {
    parent.memory().read_value(call.arguments[0], flags);
  }
  return (flags & CLONE_FILES) != 0;
}

}  // namespace

int Tracees::attach(pid_t pid) {
  HARNESS_CHECK(first_ == 0, first_, pid);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, kOptions) != 0) {
    return errno;
  }
  first_ = pid;
  auto process = std::make_shared<Process>();
  process->pid = pid;
  add(pid, std::move(process));
  const std::lock_guard lock(mutex_);
  live_.insert(pid);
  if (killing_) {
    ::kill(pid, SIGKILL);
  }
  return 0;
}

void Tracees::run(Handler& handler) {
  handler_ = &handler;
  for (;;) {
    int status = 0;
    const pid_t tid = ::waitpid(-1, &status, kWaitFlags);
    if (tid > 0) {
      on_stop(tid, status);
    } else if (errno == EINTR) {
      handler_->on_wake();
    } else {
      HARNESS_CHECK(errno == ECHILD, errno);
      return;  // nobody is left
    }
    tell_if_held();
  }
}

Thread* Tracees::find(pid_t tid) {
  if (last_ != nullptr && last_->id.tid == tid) {
    return last_;
  }
  const auto found = threads_.find(tid);
  if (found == threads_.end()) {
    return nullptr;
  }
  last_ = &found->second;
  return last_;
}

Thread& Tracees::add(pid_t tid, std::shared_ptr<Process> process) {
  Thread& thread = threads_[tid];
  thread.id = {process->pid, tid};
  thread.process = std::move(process);
  return thread;
}

void Tracees::resume(Thread& thread, int signal) {
  if (holding_ && signal != SIGSTOP) {
    thread.resume_later = signal;
    return;
  }
  if (!killing_) {
    thread.stopped = false;
    const bool to_exit = thread.call.syscall != nullptr || thread.changed_flags.has_value();
    request(to_exit ? PTRACE_SYSCALL : PTRACE_CONT, thread.id.tid, nullptr,
            static_cast<unsigned long>(signal));
  }
}

void Tracees::on_stop(pid_t tid, int status) {
  if (!WIFSTOPPED(status)) {
    on_end(tid, status);
    return;
  }
  Thread* const thread = find(tid);
  if (thread == nullptr) {
    hold_early(tid);
    return;
  }
  thread->stopped = true;
  const int signal = WSTOPSIG(status);
  switch (status >> 16) {
    case PTRACE_EVENT_SECCOMP: {
      SyscallEntry entry;
      shared_cpu_.stopped(tid);
      if (!killing_ && read_entry(tid, entry)) {
        keep_traced(*thread, entry);
        handler_->on_syscall(*thread, entry);
      }
      return;
    }
    case 0:
      if (signal != kSyscallStop) {
        resume(*thread, signal);  // a signal on its way to the program
        return;
      }
      put_back_flags(*thread);
      if (std::int64_t result = 0; thread->call.syscall != nullptr && read_result(tid, result)) {
        shared_cpu_.stopped(tid);
        release_child(*thread);
        handler_->on_syscall_exit(*thread, result);
        return;
      }
      resume(*thread);
      return;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_CLONE:
      on_birth(*thread, /*is_vfork=*/false);
      return;
    case PTRACE_EVENT_VFORK:
      on_birth(*thread, /*is_vfork=*/true);
      return;
    case PTRACE_EVENT_EXEC:
      on_exec(*thread);
      return;
    case PTRACE_EVENT_STOP:
      on_event_stop(*thread, signal);
      return;
    default:
      HARNESS_CHECK(false, tid, status);  // an event that was not asked for
  }
}

void Tracees::on_event_stop(Thread& thread, int signal) {
  if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) {
    // Stopped as a whole, as the program's user wants it: it stays so until SIGCONT.
    if (!killing_) {
      request(PTRACE_LISTEN, thread.id.tid, nullptr, nullptr);
    }
    return;
  }
  thread.newborn = false;
  put_back_flags(thread);
  if (!thread.held_by_parent) {
    resume(thread);
  }
}

void Tracees::on_birth(Thread& parent, bool is_vfork) {
  const pid_t tid = event_message(parent.id.tid);
  const bool stopped_already = early_.erase(tid) != 0;
  if (tid <= 0) {
    resume(parent);
    return;
  }
  shared_cpu_.born(tid);
  if (is_thread_of(parent.id.pid, tid)) {
    if (stopped_already) {
      const std::lock_guard lock(mutex_);
      live_.erase(tid);
    }
    Thread& thread = add(tid, parent.process);
    if (parent.process->pid == first_) {
      thread.ordinal = ++threads_born_;
    }
    handler_->on_thread(thread);
    thread.newborn = !stopped_already;
    thread.stopped = stopped_already;
    thread.changed_flags = parent.changed_flags;
    if (stopped_already) {
      put_back_flags(thread);
      resume(thread);
    }
  } else {
    std::shared_ptr<Process> process = make_child(tid, parent.id.pid);
    process->mappings = parent.process->mappings;
    process->maps_read_only = parent.process->maps_read_only;
    process->dumpable = parent.process->dumpable;
    if (shares_descriptors(parent)) {
      process->descriptors = parent.process->descriptors;
    } else {
      process->descriptors = parent.process->descriptors->inherited();
    }
    Thread& thread = add(tid, std::move(process));
    thread.newborn = !stopped_already;
    thread.stopped = stopped_already;
    thread.changed_flags = parent.changed_flags;
    if (stopped_already) {
      put_back_flags(thread);
    }
    handler_->on_process(parent, *thread.process);
    if (!is_vfork && parent.call.syscall != nullptr) {
      thread.held_by_parent = true;
      parent.held_child = tid;
    } else if (stopped_already) {
      resume(thread);
    }
  }
  resume(parent);
}

std::shared_ptr<Process> Tracees::make_child(pid_t pid, pid_t parent) {
  auto process = std::make_shared<Process>();
  process->pid = pid;
  process->parent = parent;
  process->role = {trace::RoleKind::kChild, ++children_born_, {}};
  const std::lock_guard lock(mutex_);
  live_.insert(pid);
  if (killing_) {
    ::kill(pid, SIGKILL);
  }
  return process;
}

// A child may stop before the stop of its parent that reports its birth is seen.
void Tracees::hold_early(pid_t tid) {
  early_.insert(tid);
  const std::lock_guard lock(mutex_);
  live_.insert(tid);
  if (killing_) {
    ::kill(tid, SIGKILL);
  }
}

// A parent killed right after a fork never reports its child.
void Tracees::adopt_orphans() {
  for (auto at = early_.begin(); at != early_.end();) {
    const pid_t tid = *at;
    std::ifstream file(fmt::format("/proc/{}/status", tid));
    const std::string status{std::istreambuf_iterator<char>(file), {}};
    const auto field = [&status](std::string_view name) {
      const std::size_t found = status.find(name);
      return found == std::string::npos ? 0 : std::atoi(status.c_str() + found + name.size());
    };
    if (field("\nTgid:") != tid || threads_.contains(field("\nPPid:"))) {
      ++at;
      continue;
    }
    at = early_.erase(at);
    shared_cpu_.born(tid);
    Thread& thread = add(tid, make_child(tid, 0));
    thread.stopped = true;
    handler_->on_process(thread, *thread.process);
    resume(thread);
  }
}

void Tracees::release_child(Thread& parent) {
  if (parent.held_child == 0) {
    return;
  }
  Thread* const child = find(std::exchange(parent.held_child, 0));
  if (child != nullptr) {
    child->held_by_parent = false;
    if (!child->newborn) {
      resume(*child);
    }
  }
}

// A child that is not traced would still be under our filter: each of its calls that stop would fail.
void Tracees::keep_traced(Thread& thread, SyscallEntry& entry) {
  if (entry.filter_data != kNative) {
    return;
  }
  if (entry.number == SYS_clone && (entry.arguments[0] & CLONE_UNTRACED) != 0) {
    thread.changed_flags = ChangedFlags{.before = entry.arguments[0]};
    entry.arguments[0] &= ~std::uint64_t{CLONE_UNTRACED};
    set_argument(thread.id.tid, 0, entry.arguments[0]);
  } else if (std::uint64_t flags = 0; entry.number == SYS_clone3 &&
                                      thread.memory().read_value(entry.arguments[0], flags) &&
                                      (flags & CLONE_UNTRACED) != 0) {
    thread.changed_flags = ChangedFlags{.before = flags, .address = entry.arguments[0]};
    thread.memory().write_word(entry.arguments[0], flags & ~std::uint64_t{CLONE_UNTRACED});
  }
}

void Tracees::put_back_flags(Thread& thread) {
  if (const auto flags = std::exchange(thread.changed_flags, std::nullopt); flags.has_value()) {
    if (flags->address == 0) {
      put_back_argument_0(thread.id.tid, flags->before);
    } else {
      thread.memory().write_word(flags->address, flags->before);
    }
  }
}

void Tracees::on_exec(Thread& thread) {
  // An exec by another thread than the first: it takes over the first one's number.
  const pid_t former = event_message(thread.id.tid);
  if (former != thread.id.tid) {
    if (Thread* const gone = find(former); gone != nullptr) {
      handler_->on_thread_end(*gone);
      last_ = nullptr;
      threads_.erase(former);
    }
  }
  shared_cpu_.born(thread.id.tid);
  shared_cpu_.release();
  handler_->on_thread_end(thread);  // whatever call the old program was in
  Process& process = *thread.process;
  process.descriptors = process.descriptors->inherited();
  process.memory.reset();
  process.mappings.clear();
  process.maps_read_only = false;
  process.can_be_seen.reset();
  process.dumpable.reset();
  handler_->on_exec(thread);
  resume(thread);
}

void Tracees::on_end(pid_t tid, int status) {
  HARNESS_CHECK(WIFEXITED(status) || WIFSIGNALED(status), tid, status);
  if (tid == shared_cpu_.confined()) {
    shared_cpu_.release();
  }
  Thread* const thread = find(tid);
  if (thread == nullptr) {
    early_.erase(tid);
    const std::lock_guard lock(mutex_);
    live_.erase(tid);
    return;
  }
  release_child(*thread);
  handler_->on_thread_end(*thread);
  const std::shared_ptr<Process> process = thread->process;
  last_ = nullptr;
  threads_.erase(tid);
  if (tid != process->pid) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    live_.erase(tid);
  }
  reap_zombies(*process);
  if (const auto parent = threads_.find(process->parent); parent != threads_.end()) {
    parent->second.process->children_ended.push_back(tid);
  }
  handler_->on_process_end(*process, status);
  adopt_orphans();
}

void Tracees::reap_zombies(Process& ended) {
  // What it had not reaped itself has become our child.
  for (const pid_t child : ended.children_ended) {
    if (!threads_.contains(child)) {
      ::waitpid(child, nullptr, WNOHANG | __WALL);
    }
  }
}

void Tracees::hold(pid_t dying, std::function<void()> held) {
  holding_ = true;
  dying_ = dying;
  held_ = std::move(held);
  {
    const std::lock_guard lock(mutex_);
    for (const pid_t pid : live_) {
      if (pid != dying) {
        ::kill(pid, SIGSTOP);
      }
    }
  }
  // The kernel may have given the signal to a thread that we keep at a call; and some block all signals
  // that can be blocked, and sleep.
  for (const auto& [tid, thread] : threads_) {
    if (!thread.stopped && thread.id.pid != dying) {
      request(PTRACE_INTERRUPT, tid, nullptr, nullptr);
    }
  }
}

// A process that is about to die need not stop for that. Children that were born meanwhile stop at their
// first instruction.
void Tracees::tell_if_held() {
  if (held_ != nullptr && std::ranges::all_of(threads_, [this](const auto& entry) {
        return entry.second.stopped || entry.second.id.pid == dying_;
      })) {
    std::exchange(held_, nullptr)();
  }
}

void Tracees::let_go() {
  holding_ = false;
  held_ = nullptr;
  signal_all(SIGCONT);  // first: it takes back a SIGSTOP that has not arrived yet
  for (auto& [tid, thread] : threads_) {
    if (const std::optional<int> signal = std::exchange(thread.resume_later, std::nullopt)) {
      resume(thread, *signal);
    }
  }
}

std::vector<std::shared_ptr<const Process>> Tracees::processes() const {
  std::vector<std::shared_ptr<const Process>> processes;
  for (const auto& [tid, thread] : threads_) {
    if (tid == thread.id.pid) {
      processes.push_back(thread.process);
    }
  }
  return processes;
}

void Tracees::kill_all() {
  const std::lock_guard lock(mutex_);
  killing_ = true;
  for (const pid_t pid : live_) {
    ::kill(pid, SIGKILL);
  }
}

void Tracees::signal_all(int signal) {
  const std::lock_guard lock(mutex_);
  for (const pid_t pid : live_) {
    ::kill(pid, signal);
  }
}

}  // namespace crashpoint::ptrace
