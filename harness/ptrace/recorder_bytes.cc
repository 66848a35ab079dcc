#include <fcntl.h>
#include <fmt/format.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "harness/base/check.h"
#include "harness/ptrace/files.h"
#include "harness/ptrace/kernel/pieces.h"
#include "harness/ptrace/recorder.h"
#include "harness/ptrace/tree.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::ptrace {
namespace {

// Newer than some headers: RWF_NOAPPEND.
constexpr std::uint32_t kNoAppend = 0x20;

// The most one call transfers, whatever it asks for (MAX_RW_COUNT).
std::uint64_t transferable(std::int64_t size) {
  return std::min<std::uint64_t>(static_cast<std::uint64_t>(size), 0x7ffff000);
}

// sendmmsg returns how many messages were sent: the bytes of those.
std::int64_t bytes_of_messages(const Thread& thread, std::int64_t count) {
  std::int64_t bytes = 0;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(count); ++i) {
    mmsghdr message{};
    if (thread.memory().read_value(thread.call.arguments[1] + i * sizeof message, message)) {
      bytes += message.msg_len;
    }
  }
  return bytes;
}

// What is written to a stream is output, unless the stream is a file of the data directory.
bool is_stream(const Descriptor& open) {
  return open.stream != Stream::kNone && (open.inode == nullptr || !open.inode->followed);
}

int number_of(Stream stream) {
  return stream == Stream::kError ? STDERR_FILENO : STDOUT_FILENO;
}

}  // namespace

Recorder::Follow Recorder::enter_write(Thread& thread, const trace::Syscall& syscall) {
  Call& call = thread.call;
  const int fd = call.fd(syscall.fd);
  Descriptor* const open = descriptor(thread, fd);
  if (open == nullptr) {
    return Follow::kNone;
  }
  Inode* const inode = open->inode;
  trace::Op op = trace::Op::kWrite;
  if (open->kind == DescriptorKind::kSocket) {
    op = trace::Op::kSend;
  } else if (is_stream(*open)) {
    op = trace::Op::kOutput;
  } else if (inode == nullptr) {
    return Follow::kNone;
  }
  std::uint32_t flags = 0;
  std::int64_t offset = 0;
  if (op == trace::Op::kWrite) {
    flags = syscall.flags >= 0 ? call.flags(syscall.flags) : 0;
    // A pwrite with O_APPEND appends, whatever its offset.
    const bool appends =
        ((open->flags & O_APPEND) != 0 && (flags & kNoAppend) == 0) || (flags & RWF_APPEND) != 0;
    call.by_position = syscall.offset < 0 || call.argument(syscall.offset) == ~std::uint64_t{0};
    const bool says_where = !appends && !call.by_position;
    if (!says_where && inode->in_flight > 0) {
      call.inode = inode;
      return Follow::kWait;
    }
    offset = says_where ? static_cast<std::int64_t>(call.argument(syscall.offset))
             : appends  ? inode->size
                        : files_.position(*open, thread.id, fd);
    call.inode = inode;
    hold(call, inode);
  }
  trace::Event& event = begin(thread, syscall, op);
  event.fd = op == trace::Op::kOutput ? number_of(open->stream) : fd;
  event.flags = flags;
  event.offset = offset;
  event.internal = open->internal;
  if (inode != nullptr) {
    place(event, *inode);
  }
  event.synced_write = op == trace::Op::kWrite && ((open->flags & (O_SYNC | O_DSYNC)) != 0 ||
                                                   (flags & (RWF_SYNC | RWF_DSYNC)) != 0);
  event.connection = open->peer;
  capture(thread, syscall, event);
  return Follow::kExit;
}

// What the call is about to hand to the kernel: how much, and the bytes unless they go to a file
// outside the data directory.
void Recorder::capture(const Thread& thread, const trace::Syscall& syscall, trace::Event& event) {
  const bool keeps_data = event.op != trace::Op::kWrite || event.inside;
  if (syscall.buffer >= 0) {
    event.length = static_cast<std::int64_t>(thread.call.argument(syscall.count));
    if (keeps_data) {
      const std::size_t size = transferable(event.length);
      std::byte* const room = store_->reserve(size);
      event.data = store_->commit(
          thread.memory().read(thread.call.argument(syscall.buffer), std::span(room, size)));
    }
    return;
  }
  const std::vector<iovec> pieces = pieces_of(thread.memory(), syscall, thread.call.arguments);
  for (const iovec& piece : pieces) {
    event.length += static_cast<std::int64_t>(piece.iov_len);
  }
  if (keeps_data) {
    const std::size_t size = transferable(event.length);
    std::byte* const room = store_->reserve(size);
    event.data = store_->commit(thread.memory().read(pieces, std::span(room, size)));
  }
}

