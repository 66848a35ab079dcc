#include "harness/trace/syscalls.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/check.h"

namespace crashpoint::trace {
namespace {

constexpr std::uint32_t kAllBits = ~std::uint32_t{0};

// Rows of calls that are observed and not recorded.
Syscall by_path(long number, Name name, Observed observed) {
  return {
      .number = number, .name = name, .handling = Handling::kNone, .observed = observed, .path = 0};
}
Syscall at_path(long number, Name name, Observed observed) {
  return {.number = number,
          .name = name,
          .handling = Handling::kNone,
          .observed = observed,
          .directory = 0,
          .path = 1};
}
Syscall by_fd(long number, Name name, Observed observed) {
  return {
      .number = number, .name = name, .handling = Handling::kNone, .observed = observed, .fd = 0};
}
Syscall other(long number, Name name) {
  return {
      .number = number, .name = name, .handling = Handling::kNone, .observed = Observed::kOther};
}

// Calls that are newer than some headers, by the number they have on every architecture.
constexpr long kOpenTree = 428;
constexpr long kMoveMount = 429;
constexpr long kFsopen = 430;
constexpr long kFspick = 433;
constexpr long kFaccessat2 = 439;
constexpr long kMountSetattr = 442;
constexpr long kFchmodat2 = 452;

std::vector<Syscall> make_table() {
  std::vector<Syscall> table = {
      // Opening.
      {.number = SYS_openat,
       .name = "openat",
       .family = "open",
       .op = Op::kOpen,
       .observed = Observed::kOpen,
       .directory = 0,
       .path = 1,
       .flags = 2,
       .mode = 3},
      {.number = SYS_openat2,
       .name = "openat2",
       .family = "open",
       .op = Op::kOpen,
       .observed = Observed::kOpen,
       .directory = 0,
       .path = 1},  // flags and mode in struct open_how, argument 2
#ifdef SYS_open
      {.number = SYS_open,
       .name = "open",
       .family = "open",
       .op = Op::kOpen,
       .observed = Observed::kOpen,
       .path = 0,
       .flags = 1,
       .mode = 2},
      {.number = SYS_creat,
       .name = "creat",
       .family = "open",
       .op = Op::kOpen,
       .observed = Observed::kOpen,
       .path = 0,
       .mode = 1,
       .flags_fixed = O_CREAT | O_WRONLY | O_TRUNC},
#endif
      // Descriptors that come to mean something else. What dup, F_DUPFD, accept or pipe return was
      // free before, so that nothing is remembered of it.
      {.number = SYS_close, .name = "close", .family = "close", .op = Op::kClose, .fd = 0},
      {.number = SYS_close_range, .name = "close_range", .handling = Handling::kForget},
#ifdef SYS_dup2
      {.number = SYS_dup2, .name = "dup2", .handling = Handling::kForget, .fd = 1, .source_fd = 0},
#endif
      {.number = SYS_dup3, .name = "dup3", .handling = Handling::kForget, .fd = 1, .source_fd = 0},
      {.number = SYS_fcntl,
       .name = "fcntl",
       .handling = Handling::kForget,
       .fd = 0,
       .only = {{1, kAllBits, {F_SETFL}}}},
      // Writing.
      {.number = SYS_write,
       .name = "write",
       .family = "write",
       .op = Op::kWrite,
       .fd = 0,
       .buffer = 1,
       .count = 2},
      {.number = SYS_pwrite64,
       .name = "pwrite64",
       .family = "write",
       .op = Op::kWrite,
       .fd = 0,
       .buffer = 1,
       .count = 2,
       .offset = 3},
      {.number = SYS_writev,
       .name = "writev",
       .family = "write",
       .op = Op::kWrite,
       .fd = 0,
       .vector = 1},
      {.number = SYS_pwritev,
       .name = "pwritev",
       .family = "write",
       .op = Op::kWrite,
       .fd = 0,
       .vector = 1,
       .offset = 3},
      {.number = SYS_pwritev2,
       .name = "pwritev2",
       .family = "write",
       .op = Op::kWrite,
       .fd = 0,
       .vector = 1,
       .offset = 3,
       .flags = 5},
      {.number = SYS_sendto,
       .name = "sendto",
       .family = "send",
       .op = Op::kSend,
       .fd = 0,
       .buffer = 1,
       .count = 2},
      {.number = SYS_sendmsg,
       .name = "sendmsg",
       .family = "send",
       .op = Op::kSend,
       .fd = 0,
       .message = 1},
      {.number = SYS_sendmmsg,
       .name = "sendmmsg",
       .family = "send",
       .op = Op::kSend,
       .fd = 0,
       .message = 1},
      // Copying within the kernel.
      {.number = SYS_sendfile,
       .name = "sendfile",
       .family = "copy",
       .op = Op::kCopy,
       .fd = 0,
       .source_fd = 1,
       .source_offset = 2,
       .count = 3},
      {.number = SYS_copy_file_range,
       .name = "copy_file_range",
       .family = "copy",
       .op = Op::kCopy,
       .fd = 2,
       .source_fd = 0,
       .source_offset = 1,
       .count = 4,
       .offset = 3,
       .offset_is_pointer = true},
      {.number = SYS_splice,
       .name = "splice",
       .family = "copy",
       .op = Op::kCopy,
       .fd = 2,
       .source_fd = 0,
       .source_offset = 1,
       .count = 4,
       .offset = 3,
       .offset_is_pointer = true},
      {.number = SYS_ioctl,
       .name = "ioctl",
       .family = "clone_file",
       .op = Op::kCopy,
       .fd = 0,
       .only = {{1, kAllBits, {FICLONE, FICLONERANGE}}}},
      // Sizes.
      {.number = SYS_truncate,
       .name = "truncate",
       .family = "truncate",
       .op = Op::kTruncate,
       .observed = Observed::kLook,
       .path = 0,
       .offset = 1},
      {.number = SYS_ftruncate,
       .name = "ftruncate",
       .family = "truncate",
       .op = Op::kTruncate,
       .fd = 0,
       .offset = 1},
      {.number = SYS_fallocate,
       .name = "fallocate",
       .family = "fallocate",
       .op = Op::kAllocate,
       .fd = 0,
       .count = 3,
       .offset = 2,
       .flags = 1},
      // Names.
      {.number = SYS_renameat,
       .name = "renameat",
       .family = "rename",
       .op = Op::kRename,
       .observed = Observed::kRename,
       .directory = 0,
       .path = 1,
       .directory2 = 2,
       .path2 = 3},
      {.number = SYS_renameat2,
       .name = "renameat2",
       .family = "rename",
       .op = Op::kRename,
       .observed = Observed::kRename,
       .directory = 0,
       .path = 1,
       .directory2 = 2,
       .path2 = 3,
       .flags = 4},
      {.number = SYS_linkat,
       .name = "linkat",
       .family = "link",
       .op = Op::kLink,
       .observed = Observed::kLink,
       .directory = 0,
       .path = 1,
       .directory2 = 2,
       .path2 = 3,
       .flags = 4},
      {.number = SYS_symlinkat,
       .name = "symlinkat",
       .family = "symlink",
       .op = Op::kSymlink,
       .observed = Observed::kSymlink,
       .path = 0,
       .directory2 = 1,
       .path2 = 2},
      {.number = SYS_unlinkat,
       .name = "unlinkat",
       .family = "unlink",
       .op = Op::kUnlink,
       .observed = Observed::kRemove,
       .directory = 0,
       .path = 1,
       .flags = 2},
      {.number = SYS_mkdirat,
       .name = "mkdirat",
       .family = "mkdir",
       .op = Op::kMkdir,
       .observed = Observed::kMake,
       .directory = 0,
       .path = 1,
       .mode = 2},
      {.number = SYS_mknodat,
       .name = "mknodat",
       .family = "mknod",
       .op = Op::kOpen,
       .observed = Observed::kMake,
       .directory = 0,
       .path = 1,
       .mode = 2},
      // Modes.
      {.number = SYS_fchmod,
       .name = "fchmod",
       .family = "chmod",
       .op = Op::kChmod,
       .fd = 0,
       .mode = 1},
      {.number = SYS_fchmodat,
       .name = "fchmodat",
       .family = "chmod",
       .op = Op::kChmod,
       .observed = Observed::kLook,
       .directory = 0,
       .path = 1,
       .mode = 2},
      {.number = kFchmodat2,
       .name = "fchmodat2",
       .family = "chmod",
       .op = Op::kChmod,
       .observed = Observed::kLook,
       .directory = 0,
       .path = 1,
       .flags = 3,
       .mode = 2},
      // An access control list sets the mode as well.
      {.number = SYS_setxattr,
       .name = "setxattr",
       .family = "setxattr",
       .op = Op::kChmod,
       .observed = Observed::kLook,
       .path = 0},
      {.number = SYS_lsetxattr,
       .name = "lsetxattr",
       .family = "setxattr",
       .op = Op::kChmod,
       .observed = Observed::kLook,
       .path = 0},
      {.number = SYS_fsetxattr,
       .name = "fsetxattr",
       .family = "setxattr",
       .op = Op::kChmod,
       .fd = 0},
#ifdef SYS_rename
      {.number = SYS_mknod,
       .name = "mknod",
       .family = "mknod",
       .op = Op::kOpen,
       .observed = Observed::kMake,
       .path = 0,
       .mode = 1},
      {.number = SYS_chmod,
       .name = "chmod",
       .family = "chmod",
       .op = Op::kChmod,
       .observed = Observed::kLook,
       .path = 0,
       .mode = 1},
      {.number = SYS_rename,
       .name = "rename",
       .family = "rename",
       .op = Op::kRename,
       .observed = Observed::kRename,
       .path = 0,
       .path2 = 1},
      {.number = SYS_link,
       .name = "link",
       .family = "link",
       .op = Op::kLink,
       .observed = Observed::kLink,
       .path = 0,
       .path2 = 1},
      {.number = SYS_symlink,
       .name = "symlink",
       .family = "symlink",
       .op = Op::kSymlink,
       .observed = Observed::kSymlink,
       .path = 0,
       .path2 = 1},
      {.number = SYS_unlink,
       .name = "unlink",
       .family = "unlink",
       .op = Op::kUnlink,
       .observed = Observed::kRemove,
       .path = 0},
      {.number = SYS_rmdir,
       .name = "rmdir",
       .family = "rmdir",
       .op = Op::kRmdir,
       .observed = Observed::kRemove,
       .path = 0,
       .flags_fixed = AT_REMOVEDIR},
      {.number = SYS_mkdir,
       .name = "mkdir",
       .family = "mkdir",
       .op = Op::kMkdir,
       .observed = Observed::kMake,
       .path = 0,
       .mode = 1},
#endif
      // Persistence points, and what looks like one.
      {.number = SYS_fsync, .name = "fsync", .family = "fsync", .op = Op::kFsync, .fd = 0},
      {.number = SYS_fdatasync,
       .name = "fdatasync",
       .family = "fdatasync",
       .op = Op::kFdatasync,
       .fd = 0},
      {.number = SYS_sync, .name = "sync", .family = "sync", .op = Op::kSync},
      {.number = SYS_syncfs, .name = "syncfs", .family = "syncfs", .op = Op::kSyncfs, .fd = 0},
      {.number = SYS_sync_file_range,
       .name = "sync_file_range",
       .family = "sync_file_range",
       .op = Op::kSyncRange,
       .fd = 0,
       .count = 2,
       .offset = 1,
       .flags = 3},
      {.number = SYS_msync, .name = "msync", .family = "msync", .op = Op::kMsync, .flags = 2},
      {.number = SYS_mmap,
       .name = "mmap",
       .family = "mmap",
       .op = Op::kMap,
       .fd = 4,
       .offset = 5,
       .flags = 3,
       .only = {{3, MAP_SHARED | MAP_ANONYMOUS, {MAP_SHARED}}}},
      {.number = SYS_mprotect,
       .name = "mprotect",
       .handling = Handling::kProtect,
       .only = {{2, PROT_WRITE, {PROT_WRITE}}}},
      {.number = SYS_pkey_mprotect,
       .name = "pkey_mprotect",
       .handling = Handling::kProtect,
       .only = {{2, PROT_WRITE, {PROT_WRITE}}}},
      // Processes, and threads that would not be traced or have descriptors of their own. clone3 has its flags
      // in memory: threads are told apart by the recorder.
      {.number = SYS_clone,
       .name = "clone",
       .family = "fork",
       .op = Op::kFork,
       .only = {{0,
                 CLONE_THREAD | CLONE_UNTRACED | CLONE_FILES,
                 {0, CLONE_UNTRACED, CLONE_FILES, CLONE_UNTRACED | CLONE_FILES, CLONE_THREAD,
                  CLONE_THREAD | CLONE_UNTRACED, CLONE_THREAD | CLONE_UNTRACED | CLONE_FILES}}}},
      {.number = SYS_clone3, .name = "clone3", .family = "fork", .op = Op::kFork},
#ifdef SYS_fork
      {.number = SYS_fork, .name = "fork", .family = "fork", .op = Op::kFork},
      {.number = SYS_vfork, .name = "vfork", .family = "fork", .op = Op::kFork},
#endif
      {.number = SYS_exit_group, .name = "exit_group", .family = "exit", .op = Op::kExit},
      // What decides whether the tracer may act in the program's place.
      {.number = SYS_setuid, .name = "setuid", .handling = Handling::kForgetAll},
      {.number = SYS_setgid, .name = "setgid", .handling = Handling::kForgetAll},
      {.number = SYS_setreuid, .name = "setreuid", .handling = Handling::kForgetAll},
      {.number = SYS_setregid, .name = "setregid", .handling = Handling::kForgetAll},
      {.number = SYS_setresuid, .name = "setresuid", .handling = Handling::kForgetAll},
      {.number = SYS_setresgid, .name = "setresgid", .handling = Handling::kForgetAll},
      {.number = SYS_setfsuid, .name = "setfsuid", .handling = Handling::kForgetAll},
      {.number = SYS_setfsgid, .name = "setfsgid", .handling = Handling::kForgetAll},
      {.number = SYS_setgroups, .name = "setgroups", .handling = Handling::kForgetAll},
      {.number = SYS_capset, .name = "capset", .handling = Handling::kForgetAll},
      {.number = SYS_unshare,
       .name = "unshare",
       .handling = Handling::kForgetAll,
       .observed = Observed::kOther},
      {.number = SYS_setns,
       .name = "setns",
       .handling = Handling::kForgetAll,
       .observed = Observed::kOther},
      {.number = SYS_chroot,
       .name = "chroot",
       .handling = Handling::kForgetAll,
       .observed = Observed::kOther},
      {.number = SYS_pivot_root,
       .name = "pivot_root",
       .handling = Handling::kForgetAll,
       .observed = Observed::kOther},
      {.number = SYS_sched_getaffinity, .name = "sched_getaffinity", .handling = Handling::kCpus},
      {.number = SYS_sched_setaffinity, .name = "sched_setaffinity", .handling = Handling::kCpus},
      // Others.
      {.number = SYS_prctl,
       .name = "failpoint",
       .op = Op::kFailpoint,
       .handling = Handling::kPrctl,
       .only = {{0,
                 kAllBits,
                 {kFailpointPrctl, PR_SET_DUMPABLE, PR_GET_DUMPABLE, PR_SET_SECCOMP}}}},
      {.number = SYS_seccomp, .name = "seccomp", .handling = Handling::kSeccomp},
      {.number = SYS_io_uring_setup,
       .name = "io_uring_setup",
       .handling = Handling::kRefuse,
       .observed = Observed::kOther},
      {.number = SYS_io_setup, .name = "io_setup", .handling = Handling::kNote},
      // What only shows a file: observed, not recorded.
      at_path(SYS_newfstatat, "newfstatat", Observed::kSize),
      at_path(SYS_statx, "statx", Observed::kSize),
      at_path(SYS_faccessat, "faccessat", Observed::kLook),
      at_path(kFaccessat2, "faccessat2", Observed::kLook),
      at_path(SYS_readlinkat, "readlinkat", Observed::kLook),
      at_path(SYS_fchownat, "fchownat", Observed::kLook),
      at_path(SYS_utimensat, "utimensat", Observed::kLook),
      by_path(SYS_chdir, "chdir", Observed::kLook),
      by_path(SYS_statfs, "statfs", Observed::kLook),
      by_path(SYS_getxattr, "getxattr", Observed::kLook),
      by_path(SYS_lgetxattr, "lgetxattr", Observed::kLook),
      by_path(SYS_listxattr, "listxattr", Observed::kLook),
      by_path(SYS_llistxattr, "llistxattr", Observed::kLook),
      by_path(SYS_removexattr, "removexattr", Observed::kLook),
      by_path(SYS_lremovexattr, "lremovexattr", Observed::kLook),
      by_path(SYS_execve, "execve", Observed::kRun),
      at_path(SYS_execveat, "execveat", Observed::kRun),
      by_fd(SYS_getdents64, "getdents64", Observed::kList),
      by_fd(SYS_bind, "bind", Observed::kSocket),
      {.number = SYS_connect,
       .name = "connect",
       .handling = Handling::kConnect,
       .observed = Observed::kSocket,
       .fd = 0},
#ifdef SYS_open
      by_path(SYS_stat, "stat", Observed::kSize),
      by_path(SYS_lstat, "lstat", Observed::kSize),
      by_path(SYS_access, "access", Observed::kLook),
      by_path(SYS_readlink, "readlink", Observed::kLook),
      by_path(SYS_chown, "chown", Observed::kLook),
      by_path(SYS_lchown, "lchown", Observed::kLook),
      by_path(SYS_utime, "utime", Observed::kLook),
      by_path(SYS_utimes, "utimes", Observed::kLook),
      at_path(SYS_futimesat, "futimesat", Observed::kLook),
      by_fd(SYS_getdents, "getdents", Observed::kList),
      other(SYS_uselib, "uselib"),
#endif
      // Other ways to a file than by its path.
      other(SYS_mount, "mount"),
      other(SYS_umount2, "umount2"),
      other(SYS_swapon, "swapon"),
      other(SYS_swapoff, "swapoff"),
      other(SYS_acct, "acct"),
      other(SYS_quotactl, "quotactl"),
      other(SYS_name_to_handle_at, "name_to_handle_at"),
      other(SYS_open_by_handle_at, "open_by_handle_at"),
      other(SYS_inotify_add_watch, "inotify_add_watch"),
      other(SYS_fanotify_mark, "fanotify_mark"),
      other(kOpenTree, "open_tree"),
      other(kMoveMount, "move_mount"),
      other(kFsopen, "fsopen"),
      other(kFspick, "fspick"),
      other(kMountSetattr, "mount_setattr"),
  };
  std::sort(table.begin(), table.end(),
            [](const Syscall& a, const Syscall& b) { return a.number < b.number; });
  for (std::size_t i = 0; i < table.size(); ++i) {
    HARNESS_CHECK(i == 0 || table[i - 1].number < table[i].number, table[i].number);
    // The filter of an observed program has the same conditions.
    HARNESS_CHECK(table[i].observed == Observed::kNone || table[i].only.empty(), table[i].number);
  }
  return table;
}

template <typename Wanted>
std::vector<Syscall> rows_where(Wanted wanted) {
  std::vector<Syscall> rows;
  std::copy_if(syscalls().begin(), syscalls().end(), std::back_inserter(rows), wanted);
  return rows;
}

}  // namespace

std::span<const Syscall> syscalls() {
  static const std::vector<Syscall> table = make_table();
  return table;
}

std::vector<Syscall> recorded_syscalls() {
  return rows_where([](const Syscall& row) { return row.handling != Handling::kNone; });
}

std::vector<Syscall> observed_syscalls() {
  return rows_where([](const Syscall& row) { return row.observed != Observed::kNone; });
}

const Syscall* find_syscall(std::uint64_t number) {
  static const std::vector<const Syscall*> by_number = [] {
    std::vector<const Syscall*> index(static_cast<std::size_t>(syscalls().back().number) + 1);
    for (const Syscall& syscall : syscalls()) {
      index[static_cast<std::size_t>(syscall.number)] = &syscall;
    }
    return index;
  }();
  return number < by_number.size() ? by_number[number] : nullptr;
}

std::vector<std::string> fault_syscall_names() {
  std::set<std::string> names = {"pwrite"};
  for (const Syscall& syscall : syscalls()) {
    if (syscall.handling == Handling::kRecord && syscall.op != Op::kMap) {
      names.insert(syscall.name);
      names.insert(syscall.family);
    }
  }
  return {names.begin(), names.end()};
}

bool means(Name said, const Syscall& syscall, Op op) {
  static const Name send("send");
  static const Name rmdir("rmdir");
  static const Name pwrite("pwrite");
  static const Name pwrite64("pwrite64");
  if (op == Op::kOutput) {
    return false;
  }
  if (op == Op::kSend) {
    return said == send || (said == syscall.name && syscall.op == Op::kSend);
  }
  if (op == Op::kRmdir) {
    return said == rmdir;
  }
  return said == syscall.family || said == syscall.name ||
         (said == pwrite && syscall.name == pwrite64);
}

}  // namespace crashpoint::trace
