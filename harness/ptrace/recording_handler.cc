#include "harness/ptrace/recording_handler.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/glob.h"
#include "harness/fault/armed_faults.h"
#include "harness/fault/fault.h"
#include "harness/ptrace/in_place.h"
#include "harness/ptrace/kernel/filter.h"
#include "harness/ptrace/kernel/on_disk.h"
#include "harness/ptrace/kernel/registers.h"
#include "harness/ptrace/kernel/support.h"
#include "harness/ptrace/tree.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::ptrace {
namespace {

bool is_about_socket(const Thread& thread, const SyscallEntry& entry) {
  return entry.number == SYS_fcntl &&
         link_target(AT_FDCWD, fmt::format("/proc/{}/fd/{}", thread.id.tid,
                                           static_cast<int>(entry.arguments[0])))
             .starts_with("socket:");
}

// Does the program that the process runs, the file at `program`, stand for privileges that it has not got?
bool lacks_privileges_of(pid_t pid, const std::string& program) {
  struct stat file {};
  std::array<char, 64> capabilities{};
  if (::stat(program.c_str(), &file) != 0) {
    return false;
  }
  const bool set_user = (file.st_mode & S_ISUID) != 0;
  const bool set_group = (file.st_mode & S_ISGID) != 0 && (file.st_mode & S_IXGRP) != 0;
  const bool set_capabilities = ::getxattr(program.c_str(), "security.capability",
                                           capabilities.data(), capabilities.size()) > 0;
  if (!set_user && !set_group && !set_capabilities) {
    return false;
  }
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  bool bound = false;
  bool lacks = false;
  for (std::string line; std::getline(status, line);) {
    unsigned effective = 0;
    if (std::sscanf(line.c_str(), "Uid: %*u %u", &effective) == 1) {
      lacks = lacks || (set_user && effective != file.st_uid);
    } else if (std::sscanf(line.c_str(), "Gid: %*u %u", &effective) == 1) {
      lacks = lacks || (set_group && effective != file.st_gid);
    } else if (std::sscanf(line.c_str(), "NoNewPrivs: %u", &effective) == 1) {
      bound = effective != 0;
    }
  }
  return lacks || (bound && set_capabilities);
}

}  // namespace

RecordingHandler::RecordingHandler(Supervisor& supervisor, const TracerOptions& options,
                                   Recorder& recorder)
    : options_(options),
      supervisor_(supervisor),
      tracees_(supervisor.tracees()),
      faults_(supervisor.faults()),
      recorder_(recorder),
      random_(options.seed, "tracer") {}

void RecordingHandler::on_syscall(Thread& thread, const SyscallEntry& entry) {
  thread.call.syscall = nullptr;
  const trace::Syscall* const syscall = trace::find_syscall(entry.number);
  if (!started_ || syscall == nullptr || entry.filter_data != kNative) {
    if (started_ && entry.filter_data != kNative) {
      recorder_.unseen(
          entry.filter_data == kForeign
              ? "the program makes 32-bit syscalls: they are not seen"
              : "the program has a seccomp filter that hands calls to a tracer: they are "
                "not seen");
      thread.process->descriptors->forget_all();
    }
    tracees_.resume(thread);
    return;
  }
  supervisor_.arm_begun_step();
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
      forget_all(thread, *syscall, entry);
      return;
    case trace::Handling::kConnect:
      recorder_.connects(thread, entry);
      tracees_.resume(thread);
      return;
    case trace::Handling::kCpus:
      tracees_.shared_cpu().release();
      tracees_.resume(thread);
      return;
    case trace::Handling::kPrctl:
      if (entry.arguments[0] == trace::kFailpointPrctl) {
        pass_failpoint(thread, *syscall, entry);
      } else if (entry.arguments[0] == PR_SET_SECCOMP) {
        restrict_itself(thread, entry.arguments[1] == SECCOMP_MODE_STRICT, 0);
      } else {
        stay_dumpable(thread, entry);
      }
      return;
    case trace::Handling::kSeccomp:
      restrict_itself(thread, entry.arguments[0] == SECCOMP_SET_MODE_STRICT,
                      entry.arguments[0] == SECCOMP_SET_MODE_FILTER ? entry.arguments[1] : 0);
      return;
    case trace::Handling::kRefuse:
      recorder_.note("io_uring was answered ENOSYS: programs fall back to syscalls that are seen");
      skip_syscall(thread.id.tid, -ENOSYS);
      tracees_.resume(thread);
      return;
    case trace::Handling::kNote:
      recorder_.unseen("the program uses Linux AIO (io_submit): what it writes by it is not seen");
      tracees_.resume(thread);
      return;
    case trace::Handling::kProtect:
      recorder_.made_writable(thread, entry.arguments[0], entry.arguments[1]);
      tracees_.resume(thread);
      return;
  }
}

