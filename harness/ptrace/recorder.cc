#include "harness/ptrace/recorder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "harness/base/check.h"
#include "harness/base/clock.h"
#include "harness/ptrace/files.h"
#include "harness/ptrace/tree.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::ptrace {
namespace {

// Inside the kernel an interrupted call may return one of the ERESTART family; the program sees
// EINTR, or the call is made anew.
std::int64_t as_seen(std::int64_t result) {
  constexpr std::int64_t kRestartFirst = -516;
  constexpr std::int64_t kRestartLast = -512;
  return result >= kRestartFirst && result <= kRestartLast ? -EINTR : result;
}

// An open that returns no descriptor.
bool makes_node(const trace::Syscall& syscall) {
  static const trace::Name kMknod("mknod");
  return syscall.family == kMknod;
}

}  // namespace

Recorder::Recorder(const TracerOptions& options, std::shared_ptr<trace::SegmentStore> store,
                   trace::TraceFileWriter* file)
    : store_(std::move(store)),
      file_(file),
      files_(options.data_directory, trace_.initial, options.keep_initial_content, trace_.notes) {
  trace_.store = store_;
  trace_.events = trace::EventList(options.memory_bytes, options.spill_directory);
  if (file_ != nullptr) {
    file_->begin(trace_.initial);
  }
}

void Recorder::complete(const trace::Event& event) {
  HARNESS_CHECK(event.enter < event.exit && event.exit < trace_.end, event.enter, event.exit);
  if (file_ != nullptr) {
    file_->add(event);
  }
}

trace::Trace Recorder::take() {
  check_end();
  if (file_ != nullptr) {
    file_->finish(trace_);
  }
  return std::move(trace_);
}

trace::Event& Recorder::begin(Thread& thread, const trace::Syscall& syscall, trace::Op op) {
  thread.call.event = trace_.events.size();
  trace::Event& event = trace_.events.emplace_back();
  event.enter = trace_.end++;
  event.enter_ns = now_ns();
  event.role = thread.role();
  event.syscall = syscall.name;
  event.pid = thread.id.pid;
  event.tid = thread.id.tid;
  event.op = op;
  return event;
}

void Recorder::end(trace::Event& event, std::int64_t performed, std::int64_t result) {
  event.exit = trace_.end++;
  event.exit_ns = now_ns();
  event.performed = performed;
  event.result = result;
}

void Recorder::place(trace::Event& event, const Inode& inode) const {
  event.path = inode.path;
  event.file = inode.id;
  event.inside = inode.followed;
  event.directory = inode.directory;
}

Descriptor* Recorder::descriptor(const Thread& thread, int fd) {
  return files_.descriptor(*thread.process->descriptors, thread.id, fd);
}

Recorder::Follow Recorder::enter(Thread& thread, const trace::Syscall& syscall,
                                 const SyscallEntry& entry) {
  Call& call = thread.call;
  call.syscall = &syscall;
  call.arguments = entry.arguments;
  call.event = kNoEvent;
  call.inode = nullptr;
  call.by_position = false;
  call.holds = {};
  switch (syscall.op) {
    case trace::Op::kOpen:
      return makes_node(syscall) ? enter_names(thread, syscall) : enter_open(thread, syscall);
    case trace::Op::kClose:
      return enter_close(thread, syscall);
    case trace::Op::kWrite:
    case trace::Op::kSend:
    case trace::Op::kOutput:
      return enter_write(thread, syscall);
    case trace::Op::kCopy:
      return enter_copy(thread, syscall);
    case trace::Op::kTruncate:
    case trace::Op::kAllocate:
      return enter_size(thread, syscall);
    case trace::Op::kRename:
    case trace::Op::kLink:
    case trace::Op::kSymlink:
    case trace::Op::kUnlink:
    case trace::Op::kMkdir:
    case trace::Op::kRmdir:
      return enter_names(thread, syscall);
    case trace::Op::kChmod:
      return enter_mode(thread, syscall);
    case trace::Op::kFsync:
    case trace::Op::kFdatasync:
    case trace::Op::kSync:
    case trace::Op::kSyncfs:
    case trace::Op::kSyncRange:
    case trace::Op::kMsync:
      return enter_sync(thread, syscall);
    case trace::Op::kMap:
      return enter_map(thread, syscall);
    case trace::Op::kFork:
      return enter_fork(thread, syscall);
    case trace::Op::kExit:
      begin(thread, syscall, trace::Op::kExit);
      thread.process->exit_event = call.event;
      return Follow::kEntry;
    case trace::Op::kThread:
    case trace::Op::kExec:
    case trace::Op::kFailpoint:
      break;  // instant() records these
  }
  return Follow::kNone;
}

