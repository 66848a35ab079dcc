#include "harness/ptrace/tracees.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "harness/base/check.h"
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
