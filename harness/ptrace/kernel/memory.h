// The memory of a traced process, through /proc/PID/mem: cheaper than process_vm_readv(2), and open
// to a tracer even in containers that forbid that.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

namespace crashpoint::ptrace {

class Memory {
 public:
  // Of the process that thread `tid` belongs to, as it is now: an exec gives it another one.
  explicit Memory(pid_t tid);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // False: it may not be looked into, or is gone; then nothing can be read.
  [[nodiscard]] bool is_open() const { return file_ >= 0; }

  // How many bytes could be read: fewer than asked at the edge of mapped memory, 0 if the process
  // is gone.
  std::size_t read(std::uint64_t address, std::span<std::byte> into) const;
  // The same for several pieces, one after the other.
  std::size_t read(std::span<const iovec> pieces, std::span<std::byte> into) const;

  // A NUL-terminated string, cut at `size_max`.
  [[nodiscard]] std::string read_string(std::uint64_t address, std::size_t size_max) const;

  // False: not readable; `value` may have been changed in part.
  template <typename Value>
  requires std::is_trivially_copyable_v<Value>
  bool read_value(std::uint64_t address, Value& value) const {
    return read(address, std::as_writable_bytes(std::span(&value, 1))) == sizeof value;
  }

  // Even where the program itself may not write.
  void write_word(std::uint64_t address, std::uint64_t word);

 private:
  int file_;
};

}  // namespace crashpoint::ptrace
