// Faults as plain data: where one strikes and what it does. Scenarios are parsed into these, the
// tracer arms and fires them, the report tells what became of each.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "harness/trace/event.h"

namespace crashpoint::fault {

enum class Phase : std::uint8_t {
  kBefore,  // at entry: the syscall never runs
  kDuring,  // released, then struck while it is in the kernel: it may or may not have happened
  kAfter,   // at exit: it ran, the program never learns
};

enum class CountPer : std::uint8_t { kTree, kProcess, kPath };

// Which occurrences: first, first+step, ... up to last.
struct Occurrence {
  std::uint64_t first = 1;
  std::uint64_t last = 1;
  std::uint64_t step = 1;
};

// A place that is passed again and again: a syscall or a failpoint, told apart by path and role.
struct Place {
  std::string
      syscall;  // "fdatasync"; "write" stands for its whole family (write, pwrite64, writev, ...)
  std::string failpoint;  // instead of a syscall: a name of the engine's, "aof/append/after-write"
  std::string
      path;  // glob within the data directory; empty: any. For rename it matches either name
  std::string
      role;  // "", "main", "child", "child:2", "thread", or a purpose: "rewrite", "snapshot"
  Occurrence nth;
  CountPer count_per = CountPer::kTree;
  Phase phase = Phase::kBefore;
  double probability = 1.0;                // of each counted occurrence; drawn from the case's seed
  std::optional<std::uint64_t> at_offset;  // only the write that crosses this byte of the file
  std::string while_child;  // "", "rewrite", "snapshot": only while such a child lives
};

// A moment instead of a place; with `while_child` the first one from then on at which such a child
// lives.
struct AfterAcked {
  std::uint64_t commands = 0;  // when this many commands of the workload are acked
  std::string while_child;     // as in Place
};
struct AtTime {
  std::int64_t ms = 0;      // since the workload began
  std::string while_child;  // as in Place
};

struct Kill {
  bool tree = true;  // false: only the process that is at the place
  int signal = 9;
  bool main = false;  // only the first process, whoever is at the place; then `tree` is false
};
struct InjectError {
  int error = 0;  // errno
};
struct ShortWrite {
  std::uint64_t bytes = 0;  // at most this many are written, and reported
};
struct TornWrite {
  std::uint64_t bytes = 0;  // this many are written, then the tree is killed
};
struct Delay {
  std::int64_t min_ms = 0;
  std::int64_t max_ms = 0;
};
struct Skip {};     // success is reported, nothing is done: a lying disk
struct Trigger {};  // failpoints only: the branch behind it is taken (planted bugs)
struct DiskBudget {
  std::uint64_t bytes = 0;  // the data directory holds no more: ENOSPC and partial writes past it
};
// libfiu's POSIX preload on a foreign program: its points are failpoints of any program's.
struct Libfiu {
  std::string name;          // "posix/io/rw/write", may end in '*'
  double probability = 1.0;  // of each pass, drawn from the case's seed
  int error = 0;             // errno, 0: ENOMEM where memory is asked for, else EIO
};

using FaultAction = std::variant<Kill, InjectError, ShortWrite, TornWrite, Delay, Skip, Trigger,
                                 DiskBudget, Libfiu>;

struct Fault {
  // std::monostate: not at a place or moment, in force from the start (DiskBudget, Libfiu).
  std::variant<std::monostate, Place, AfterAcked, AtTime> at;
  FaultAction action;
  bool may_miss = false;  // the case is judged even if it never fires
  // The target breaks a promise if it fires more often: it should wait longer between two tries.
  std::optional<std::uint64_t> fires_max;
  std::optional<std::size_t>
      from_step;     // armed when this step of the workload begins; else from the start
  std::string text;  // as the user wrote it, for messages
};

struct FaultReport {
  bool armed = false;
  std::uint64_t passed = 0;  // how often its place was passed
  std::uint64_t fired = 0;
  trace::Position first_fired = trace::kNever;
  std::int64_t first_fired_ns = 0;
  std::string where;  // "fdatasync(appendonlydir/appendonly.aof.1.incr.aof) by main, 3rd"
  std::vector<std::string> nearest;  // places that did occur, when it never fired
};

}  // namespace crashpoint::fault