void Recorder::leave(Thread& thread, std::int64_t performed, std::int64_t result) {
  HARNESS_CHECK(thread.call.syscall != nullptr, thread.id.tid);
  HARNESS_CHECK(thread.call.event < trace_.events.size(), thread.call.event);
  trace::Event& event = trace_.events[thread.call.event];
  end(event, as_seen(performed), as_seen(result));
  release(thread.call);
  switch (thread.call.syscall->op) {  // which a send may share with a write or a copy
    case trace::Op::kOpen:
      if (makes_node(*thread.call.syscall)) {
        leave_names(thread, event);
      } else {
        leave_open(thread, event);
      }
      break;
    case trace::Op::kWrite:
    case trace::Op::kSend:
    case trace::Op::kOutput:
      leave_write(thread, event);
      break;
    case trace::Op::kCopy:
      leave_copy(thread, event);
      break;
    case trace::Op::kTruncate:
    case trace::Op::kAllocate:
      leave_size(thread, event);
      break;
    case trace::Op::kRename:
    case trace::Op::kLink:
    case trace::Op::kSymlink:
    case trace::Op::kUnlink:
    case trace::Op::kMkdir:
    case trace::Op::kRmdir:
      leave_names(thread, event);
      break;
    case trace::Op::kChmod:
      leave_mode(thread, event);
      break;
    case trace::Op::kFsync:
    case trace::Op::kFdatasync:
    case trace::Op::kSync:
    case trace::Op::kSyncfs:
      leave_sync(thread, event);
      break;
    case trace::Op::kMap:
      leave_map(thread, event);
      break;
    case trace::Op::kClose:
    case trace::Op::kSyncRange:
    case trace::Op::kMsync:
    case trace::Op::kFork:
    case trace::Op::kThread:
    case trace::Op::kExec:
    case trace::Op::kExit:
    case trace::Op::kFailpoint:
      break;
  }
  complete(event);
  thread.call.syscall = nullptr;
  thread.call.places.reset();
}

void Recorder::skipped(Thread& thread, std::int64_t result) {
  HARNESS_CHECK(thread.call.event < trace_.events.size(), thread.call.event);
  trace::Event& event = trace_.events[thread.call.event];
  event.not_performed = true;
  event.data.size = 0;
  end(event, 0, result);
  complete(event);
  abandoned(thread);
}

void Recorder::abandoned(Thread& thread) {
  Call& call = thread.call;
  release(call);
  call.syscall = nullptr;
  call.places.reset();
}

// Until the call has returned, others that act on the same wait (see Follow).
void Recorder::hold(Call& call, Inode* inode) {
  const auto free = std::find(call.holds.begin(), call.holds.end(), nullptr);
  const bool is_held = std::find(call.holds.begin(), free, inode) != free;
  if (inode != nullptr && !is_held) {
    HARNESS_CHECK(free != call.holds.end(), inode->id);
    *free = inode;
    ++inode->in_flight;
  }
}

void Recorder::release(Call& call) {
  for (Inode* const inode : std::exchange(call.holds, {})) {
    if (inode != nullptr) {
      HARNESS_CHECK(inode->in_flight > 0, inode->id);
      --inode->in_flight;
    }
  }
}

trace::Event& Recorder::instant(const Thread& thread, trace::Op op, trace::Name syscall) {
  trace::Event& event = trace_.events.emplace_back();
  event.enter = trace_.end++;
  event.enter_ns = now_ns();
  event.role = thread.role();
  event.syscall = syscall;
  event.pid = thread.id.pid;
  event.tid = thread.id.tid;
  event.op = op;
  end(event, 0, 0);
  return event;
}

