// The pieces of memory a gathering write takes its bytes from.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <vector>

#include "harness/ptrace/kernel/memory.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::ptrace {

using Arguments = std::array<std::uint64_t, 6>;

// Of writev and sendmsg, in order; of sendmmsg those of all its messages.
[[nodiscard]] std::vector<iovec> pieces_of(const Memory& memory, const trace::Syscall& syscall,
                                           const Arguments& arguments);

// A word of the program's memory that was changed, and what it held.
struct Patch {
  std::uint64_t address = 0;
  std::uint64_t before = 0;
};

// Makes the call write only its first `bytes`, by changing the lengths it is about to read.
// What must be put back at its exit is added to `patches`; false: not possible (sendmmsg).
bool shorten_pieces(Memory& memory, const trace::Syscall& syscall, const Arguments& arguments,
                    std::uint64_t bytes, std::vector<Patch>& patches);

}  // namespace crashpoint::ptrace