void Recorder::leave_write(Thread& thread, trace::Event& event) {
  Inode* const inode = thread.call.inode;
  if (event.performed < 0) {
    event.data.size = 0;
    return;
  }
  if (thread.call.syscall->number == SYS_sendmmsg) {
    event.performed = bytes_of_messages(thread, event.performed);
    event.result = event.performed;
  }
  event.data.size = std::min(event.data.size, static_cast<std::uint64_t>(event.performed));
  if (inode != nullptr && event.performed > 0) {
    if (thread.call.by_position && inode->followed && inode->regular) {
      find_true_offset(thread, event);
    }
    files_.set_size(*inode, std::max(inode->size, event.offset + event.performed));
    inode->unsynced = inode->unsynced || !inode->followed;
  }
}

// A write leaves the position of the open file where it has ended, be that where the last one ended or,
// by O_APPEND, which others who share the open file may have set or taken away, the end of the file.
void Recorder::find_true_offset(Thread& thread, trace::Event& event) {
  Descriptor* const open = descriptor(thread, event.fd);
  if (open == nullptr || open->inode != thread.call.inode) {
    return;  // closed by another thread meanwhile
  }
  const std::int64_t position = files_.position(*open, thread.id, event.fd);
  if (position >= event.performed && position != event.offset + event.performed) {
    event.offset = position - event.performed;
    files_.flags_changed();
  }
}

Recorder::Follow Recorder::enter_copy(Thread& thread, const trace::Syscall& syscall) {
  Call& call = thread.call;
  const int fd = call.fd(syscall.fd);
  Descriptor* const open = descriptor(thread, fd);
  if (open == nullptr) {
    return Follow::kNone;
  }
  const bool is_socket = open->kind == DescriptorKind::kSocket;
  const bool is_output = is_stream(*open);
  if (!is_socket && !is_output && open->kind != DescriptorKind::kFile) {
    return Follow::kNone;
  }
  const bool sends = is_socket || is_output;
  std::int64_t offset = 0;
  std::int64_t length =
      syscall.count >= 0 ? static_cast<std::int64_t>(call.argument(syscall.count)) : 0;
  if (syscall.number == SYS_ioctl) {
    int source_fd = call.fd(2);
    std::int64_t source_offset = 0;
    if (call.flags(1) == static_cast<std::uint32_t>(FICLONERANGE)) {
      file_clone_range range{};
      thread.memory().read_value(call.arguments[2], range);
      offset = static_cast<std::int64_t>(range.dest_offset);
      length = static_cast<std::int64_t>(range.src_length);
      source_offset = static_cast<std::int64_t>(range.src_offset);
      source_fd = static_cast<int>(range.src_fd);
    }
    struct stat source {};
    if (length == 0 &&  // to the end
        ::stat(fmt::format("/proc/{}/fd/{}", thread.id.tid, source_fd).c_str(), &source) == 0) {
      length = std::max<std::int64_t>(0, source.st_size - source_offset);
    }
  } else if (!sends) {
    const std::uint64_t pointer = syscall.offset >= 0 ? call.argument(syscall.offset) : 0;
    if (pointer != 0) {
      thread.memory().read_value(pointer, offset);
    } else {
      offset = files_.position(*open, thread.id, fd);
    }
  } else if (syscall.source_fd >= 0) {
    // Where the bytes come from: read back from there once they have gone.
    Descriptor* const source = descriptor(thread, call.fd(syscall.source_fd));
    const std::uint64_t pointer = call.argument(syscall.source_offset);
    if (source != nullptr && source->kind == DescriptorKind::kFile) {
      if (pointer != 0) {
        thread.memory().read_value(pointer, offset);
      } else {
        offset = files_.position(*source, thread.id, call.fd(syscall.source_fd));
      }
    }
  }
  trace::Event& event = begin(thread, syscall,
                              is_socket   ? trace::Op::kSend
                              : is_output ? trace::Op::kOutput
                                          : trace::Op::kCopy);
  event.fd = is_output ? number_of(open->stream) : fd;
  event.offset = offset;
  event.length = length;
  event.connection = open->peer;
  event.internal = open->internal;
  if (open->inode != nullptr) {
    place(event, *open->inode);
    call.inode = open->inode;
  }
  return Follow::kExit;
}