void Recorder::ended(const Process& process, int status) {
  static const trace::Name kKilled("exit");
  if (process.exit_event == kNoEvent) {  // by a signal
    trace::Event& event = trace_.events.emplace_back();
    event.enter = trace_.end++;
    event.enter_ns = now_ns();
    event.role = process.role;
    event.syscall = kKilled;
    event.pid = process.pid;
    event.tid = process.pid;
    event.op = trace::Op::kExit;
    end(event, status, status);
    complete(event);
    return;
  }
  HARNESS_CHECK(process.exit_event < trace_.events.size(), process.exit_event);
  trace::Event& event = trace_.events[process.exit_event];
  end(event, status, status);
  complete(event);
}

void Recorder::set_purpose(Process& child, trace::Name purpose) {
  child.role.purpose = purpose;
  for (std::size_t i = child.first_event; i < trace_.events.size(); ++i) {
    trace::Role& role = trace_.events[i].role;
    if (role.kind == trace::RoleKind::kChild && role.ordinal == child.role.ordinal) {
      role.purpose = purpose;
    }
  }
}

void Recorder::note(const std::string& text) {
  if (noted_.insert(text).second) {
    trace_.notes.push_back(text);
  }
}

void Recorder::unseen(const std::string& text) {
  if (!shared_ && noted_.insert(text).second) {
    trace_.unseen.push_back(text);
  }
}

bool Recorder::can_see(const Thread& thread) {
  Process& process = *thread.process;
  if (process.can_be_seen.has_value()) {
    return *process.can_be_seen;
  }
  std::array<char, PATH_MAX> unused{};
  const bool links = ::readlink(fmt::format("/proc/{}/cwd", thread.id.tid).c_str(), unused.data(),
                                unused.size()) >= 0 ||
                     (errno != EACCES && errno != EPERM);
  const bool alive = ::kill(thread.id.pid, 0) == 0 || errno == EPERM;
  process.can_be_seen = links && (thread.memory().is_open() || !alive);
  if (!*process.can_be_seen) {
    std::string name;
    std::getline(std::ifstream(fmt::format("/proc/{}/comm", thread.id.pid)), name);
    unseen(fmt::format(
        "{}: this process may not be looked into by an ordinary user (its program cannot be read, "
        "or "
        "it has changed its privileges): nothing that it does is seen; root may look into it",
        name));
  }
  return *process.can_be_seen;
}

Recorder::Follow Recorder::enter_close(Thread& thread, const trace::Syscall& syscall) {
  const int fd = thread.call.fd(syscall.fd);
  DescriptorTable& table = *thread.process->descriptors;
  const Descriptor* const closing = table.is_certain() ? table.find(fd) : descriptor(thread, fd);
  if (closing == nullptr) {
    return Follow::kNone;
  }
  Follow follow = Follow::kNone;
  if (closing->inode != nullptr && closing->inode->followed) {
    trace::Event& event = begin(thread, syscall, trace::Op::kClose);
    place(event, *closing->inode);
    event.fd = fd;
    end(event, 0, 0);
    complete(event);
    follow = Follow::kEntry;
  }
  table.forget(fd);
  return follow;
}

Recorder::Follow Recorder::enter_sync(Thread& thread, const trace::Syscall& syscall) {
  Call& call = thread.call;
  Inode* inode = nullptr;
  std::uint64_t offset = 0;
  if (syscall.fd >= 0) {
    const Descriptor* const open = descriptor(thread, call.fd(syscall.fd));
    if (open == nullptr || open->inode == nullptr) {
      return Follow::kNone;
    }
    inode = open->inode;
  } else if (syscall.op == trace::Op::kMsync) {
    for (const Mapping& mapping : thread.process->mappings) {
      if (call.arguments[0] >= mapping.address &&
          call.arguments[0] - mapping.address < mapping.size) {
        inode = mapping.inode;
        offset = mapping.offset + (call.arguments[0] - mapping.address);
      }
    }
  }
  trace::Event& event = begin(thread, syscall, syscall.op);
  call.inode = inode;
  if (inode != nullptr) {
    place(event, *inode);
  }
  event.fd = syscall.fd >= 0 ? call.fd(syscall.fd) : -1;
  if (syscall.op == trace::Op::kSyncRange) {
    event.offset = static_cast<std::int64_t>(call.argument(syscall.offset));
    event.length = static_cast<std::int64_t>(call.argument(syscall.count));
  } else if (syscall.op == trace::Op::kSyncfs) {
    event.elsewhere = inode->elsewhere;
  } else if (syscall.op == trace::Op::kMsync) {
    event.offset = static_cast<std::int64_t>(offset);
    event.length = static_cast<std::int64_t>(call.arguments[1]);
  }
  event.flags = syscall.flags >= 0 ? call.flags(syscall.flags) : 0;
  return Follow::kExit;
}

