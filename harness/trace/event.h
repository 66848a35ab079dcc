// One run of a target as its syscalls tell it: plain data, written by the tracer (or by hand, in a
// test) and read by the crash model, the oracle and the report.
//
// Positions   One counter for the whole process tree. Every syscall takes one position when it is
//             entered and one when it returns, so `enter < exit` and two events overlap exactly
//             when they were in the kernel together. A crash point is a position too: an event with
//             exit < point has happened, one with enter < point <= exit is in flight, one with
//             enter >= point never was.
// Paths       Relative to the data directory for what lies inside it ("." is the directory itself),
//             absolute otherwise. They are the names at the time of the call.
// Files       `file` numbers an inode, from 1, never reused within a trace (the kernel reuses its
//             numbers; this does not). 0: not known, or not a file.
// Moved in   What a rename or link brings in from outside is told before it, as it was then: by events
//            that no call made (`found`), which make it under its path outside. From then on the trace
//            follows it wherever it is, as it does what is moved out.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <limits>

#include "harness/trace/name.h"

namespace crashpoint::trace {

using Position = std::uint64_t;
inline constexpr Position kNever = std::numeric_limits<Position>::max();

using FileId = std::uint64_t;

// What a syscall does to files, whatever its name and variant.
enum class Op : std::uint8_t {
  kOpen,   // open family; `created` and `truncated` say what it did. Also mknod of a file: no `fd`
  kClose,  //
  kWrite,  // write, pwrite, writev, pwritev(2), at `offset`, `length` bytes asked, `result` done
  kCopy,   // copy_file_range, sendfile, splice, FICLONE into `file`: recorded with its data
  kTruncate,   // truncate, ftruncate: `length` is the new size
  kAllocate,   // fallocate: `flags` is its mode
  kRename,     // path -> path2; `flags` as renameat2
  kLink,       // path2 is the new name of path
  kSymlink,    // path2 is the link, path what it points to
  kUnlink,     //
  kMkdir,      //
  kRmdir,      //
  kChmod,      // chmod family: `mode` is what it set
  kFsync,      // also fsync of a directory: `directory` is set
  kFdatasync,  //
  kSync,       //
  kSyncfs,     //
  kSyncRange,  // sync_file_range: makes nothing durable
  kMsync,      // `offset` and `length` in the file, `flags` as msync(2)
  kMap,        // shared writable mapping of a file: its writes are not seen
  kSend,       // bytes leaving on a socket: `connection`, data, `result` bytes
  kOutput,     // bytes written to what the first program was given as stdout or stderr, through
               // whatever descriptor: `fd` is 1 or 2, by which of the two it is
  kFork,       // fork, vfork, clone of a process: `result` is the child's pid
  kThread,     // clone of a thread
  kExec,       //
  kExit,       // of a process: `result` is its wait status
  kFailpoint,  // a named failpoint in the target's own code was passed: `path` is its name
};

enum class RoleKind : std::uint8_t { kMain, kChild, kThread };

// Who made the call. A thread of a child is a child; `ordinal` counts children, or threads of main,
// from 1, in order of birth (0 for main). `purpose` is what a child was forked for where that can
// be told ("rewrite", "snapshot"), from the first temp file it opens; empty before that.
struct Role {
  RoleKind kind = RoleKind::kMain;
  std::uint32_t ordinal = 0;
  Name purpose;

  friend bool operator==(const Role&, const Role&) = default;
};

// Where an event's bytes lie in the trace's data (see Trace::data()).
struct DataRef {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

// Members are ordered so that an event takes no more than it must: there may be millions.
struct Event {
  Position enter = 0;
  Position exit = kNever;     // kNever: still in the kernel when the tree died
  std::int64_t enter_ns = 0;  // CLOCK_MONOTONIC
  std::int64_t exit_ns = 0;   // 0 while exit is kNever
  Role role;
  Name syscall;     // its kernel name: "pwrite64"; "failpoint" for kFailpoint
  Name path;        // of an unlinked file: the last name it had
  Name path2;       // kRename, kLink, kSymlink
  Name connection;  // kSend: the peer, "127.0.0.1:50312" or "@name" (unix, abstract)
  FileId file = 0;
  FileId file2 = 0;            // kRename, kLink: what path2 named before (0: nothing)
  std::int64_t offset = 0;     // where the bytes went; for O_APPEND the size before the call
  std::int64_t length = 0;     // as asked
  std::int64_t result = 0;     // as the program saw it: a count, an fd, 0, or -errno
  std::int64_t performed = 0;  // as the kernel did it: differs from `result` only under a fault
  DataRef data;                // kWrite, kCopy, kSend, kOutput: the first `performed` bytes of what
                               // was written; of a write in flight, all that was asked. Files
                               // outside the data directory: empty
  pid_t pid = 0;               // thread group
  pid_t tid = 0;
  int fd = -1;
  int fault = -1;           // index of the fault that acted on this event
  std::uint32_t flags = 0;  // open flags, rename flags, fallocate mode
  std::uint32_t mode = 0;   // of a created file or directory, or as changed: permission bits
  Op op = Op::kOpen;
  bool inside = false;         // `path` (or path2) lies in the data directory, or `file` once did
  bool directory = false;      // `file` is a directory
  bool created = false;        // kOpen made the file
  bool truncated = false;      // kOpen cut an existing file to 0
  bool synced_write = false;   // kWrite through O_SYNC / O_DSYNC / RWF_SYNC: durable on return
  bool found = false;          // no call: what lay outside, durable already if `synced_write`
  bool elsewhere = false;      // kSyncfs of another filesystem than that of the data directory
  bool not_performed = false;  // a fault kept the kernel from doing it (errno injected, skipped)
  bool internal = false;       // kSend to the traced tree itself: it acknowledges nothing
};

}  // namespace crashpoint::trace