void Recorder::leave_copy(Thread& thread, trace::Event& event) {
  if (event.performed < 0) {
    return;
  }
  const trace::Syscall& syscall = *thread.call.syscall;
  const bool sends = event.op != trace::Op::kCopy;
  const int from = sends ? thread.call.fd(syscall.source_fd) : event.fd;
  const int file =
      ::open(fmt::format("/proc/{}/fd/{}", thread.id.tid, from).c_str(), O_RDONLY | O_CLOEXEC);
  std::int64_t size = event.performed;
  struct stat status {};
  if (syscall.number == SYS_ioctl &&
      ::stat(fmt::format("/proc/{}/fd/{}", thread.id.tid, event.fd).c_str(), &status) == 0) {
    const std::int64_t rest = std::max<std::int64_t>(0, status.st_size - event.offset);
    size = std::min(event.length, rest);
    event.performed = size;
  }
  if (sends || event.inside) {
    struct stat source {};
    const bool readable = file >= 0 && ::fstat(file, &source) == 0 && S_ISREG(source.st_mode);
    if (readable) {
      event.data = read_content(file, event.offset, static_cast<std::size_t>(size));
    }
    if (event.data.size < static_cast<std::uint64_t>(size)) {
      unseen(fmt::format("{} to {} by {}: its bytes could not be read", syscall.name.str(),
                         event.op == trace::Op::kSend     ? event.connection.str()
                         : event.op == trace::Op::kOutput ? "standard output"
                                                          : event.path.str(),
                         event.pid));
    }
  }
  if (file >= 0) {
    ::close(file);
  }
  if (sends) {
    event.offset = 0;
  } else if (size > 0 && thread.call.inode != nullptr) {
    Inode& inode = *thread.call.inode;
    files_.set_size(inode, std::max(inode.size, event.offset + size));
    inode.unsynced = inode.unsynced || !inode.followed;
  }
}

Recorder::Follow Recorder::enter_size(Thread& thread, const trace::Syscall& syscall) {
  Call& call = thread.call;
  Place path;
  if (syscall.fd >= 0) {
    const Descriptor* const open = descriptor(thread, call.fd(syscall.fd));
    if (open == nullptr || open->inode == nullptr) {
      return Follow::kNone;
    }
    call.inode = open->inode;
  } else {
    path = place_at(thread, syscall.directory, syscall.path);
    call.inode = files_.find(path, /*follow=*/true);
  }
  trace::Event& event = begin(thread, syscall, syscall.op);
  event.path = path.name;
  event.inside = path.followed();
  if (call.inode != nullptr) {
    place(event, *call.inode);
  }
  event.fd = syscall.fd >= 0 ? call.fd(syscall.fd) : -1;
  if (syscall.op == trace::Op::kTruncate) {
    event.length = static_cast<std::int64_t>(call.argument(syscall.offset));
  } else {
    event.offset = static_cast<std::int64_t>(call.argument(syscall.offset));
    event.length = static_cast<std::int64_t>(call.argument(syscall.count));
    event.flags = call.flags(syscall.flags);
  }
  return Follow::kExit;
}

void Recorder::leave_size(Thread& thread, trace::Event& event) {
  Inode* const inode = thread.call.inode;
  if (event.performed < 0 || inode == nullptr) {
    return;
  }
  inode->unsynced = inode->unsynced || !inode->followed;
  if (event.op == trace::Op::kTruncate) {
    files_.set_size(*inode, event.length);
  } else if ((event.flags & FALLOC_FL_COLLAPSE_RANGE) != 0) {
    files_.set_size(*inode, inode->size - event.length);
  } else if ((event.flags & FALLOC_FL_INSERT_RANGE) != 0) {
    files_.set_size(*inode, inode->size + event.length);
  } else if ((event.flags & FALLOC_FL_KEEP_SIZE) == 0) {
    files_.set_size(*inode, std::max(inode->size, event.offset + event.length));
  }
}

}  // namespace crashpoint::ptrace