// The number of a descriptor comes to mean something else, or an open file gets other flags: at some
// moment before the exit of the call.
void RecordingHandler::forget(Thread& thread, const trace::Syscall& syscall,
                              const SyscallEntry& entry) {
  if (is_about_socket(thread, entry)) {  // whose flags are asked for once
    thread.process->descriptors->forget(static_cast<int>(entry.arguments[0]));
    tracees_.resume(thread);
    return;
  }
  thread.call.syscall = &syscall;
  thread.call.arguments = entry.arguments;
  thread.call.event = kNoEvent;
  thread.call.inode = nullptr;
  thread.call.holds = {};
  thread.process->descriptors->change_begins();
  if (syscall.number == SYS_close_range &&
      (static_cast<unsigned>(entry.arguments[2]) & CLOSE_RANGE_UNSHARE) != 0) {
    thread.process->descriptors->divide();
  }
  tracees_.resume(thread);
}

// Such a call has returned, or its thread has died in it.
void RecordingHandler::forgotten(Thread& thread) {
  const trace::Syscall& syscall = *std::exchange(thread.call.syscall, nullptr);
  DescriptorTable& table = *thread.process->descriptors;
  table.change_ends();
  if (syscall.number == SYS_fcntl) {
    recorder_.files().flags_changed();
  }
  if (syscall.fd >= 0) {
    const int fd = thread.call.fd(syscall.fd);
    table.forget(fd);
    if (syscall.source_fd >= 0) {
      table.copied(thread.call.fd(0), fd);
    }
  } else {
    table.forget_range(static_cast<unsigned>(thread.call.arguments[0]),
                       static_cast<unsigned>(thread.call.arguments[1]));
  }
}

void RecordingHandler::forget_all(Thread& thread, const trace::Syscall& syscall,
                                  const SyscallEntry& entry) {
  thread.process->descriptors->forget_all();
  thread.process->can_be_seen.reset();
  if (syscall.number == SYS_unshare && (entry.arguments[0] & CLONE_FILES) != 0) {
    thread.process->descriptors->divide();
  }
  if (syscall.number == SYS_unshare || syscall.number == SYS_setns ||
      syscall.number == SYS_chroot || syscall.number == SYS_pivot_root) {
    recorder_.files().roots_may_differ();
  }
  tracees_.resume(thread);
}

// An ordinary user may not look into a process that is not dumpable. It is made to believe that it is not.
void RecordingHandler::stay_dumpable(Thread& thread, const SyscallEntry& entry) {
  static const bool kSeesAll = has_capability(CAP_SYS_PTRACE);
  std::optional<std::uint64_t>& dumpable = thread.process->dumpable;
  if (!kSeesAll && entry.arguments[0] == PR_SET_DUMPABLE && entry.arguments[1] <= 1) {
    dumpable = entry.arguments[1];
    recorder_.note(
        "a process set itself not dumpable (PR_SET_DUMPABLE): it was told that it is, and stayed "
        "readable for the tracer");
    skip_syscall(thread.id.tid, 0);
  } else if (entry.arguments[0] == PR_GET_DUMPABLE && dumpable.has_value()) {
    skip_syscall(thread.id.tid, static_cast<std::int64_t>(*dumpable));
  }
  tracees_.resume(thread);
}

