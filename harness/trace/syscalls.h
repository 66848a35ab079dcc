// The syscalls the tracer knows: what each does to files and where its arguments lie. One table;
// the seccomp filters, the recorder, the observer, the faults and the checks of a scenario all read
// it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/trace/event.h"

namespace crashpoint::trace {

// What the tracer does at a syscall of a run that is recorded.
enum class Handling : std::uint8_t {
  kNone,       // does not stop there
  kRecord,     // an event
  kForget,     // none: a descriptor number changes its meaning (dup2, F_SETFL)
  kForgetAll,  // none: the thread changes what it may do, or what paths mean to it
  kCpus,       // none: the thread asks for or changes the CPUs it may run on
  kPrctl,    // prctl with our number, a failpoint: answered by the tracer; or about PR_SET_DUMPABLE
  kSeccomp,  // the program restricts itself: noted if that changes what happens or what is seen
  kConnect,  // none: what is sent may go to the program itself
  kRefuse,   // io_uring: answered ENOSYS and noted
  kNote,     // Linux AIO: noted
  kProtect,  // memory is made writable: noted if it is a shared mapping of a file
};

// What a syscall shows or changes of files, in a run that is observed (see observations.h).
enum class Observed : std::uint8_t {
  kNone,  // nothing: does not stop there
  kOpen,
  kLook,     // at an entry: it may change the file, but neither names nor what is asked of bytes
  kSize,     // at an entry and its size
  kRun,      // the bytes of a program
  kList,     // names in an open directory
  kMake,     // a name
  kSymlink,  // makes one
  kRemove,   // a name
  kRename,
  kLink,
  kSocket,  // a name of a socket
  kOther,   // another way to a file than by its path: cannot be followed
};

// Only calls with this value in this argument are traced. `mask` 0: all.
struct Condition {
  std::int8_t argument = -1;
  std::uint32_t mask = 0;
  std::vector<std::uint32_t> values;
};

// Indices of arguments; -1: it has none.
struct Syscall {
  long number = -1;
  Name name = {};
  Name family = {};  // what a scenario may say for all its variants: "write" for pwritev2
  Op op = Op::kWrite;
  Handling handling = Handling::kRecord;
  Observed observed = Observed::kNone;
  std::int8_t directory = -1;  // descriptor `path` is relative to
  std::int8_t path = -1;
  std::int8_t directory2 = -1;
  std::int8_t path2 = -1;
  std::int8_t fd = -1;
  std::int8_t source_fd = -1;      // the bytes, or the descriptor, come from this one
  std::int8_t source_offset = -1;  // pointer to where in it
  std::int8_t buffer = -1;
  std::int8_t vector = -1;   // iovec array; its length is the next argument
  std::int8_t message = -1;  // msghdr
  std::int8_t count = -1;    // bytes asked for: lowering it shortens the call
  std::int8_t offset = -1;
  bool offset_is_pointer = false;
  std::int8_t flags = -1;
  std::int8_t mode = -1;
  std::uint32_t flags_fixed = 0;     // that the call stands for: creat, rmdir
  std::vector<Condition> only = {};  // all must hold
};

// All, by number.
[[nodiscard]] std::span<const Syscall> syscalls();
// Those at which a recorded or an observed program stops.
[[nodiscard]] std::vector<Syscall> recorded_syscalls();
[[nodiscard]] std::vector<Syscall> observed_syscalls();
// The table is complete below this number: a call below it that is not in the table names no file.
inline constexpr long kFirstUnknownSyscall = 463;
// nullptr: not one of them.
[[nodiscard]] const Syscall* find_syscall(std::uint64_t number);

// Names a fault's place may say: every family and every variant.
[[nodiscard]] std::vector<std::string> fault_syscall_names();
// Does a place that says `said` mean this call, which turned out to do `op`? (A write to a socket is
// a "send", unlinkat may be a "rmdir".)
[[nodiscard]] bool means(Name said, const Syscall& syscall, Op op);

// The argument of prctl(2) by which a target announces a failpoint, its name in the next argument:
// "CPPF". The kernel answers EINVAL; the tracer answers 0 (go on) or n > 0 (errno n, or triggered).
inline constexpr std::uint32_t kFailpointPrctl = 0x43505046;

}  // namespace crashpoint::trace
