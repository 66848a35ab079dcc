// Calls that the tracer makes in the program's place.
//
// A stop costs two context switches, and a server makes a write and a send for every request. Where
// it comes to the same, the tracer does at the entry of the call what the program was about to do,
// with the bytes it has just recorded and through a copy of the program's descriptor (one open
// file: its position moves, it appends and it fails as for the program), and hands the program the
// result: it need not stop again at the exit.
//
// Sends   on a TCP connection in non-blocking mode. One that would block is left to the program.
// Writes  to regular files of the data directory, on a filesystem of this machine, by a thread with
//         our credentials (they decide over reserved blocks) and without a limit on file sizes. Not
//         through O_SYNC, O_DSYNC or O_DIRECT, which wait for the disk: the tracer waits for nobody.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "harness/ptrace/tree.h"
#include "harness/trace/event.h"

namespace crashpoint::ptrace {

// A copy of a program's descriptor (Linux 5.6; some containers forbid it), for the caller to close;
// -1: none, or we have too many open already.
[[nodiscard]] int copy_descriptor(pid_t pid, int fd);

// At the entry of thread.call, recorded as `event`; `bytes` are what it writes or sends.
// The result as the program is to see it; nullopt: nothing was done, the program must do it itself.
[[nodiscard]] std::optional<std::int64_t> perform_in_place(Thread& thread,
                                                           const trace::Event& event,
                                                           std::string_view bytes);

}  // namespace crashpoint::ptrace