void Recorder::leave_sync(Thread& thread, trace::Event& event) {
  if (event.performed < 0) {
    return;
  }
  if (event.op == trace::Op::kSync || event.op == trace::Op::kSyncfs) {
    files_.synced_all();
  } else if (thread.call.inode != nullptr) {
    thread.call.inode->unsynced = false;
  }
}

Recorder::Follow Recorder::enter_map(Thread& thread, const trace::Syscall& syscall) {
  const Call& call = thread.call;
  const Descriptor* const open = descriptor(thread, call.fd(syscall.fd));
  if (open == nullptr || open->inode == nullptr || !open->inode->followed) {
    return Follow::kNone;
  }
  if ((call.flags(2) & PROT_WRITE) == 0) {
    thread.process->maps_read_only = true;  // and may change its mind
    return Follow::kNone;
  }
  trace::Event& event = begin(thread, syscall, trace::Op::kMap);
  place(event, *open->inode);
  event.fd = call.fd(syscall.fd);
  event.offset = static_cast<std::int64_t>(call.argument(syscall.offset));
  event.length = static_cast<std::int64_t>(call.arguments[1]);
  event.flags = call.flags(syscall.flags);
  thread.call.inode = open->inode;
  return Follow::kExit;
}

void Recorder::leave_map(Thread& thread, trace::Event& event) {
  constexpr std::int64_t kErrors = -4096;
  if (event.performed < 0 && event.performed > kErrors) {
    return;
  }
  thread.process->mappings.push_back({static_cast<std::uint64_t>(event.performed),
                                      static_cast<std::uint64_t>(event.length),
                                      static_cast<std::uint64_t>(event.offset), thread.call.inode});
  note_shared(event.path);
}

void Recorder::made_writable(const Thread& thread, std::uint64_t address, std::uint64_t size) {
  if (!thread.process->maps_read_only) {
    return;  // as of nearly every program, whose heap grows by mprotect(2)
  }
  std::ifstream maps(fmt::format("/proc/{}/maps", thread.id.pid));
  for (std::string line; std::getline(maps, line);) {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    char shared = 'p';
    int path = 0;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %*3c%c %*s %*s %*s %n", &begin, &end,
                    &shared, &path) < 3 ||
        shared != 's' || begin >= address + size || address >= end) {
      continue;
    }
    const ResolvedPath mapped = resolve_path(files_.data_directory(), thread.id, AT_FDCWD,
                                             line.substr(static_cast<std::size_t>(path)));
    if (mapped.inside) {
      note_shared(mapped.name);
    }
  }
}

void Recorder::connects(const Thread& thread, const SyscallEntry& entry) {
  sa_family_t family = AF_UNSPEC;
  if (!files_.insiders().connect && thread.memory().read_value(entry.arguments[1], family)) {
    files_.insiders().connect = family == AF_INET || family == AF_INET6;
  }
}

void Recorder::note_shared(const std::string& file) {
  unseen(fmt::format(
      "{} is mapped shared and writable: what is written through the mapping is not seen", file));
}

Recorder::Follow Recorder::enter_fork(Thread& thread, const trace::Syscall& syscall) {
  std::uint64_t flags = syscall.number == SYS_clone ? thread.call.arguments[0] : 0;
  if (syscall.number == SYS_clone3) {  // the first member of struct clone_args
    thread.memory().read_value(thread.call.arguments[0], flags);
  }
  if ((flags & (CLONE_NEWNS | CLONE_NEWUSER)) != 0) {
    files_.roots_may_differ();
  }
  if ((flags & CLONE_THREAD) != 0) {
    if ((flags & CLONE_FILES) == 0) {
      thread.process->descriptors->divide();
    }
    return Follow::kNone;
  }
  begin(thread, syscall, trace::Op::kFork);
  return Follow::kExit;
}

}  // namespace crashpoint::ptrace
