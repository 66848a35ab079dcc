#include "harness/ptrace/in_place.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "harness/ptrace/files.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::ptrace {
namespace {

// Longer writes cost more than the stop they spare, and all others wait meanwhile.
constexpr std::size_t kWriteMax = std::size_t{64} << 10;
// A copy is worth its price for a file that is written again and again.
constexpr unsigned kWritesBeforeCopy = 4;

constexpr std::uint32_t kHarmlessFlags = MSG_DONTWAIT | MSG_NOSIGNAL;

// Filesystems of the kernel's own that wait for no other process of this machine or another.
constexpr std::array<decltype(statfs::f_type), 6> kLocalFilesystems = {
    EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,       BTRFS_SUPER_MAGIC,
    TMPFS_MAGIC,      OVERLAYFS_SUPER_MAGIC, F2FS_SUPER_MAGIC};

// User, groups and capabilities, as /proc/.../status has them.
std::string credentials(const std::string& thread) {
  std::ifstream file(fmt::format("/proc/{}/status", thread));
  std::string kept;
  for (std::string line; std::getline(file, line);) {
    for (const std::string_view field : {"Uid:", "Gid:", "Groups:", "CapEff:"}) {
      if (line.starts_with(field)) {
        kept += line;
      }
    }
  }
  return kept;
}

int copy_of_file(ThreadId thread, int fd, const Descriptor& open) {
  static const std::string kOurCredentials = credentials("thread-self");
  if (open.kind != DescriptorKind::kFile || !open.inode->regular || !open.inode->followed ||
      (open.flags & (O_SYNC | O_DSYNC | O_DIRECT)) != 0 || kOurCredentials.empty() ||
      credentials(std::to_string(thread.tid)) != kOurCredentials) {
    return -1;
  }
  const int copy = copy_descriptor(thread.pid, fd);
  struct statfs filesystem {};
  if (copy >= 0 && (::fstatfs(copy, &filesystem) != 0 ||
                    std::find(kLocalFilesystems.begin(), kLocalFilesystems.end(),
                              filesystem.f_type) == kLocalFilesystems.end())) {
    ::close(copy);
    return -1;
  }
  return copy;
}

bool is_limited(pid_t pid) {
  rlimit limit{};
  return ::prlimit(pid, RLIMIT_FSIZE, nullptr, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}

std::optional<std::int64_t> send_in_place(const Thread& thread, int copy, std::string_view bytes) {
  const Call& call = thread.call;
  const bool by_sendto = call.syscall->number == SYS_sendto;
  if (by_sendto && ((call.flags(3) & ~kHarmlessFlags) != 0 || call.argument(4) != 0)) {
    return std::nullopt;
  }
  const ssize_t sent = ::send(copy, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0) {
    return sent;
  }
  if (errno == EAGAIN) {
    return std::nullopt;
  }
  const int error = errno;
  const bool quiet = by_sendto && (call.flags(3) & MSG_NOSIGNAL) != 0;
  if (error == EPIPE && !quiet) {
    ::syscall(SYS_tgkill, thread.id.pid, thread.id.tid, SIGPIPE);
  }
  return -error;
}

std::optional<std::int64_t> write_in_place(const Thread& thread, Descriptor& open,
                                           const trace::Event& event, std::string_view bytes) {
  const trace::Syscall& syscall = *thread.call.syscall;
  const bool by_position = syscall.offset < 0;
  if (bytes.size() > kWriteMax || syscall.flags >= 0) {
    return std::nullopt;
  }
  if (open.copy < 0 && open.writes++ == kWritesBeforeCopy) {
    open.copy = copy_of_file(thread.id, event.fd, open);
  }
  if (open.copy < 0 || is_limited(thread.id.pid)) {
    return std::nullopt;
  }
  const ssize_t written = by_position
                              ? ::write(open.copy, bytes.data(), bytes.size())
                              : ::pwrite(open.copy, bytes.data(), bytes.size(),
                                         static_cast<off_t>(thread.call.argument(syscall.offset)));
  return written < 0 ? -errno : written;
}

}  // namespace

int copy_descriptor(pid_t pid, int fd) {
  static const long kDescriptorsMax = ::sysconf(_SC_OPEN_MAX);
  const int process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (process < 0) {
    return -1;
  }
  const int copy = static_cast<int>(::syscall(SYS_pidfd_getfd, process, fd, 0));
  ::close(process);
  if (copy < kDescriptorsMax / 2) {
    return copy;
  }
  ::close(copy);
  return -1;
}

std::optional<std::int64_t> perform_in_place(Thread& thread, const trace::Event& event,
                                             std::string_view bytes) {
  const trace::Syscall& syscall = *thread.call.syscall;
  // sendmsg may carry more than bytes. Of what could not be read whole the kernel decides.
  if (syscall.op == trace::Op::kCopy || syscall.message >= 0 ||
      bytes.size() != static_cast<std::uint64_t>(event.length) ||
      (syscall.vector >= 0 &&
       thread.call.argument(static_cast<std::int8_t>(syscall.vector + 1)) > IOV_MAX)) {
    return std::nullopt;
  }
  Descriptor* const open = thread.process->descriptors->find(event.fd);
  if (open == nullptr) {
    return std::nullopt;
  }
  if (event.op == trace::Op::kSend && open->copy >= 0) {
    return send_in_place(thread, open->copy, bytes);
  }
  if (event.op == trace::Op::kWrite && event.inside) {
    return write_in_place(thread, *open, event, bytes);
  }
  return std::nullopt;
}

}  // namespace crashpoint::ptrace
