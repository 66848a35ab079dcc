#include "harness/trace/memory.h"

#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

namespace crashpoint::trace {

std::size_t read_memory(pid_t tid, std::uint64_t address, std::span<std::byte> into) {
  const iovec piece{reinterpret_cast<void*>(address), into.size()};
  return read_memory(tid, std::span(&piece, 1), into);
}

std::size_t read_memory(pid_t tid, std::span<const iovec> pieces, std::span<std::byte> into) {
  std::size_t done = 0;
  while (!pieces.empty() && done < into.size()) {
    const std::span<const iovec> batch =
        pieces.first(std::min<std::size_t>(pieces.size(), IOV_MAX));
    const iovec local{into.data() + done, into.size() - done};
    const ssize_t size = ::process_vm_readv(tid, &local, 1, batch.data(), batch.size(), 0);
    if (size <= 0) {
      break;
    }
    done += static_cast<std::size_t>(size);
    pieces = pieces.subspan(batch.size());
  }
  return done;
}

std::string read_string(pid_t tid, std::uint64_t address, std::size_t size_max) {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::string text;
  while (text.size() < size_max) {
    // Never across a page at once: what follows may not be mapped, and a piece is read whole or not.
    std::byte buffer[256];
    const std::size_t size =
        std::min({sizeof buffer, page - address % page, size_max - text.size()});
    if (read_memory(tid, address, std::span(buffer, size)) != size) {
      break;
    }
    const void* const end = std::memchr(buffer, 0, size);
    const std::size_t kept =
        end == nullptr ? size
                       : static_cast<std::size_t>(static_cast<const std::byte*>(end) - buffer);
    text.append(reinterpret_cast<const char*>(buffer), kept);
    if (end != nullptr) {
      break;
    }
    address += size;
  }
  return text;
}

bool write_word(pid_t tid, std::uint64_t address, std::uint64_t word) {
  return ::ptrace(PTRACE_POKEDATA, tid, address, word) == 0;
}

}  // namespace crashpoint::trace
