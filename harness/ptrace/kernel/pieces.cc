#include "harness/ptrace/kernel/pieces.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "harness/ptrace/kernel/memory.h"

namespace crashpoint::ptrace {
namespace {

void read_vector(const Memory& memory, std::uint64_t address, std::uint64_t count,
                 std::vector<iovec>& into) {
  const std::size_t before = into.size();
  into.resize(before + std::min<std::uint64_t>(count, IOV_MAX));
  const std::size_t size =
      memory.read(address, std::as_writable_bytes(std::span(into).subspan(before)));
  into.resize(before + size / sizeof(iovec));
}

// Where the iovec array of the call lies.
std::uint64_t vector_address(const Memory& memory, const trace::Syscall& syscall,
                             const Arguments& arguments) {
  if (syscall.vector >= 0) {
    return arguments[static_cast<std::size_t>(syscall.vector)];
  }
  msghdr message{};
  memory.read_value(arguments[static_cast<std::size_t>(syscall.message)], message);
  return reinterpret_cast<std::uint64_t>(message.msg_iov);
}

}  // namespace

std::vector<iovec> pieces_of(const Memory& memory, const trace::Syscall& syscall,
                             const Arguments& arguments) {
  std::vector<iovec> pieces;
  if (syscall.vector >= 0) {
    const std::size_t vector = static_cast<std::uint8_t>(syscall.vector);
    read_vector(memory, arguments[vector], arguments[vector + 1], pieces);
    return pieces;
  }
  const bool many = syscall.number == SYS_sendmmsg;
  const std::uint64_t count = many ? std::min<std::uint64_t>(arguments[2], IOV_MAX) : 1;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t address = arguments[static_cast<std::size_t>(syscall.message)];
    msghdr message{};
    if (!memory.read_value(address + i * sizeof(mmsghdr), message)) {
      break;
    }
    read_vector(memory, reinterpret_cast<std::uint64_t>(message.msg_iov), message.msg_iovlen,
                pieces);
  }
  return pieces;
}

bool shorten_pieces(Memory& memory, const trace::Syscall& syscall, const Arguments& arguments,
                    std::uint64_t bytes, std::vector<Patch>& patches) {
  if (syscall.number == SYS_sendmmsg) {
    return false;
  }
  const std::uint64_t address = vector_address(memory, syscall, arguments);
  const std::vector<iovec> pieces = pieces_of(memory, syscall, arguments);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::uint64_t kept = std::min<std::uint64_t>(bytes, pieces[i].iov_len);
    bytes -= kept;
    if (kept == pieces[i].iov_len) {
      continue;
    }
    const std::uint64_t length_address = address + i * sizeof(iovec) + offsetof(iovec, iov_len);
    memory.write_word(length_address, kept);
    patches.push_back({length_address, pieces[i].iov_len});
  }
  return true;
}

}  // namespace crashpoint::ptrace
