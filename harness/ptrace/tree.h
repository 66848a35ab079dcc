// The traced processes and threads, and what each is doing in the kernel.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "harness/ptrace/files.h"
#include "harness/ptrace/kernel/memory.h"
#include "harness/trace/event.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::ptrace {

inline constexpr std::size_t kNoEvent = std::numeric_limits<std::size_t>::max();

// A shared mapping of a file, for msync.
struct Mapping {
  std::uint64_t address = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;  // in the file
  Inode* inode = nullptr;
};

struct Process {
  pid_t pid = 0;
  trace::Role role;
  std::shared_ptr<DescriptorTable> descriptors = std::make_shared<DescriptorTable>();
  std::unique_ptr<Memory> memory;  // opened when first needed, anew after an exec
  std::vector<Mapping> mappings;
  std::optional<bool>
      can_be_seen;  // see Recorder::can_see(); nothing: not known since its last exec
  std::optional<std::uint64_t> dumpable;  // what it believes of itself, if that is not so
  bool maps_read_only = false;  // shares a file of the data directory in memory, not to write yet
  pid_t parent = 0;
  std::vector<pid_t> children_ended;  // which it may not have reaped
  std::size_t first_event = 0;        // none of its events comes before
  std::size_t exit_event = kNoEvent;  // its exit_group
};

// A syscall between its entry and its exit.
struct Call {
  const trace::Syscall* syscall = nullptr;  // null: none that is followed to its exit
  std::array<std::uint64_t, 6> arguments{};
  std::size_t event = kNoEvent;
  Inode* inode = nullptr;    // the file it acts on
  bool by_position = false;  // a write that goes to where the last one ended
  // Of calls that take paths: in a run that is recorded
  struct Places {
    Place first;
    Place second;
  };
  std::unique_ptr<Places> places;
  // and in one that is observed.
  struct Paths {
    ResolvedPath path;
    ResolvedPath path2;
  };
  std::unique_ptr<Paths> paths;
  // What no other call may act on until this one has returned.
  std::array<Inode*, 3> holds{};

  [[nodiscard]] std::uint64_t argument(std::int8_t index) const {
    return arguments[static_cast<std::uint8_t>(index)];
  }
  [[nodiscard]] std::uint32_t flags(std::int8_t index) const {
    return static_cast<std::uint32_t>(argument(index));
  }
  [[nodiscard]] int fd(std::int8_t index) const { return static_cast<int>(argument(index)); }
};

// The flags of a clone or clone3 that were changed on its way into the kernel.
struct ChangedFlags {
  std::uint64_t before = 0;
  std::uint64_t address = 0;  // where they are; 0: in argument 0
};

struct Thread {
  ThreadId id;
  std::shared_ptr<Process> process;
  std::uint32_t ordinal =
      0;  // among the threads of main, from 1; 0: a process's first, or a child's
  Call call;
  bool newborn = false;                       // its first stop is still to come
  bool held_by_parent = false;                // until the fork that made it has returned
  bool stopped = false;                       // by ptrace: it runs only once it is resumed
  std::optional<int> resume_later;            // with this signal: see Tracees::hold()
  std::optional<ChangedFlags> changed_flags;  // to be put back before it runs on
  pid_t held_child = 0;                       // which waits for our fork to return

  [[nodiscard]] Memory& memory() const {
    if (process->memory == nullptr) {
      process->memory = std::make_unique<Memory>(id.tid);
    }
    return *process->memory;
  }
  [[nodiscard]] trace::Role role() const {
    return ordinal == 0 ? process->role : trace::Role{trace::RoleKind::kThread, ordinal, {}};
  }
};

}  // namespace crashpoint::ptrace
