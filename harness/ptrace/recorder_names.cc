#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "harness/base/check.h"
#include "harness/ptrace/files.h"
#include "harness/ptrace/recorder.h"
#include "harness/ptrace/tree.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::ptrace {
namespace {

bool is_unnamed(std::uint32_t open_flags) {
  return (open_flags & O_TMPFILE) == O_TMPFILE;
}

}  // namespace

ResolvedPath Recorder::resolve(const Thread& thread, std::int8_t directory, std::int8_t path) {
  return files_.resolve(thread.id, directory < 0 ? AT_FDCWD : thread.call.fd(directory),
                        thread.memory().read_string(thread.call.argument(path), PATH_MAX));
}

Recorder::Follow Recorder::enter_open(Thread& thread, const trace::Syscall& syscall) {
  Call& call = thread.call;
  std::uint32_t flags = syscall.flags >= 0 ? call.flags(syscall.flags) : syscall.flags_fixed;
  std::uint32_t mode = syscall.mode >= 0 ? call.flags(syscall.mode) : 0;
  if (syscall.number == SYS_openat2) {
    open_how how{};
    thread.memory().read_value(call.arguments[2], how);
    flags = static_cast<std::uint32_t>(how.flags);
    mode = static_cast<std::uint32_t>(how.mode);
  }
  const bool creates = (flags & O_CREAT) != 0 || is_unnamed(flags);
  const bool changes = creates || (flags & (O_WRONLY | O_RDWR | O_TRUNC)) != 0;
  ResolvedPath path = resolve(thread, syscall.directory, syscall.path);
  if (!path.inside && !changes) {
    return Follow::kNone;
  }
  trace::Event& event = begin(thread, syscall, trace::Op::kOpen);
  event.path = path.name;
  event.inside = path.inside;
  event.flags = flags;
  event.mode = creates ? mode & 07777U : 0;
  call.inode = is_unnamed(flags) ? nullptr : files_.find(path, (flags & O_NOFOLLOW) == 0);
  if (call.inode != nullptr) {
    place(event, *call.inode);
  }
  call.paths = std::make_unique<Call::Paths>(Call::Paths{.path = std::move(path), .path2 = {}});
  return Follow::kExit;
}

void Recorder::leave_open(Thread& thread, trace::Event& event) {
  if (event.performed < 0) {
    return;
  }
  const int fd = static_cast<int>(event.performed);
  DescriptorTable& table = *thread.process->descriptors;
  table.forget(fd);
  event.fd = fd;
  event.created =
      (event.flags & O_CREAT) != 0 && !is_unnamed(event.flags) && thread.call.inode == nullptr;
  if (event.created || is_unnamed(event.flags)) {
    struct stat status {};
    if (::stat(fmt::format("/proc/{}/fd/{}", thread.id.tid, fd).c_str(), &status) == 0) {
      event.mode = status.st_mode & 07777U;  // the umask has had its say
      ResolvedPath path = thread.call.paths->path;
      if (is_unnamed(event.flags)) {
        path.absolute += fmt::format("/#{}", status.st_ino);  // as the kernel calls it
      }
      files_.created(path, status, !is_unnamed(event.flags));
    }
  }
  const Descriptor* const opened = files_.descriptor(table, thread.id, fd);
  if (opened == nullptr || opened->inode == nullptr) {
    return;
  }
  Inode& inode = *opened->inode;
  place(event, inode);
  if ((event.flags & O_TRUNC) != 0 && !event.created && inode.regular) {
    event.truncated = true;
    files_.set_size(inode, 0);
  }
  if ((event.flags & O_DIRECT) != 0 && inode.inside) {
    note(fmt::format(
        "{} is opened with O_DIRECT: its writes are seen, but they pass by the page cache, "
        "which the crash model does not know",
        inode.path.str()));
  }
}

Recorder::Follow Recorder::enter_names(Thread& thread, const trace::Syscall& syscall) {
  Call& call = thread.call;
  const std::uint32_t flags = syscall.flags >= 0 ? call.flags(syscall.flags) : 0;
  const bool removes_directory = syscall.op == trace::Op::kUnlink && (flags & AT_REMOVEDIR) != 0;
  Call::Paths paths;
  std::string target;
  if (syscall.op == trace::Op::kSymlink) {
    target = thread.memory().read_string(call.argument(syscall.path), PATH_MAX);
  } else {
    paths.path = resolve(thread, syscall.directory, syscall.path);
    const bool follow = syscall.op == trace::Op::kLink && (flags & AT_SYMLINK_FOLLOW) != 0;
    const bool by_descriptor = syscall.op == trace::Op::kLink && (flags & AT_EMPTY_PATH) != 0 &&
                               call.fd(syscall.directory) >= 0;
    if (const Descriptor* const open =
            by_descriptor ? descriptor(thread, call.fd(syscall.directory)) : nullptr;
        open != nullptr) {
      call.inode = open->inode;
    } else {
      call.inode = files_.find(paths.path, follow);
    }
  }
  Inode* replaced = nullptr;
  if (syscall.path2 >= 0) {
    paths.path2 = resolve(thread, syscall.directory2, syscall.path2);
    replaced = syscall.op == trace::Op::kRename ? files_.find(paths.path2) : nullptr;
  }
  trace::Event& event = begin(thread, syscall, removes_directory ? trace::Op::kRmdir : syscall.op);
  if (call.inode != nullptr) {
    place(event, *call.inode);
  }
  if (syscall.op == trace::Op::kSymlink) {
    event.path = target;
  } else if (syscall.op != trace::Op::kLink || call.inode == nullptr) {
    event.path = paths.path.name;
  }
  event.path2 = paths.path2.name;
  event.inside = paths.path.inside || paths.path2.inside;
  event.file2 = replaced != nullptr ? replaced->id : 0;
  event.flags = flags;
  event.mode = syscall.mode >= 0 ? call.flags(syscall.mode) & 07777U : 0;
  call.paths = std::make_unique<Call::Paths>(std::move(paths));
  return Follow::kExit;
}

void Recorder::leave_names(Thread& thread, trace::Event& event) {
  if (event.performed < 0) {
    return;
  }
  HARNESS_CHECK(thread.call.paths != nullptr, thread.id.tid);
  const Call::Paths& paths = *thread.call.paths;
  if (event.op == trace::Op::kRename) {
    files_.renamed(paths.path, paths.path2, (event.flags & RENAME_EXCHANGE) != 0);
  } else if (event.op == trace::Op::kUnlink || event.op == trace::Op::kRmdir) {
    files_.unlinked(paths.path);
  } else if (event.op == trace::Op::kLink) {
    if (thread.call.inode != nullptr) {
      files_.linked(*thread.call.inode, paths.path2);
    }
  } else {
    const ResolvedPath& made = event.op == trace::Op::kMkdir ? paths.path : paths.path2;
    struct stat status {};
    if (::lstat(made.absolute.c_str(), &status) == 0) {
      event.mode = status.st_mode & 07777U;
      event.file = files_.created(made, status, /*named=*/true).id;
      event.directory = event.op == trace::Op::kMkdir;
    }
  }
}

}  // namespace crashpoint::ptrace
