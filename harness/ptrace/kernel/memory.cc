#include "harness/ptrace/kernel/memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

namespace crashpoint::ptrace {

Memory::Memory(pid_t tid)
    : file_(::open(fmt::format("/proc/{}/mem", tid).c_str(), O_RDWR | O_CLOEXEC)) {}

Memory::~Memory() {
  if (file_ >= 0) {
    ::close(file_);
  }
}

std::size_t Memory::read(std::uint64_t address, std::span<std::byte> into) const {
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t size =
        ::pread(file_, into.data() + done, into.size() - done, static_cast<off_t>(address + done));
    if (size <= 0) {
      break;
    }
    done += static_cast<std::size_t>(size);
  }
  return done;
}

std::size_t Memory::read(std::span<const iovec> pieces, std::span<std::byte> into) const {
  std::size_t done = 0;
  for (const iovec& piece : pieces) {
    const std::size_t wanted = std::min(piece.iov_len, into.size() - done);
    const std::size_t size =
        read(reinterpret_cast<std::uint64_t>(piece.iov_base), into.subspan(done, wanted));
    done += size;
    if (size < wanted) {
      break;
    }
  }
  return done;
}

std::string Memory::read_string(std::uint64_t address, std::size_t size_max) const {
  std::string text;
  while (text.size() < size_max) {
    std::array<std::byte, 256> buffer{};
    const std::size_t wanted = std::min(buffer.size(), size_max - text.size());
    const std::size_t size = read(address + text.size(), std::span(buffer).first(wanted));
    const auto* const begin = reinterpret_cast<const char*>(buffer.data());
    const std::size_t kept = ::strnlen(begin, size);
    text.append(begin, kept);
    if (kept < size || size < wanted) {
      break;
    }
  }
  return text;
}

void Memory::write_word(std::uint64_t address, std::uint64_t word) {
  (void)!::pwrite(file_, &word, sizeof word, static_cast<off_t>(address));
}

}  // namespace crashpoint::ptrace
