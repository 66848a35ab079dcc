// How fork, vfork and clone are followed: births are seen, children attached, and none escapes.
#include <fmt/format.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

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

#include "harness/ptrace/kernel/filter.h"
#include "harness/ptrace/kernel/registers.h"
#include "harness/ptrace/kernel/request.h"
#include "harness/ptrace/tracees.h"
#include "harness/ptrace/tree.h"

namespace crashpoint::ptrace {
namespace {

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

}  // namespace crashpoint::ptrace
