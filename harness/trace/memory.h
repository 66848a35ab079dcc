// The memory of a traced process.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

namespace crashpoint::trace {

// How many bytes could be read: fewer than asked at the edge of mapped memory, 0 if the process is
// gone.
std::size_t read_memory(pid_t tid, std::uint64_t address, std::span<std::byte> into);
// The same for several pieces, one after the other.
std::size_t read_memory(pid_t tid, std::span<const iovec> pieces, std::span<std::byte> into);

// A NUL-terminated string, cut at `size_max`.
[[nodiscard]] std::string read_string(pid_t tid, std::uint64_t address, std::size_t size_max);

template <typename Value>
requires std::is_trivially_copyable_v<Value>
bool read_value(pid_t tid, std::uint64_t address, Value& value) {
  return address != 0 &&
         read_memory(tid, address, std::as_writable_bytes(std::span(&value, 1))) == sizeof value;
}

// Even where the program itself may not write. The thread is stopped under our ptrace.
bool write_word(pid_t tid, std::uint64_t address, std::uint64_t word);

}  // namespace crashpoint::trace