// `filter_flags`: of a filter that it installs.
void RecordingHandler::restrict_itself(Thread& thread, bool strictly, std::uint64_t filter_flags) {
  if (strictly) {
    recorder_.note(
        "a process asked for seccomp's strict mode: the kernel refuses it (EINVAL) to a process "
        "that has a "
        "filter, and a traced one has");
  } else if ((filter_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0) {
    recorder_.unseen(
        "a process has a seccomp filter that asks another for its decisions: calls which that one "
        "lets "
        "pass are not seen");
  }
  tracees_.resume(thread);
}

// Is this the fork of the thread that was interrupted? What a signal handler calls lies deeper in the stack.
bool RecordingHandler::goes_on(Thread& thread, const trace::Syscall& syscall,
                               const SyscallEntry& entry) {
  const auto found = forks_.find(thread.id.tid);
  if (found == forks_.end() || found->second.entry.stack != entry.stack ||
      found->second.entry.number != entry.number ||
      found->second.entry.arguments != entry.arguments) {
    return false;
  }
  thread.call.syscall = &syscall;
  thread.call.arguments = entry.arguments;
  thread.call.event = found->second.event;
  thread.call.inode = nullptr;
  if (!found->second.unfinished.empty()) {
    unfinished_.insert(std::move(found->second.unfinished));
  }
  return true;
}

void RecordingHandler::enter(Thread& thread, const trace::Syscall& syscall,
                             const SyscallEntry& entry) {
  if (syscall.op != trace::Op::kExit && !recorder_.can_see(thread)) {
    tracees_.resume(thread);
    return;
  }
  if (syscall.op == trace::Op::kFork && goes_on(thread, syscall, entry)) {
    tracees_.resume(thread);
    return;
  }
  const Recorder::Follow follow = recorder_.enter(thread, syscall, entry);
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
  if (syscall.op == trace::Op::kFork) {
    forks_[thread.id.tid] = {entry, thread.call.event, {}};
  }
  const trace::Event& event = recorder_.event(thread.call.event);
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
bool RecordingHandler::act_in_place(Thread& thread) {
  const trace::Event& event = recorder_.event(thread.call.event);
  const std::optional<std::int64_t> result =
      perform_in_place(thread, event, recorder_.trace().data(event));
  if (!result.has_value()) {
    return false;
  }
  const auto held = thread.call.holds;
  skip_syscall(thread.id.tid, *result);
  recorder_.leave(thread, *result, *result);
  tracees_.resume(thread);
  release_waiting(held);
  return true;
}

void RecordingHandler::on_syscall_exit(Thread& thread, std::int64_t performed) {
  if (thread.call.syscall->handling == trace::Handling::kForget) {
    forgotten(thread);
    tracees_.resume(thread);
    return;
  }
  constexpr std::int64_t kRestarts = -513;  // ERESTARTNOINTR
  if (performed == kRestarts && thread.call.syscall->op == trace::Op::kFork) {
    forks_[thread.id.tid].unfinished = unfinished_.extract(thread.id.tid);
    thread.call.syscall = nullptr;
    tracees_.resume(thread);
    return;
  }
  forks_.erase(thread.id.tid);
  const auto unfinished = unfinished_.extract(thread.id.tid);
  const std::int64_t result =
      unfinished.empty() ? performed : undo_at_exit(thread, unfinished.mapped(), performed);
  const std::size_t event = thread.call.event;
  const auto held = thread.call.holds;
  recorder_.leave(thread, performed, result);
  find_purpose(thread, recorder_.event(event));
  release_waiting(held);
  if (!unfinished.empty()) {
    finish_at_exit(thread, unfinished.mapped().strike);
  } else {
    tracees_.resume(thread);
  }
}

void RecordingHandler::find_purpose(Thread& thread, const trace::Event& event) {
  Process& process = *thread.process;
  if (event.op != trace::Op::kOpen || event.performed < 0 || (event.flags & O_CREAT) == 0 ||
      !event.inside || process.role.kind != trace::RoleKind::kChild ||
      !process.role.purpose.empty()) {
    return;
  }
  for (const PurposePattern& pattern : options_.purposes) {
    if (glob_match(pattern.path, event.path.str())) {
      recorder_.set_purpose(process, pattern.purpose);
      ++purposes_[process.role.purpose];
      supervisor_.strike_due(purposes_, recorder_.now());  // some wait for such a child
      return;
    }
  }
}

void RecordingHandler::release_waiting(std::span<Inode* const> released) {
  for (Inode* const inode : released) {
    if (inode == nullptr || inode->waiting.empty() || inode->in_flight > 0) {
      continue;
    }
    const std::vector<pid_t> waiting = std::exchange(inode->waiting, {});
    for (const pid_t tid : waiting) {
      const auto entry = waiting_.extract(tid);
      if (Thread* const thread = tracees_.find(tid); thread != nullptr && !entry.empty()) {
        enter(*thread, *trace::find_syscall(entry.mapped().number), entry.mapped());
      }
    }
  }
}

void RecordingHandler::on_process(Thread& /*parent*/, Process& child) {
  child.first_event = recorder_.trace().events.size();
  recorder_.files().insiders().processes.insert(child.pid);
}

void RecordingHandler::on_thread(Thread& thread) {
  static const trace::Name kClone("clone");
  recorder_.complete(recorder_.instant(thread, trace::Op::kThread, kClone));
}

void RecordingHandler::on_exec(Thread& thread) {
  static const trace::Name kExecve("execve");
  if (!std::exchange(started_, true)) {
    recorder_.files().take_streams(thread.id);
    recorder_.files().insiders().processes.insert(thread.id.pid);
  }
  trace::Event& event = recorder_.instant(thread, trace::Op::kExec, kExecve);
  std::array<char, PATH_MAX> program{};
  const std::string link = fmt::format("/proc/{}/exe", thread.id.pid);
  if (::readlink(link.c_str(), program.data(), program.size() - 1) > 0) {
    event.path = program.data();
  }
  recorder_.complete(event);
  recorder_.can_see(thread);
  if (lacks_privileges_of(thread.id.pid, link)) {
    recorder_.note(
        fmt::format("{} is set-user-ID, set-group-ID or has capabilities: it ran without these "
                    "privileges, because "
                    "crashpoint may not trace it with them (root may)",
                    program.data()));
  }
}

void RecordingHandler::on_thread_end(Thread& thread) {
  unfinished_.erase(thread.id.tid);
  forks_.erase(thread.id.tid);
  waiting_.erase(thread.id.tid);
  if (thread.call.syscall == nullptr) {
    return;
  }
  if (thread.call.syscall->handling == trace::Handling::kForget) {
    forgotten(thread);
    return;
  }
  const auto held = thread.call.holds;
  recorder_.abandoned(thread);
  release_waiting(held);
}

void RecordingHandler::on_process_end(Process& process, int status) {
  if (started_) {
    recorder_.ended(process, status);
  }
  if (!process.role.purpose.empty()) {
    if (const auto found = purposes_.find(process.role.purpose); --found->second == 0) {
      purposes_.erase(found);
    }
  }
  supervisor_.process_ended(process, status);
  if (const auto strike = at_end_.extract(process.pid); !strike.empty()) {
    if (const auto* const kill_action = strike.mapped().as<fault::Kill>()) {
      supervisor_.kill(*kill_action, process.pid);
    }
  }
}

void RecordingHandler::on_wake() {
  const auto next_ns = held_.empty() ? std::nullopt : std::optional(held_.begin()->first);
  supervisor_.woken(next_ns, purposes_, recorder_.now());
  release_held();
}

}  // namespace crashpoint::ptrace
