#include "harness/ptrace/observer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace crashpoint::ptrace {
namespace {

using Of = trace::Question::Of;

// What a call means for who watches.
enum class Way : std::uint8_t {
  kOpen,
  kLook,    // at an entry: it may change the file, but neither names nor what is asked of bytes
  kSize,    // at an entry and its size
  kRun,     // the bytes of a program
  kList,    // names in an open directory
  kMake,    // a name
  kRemove,  // a name
  kRename,
  kLink,
  kSocket,  // a name of a socket
  kOther,   // gives up
};

struct Row {
  trace::Syscall syscall;
  Way way = Way::kLook;
};

Row by_path(long number, Way way, std::int8_t path) {
  return {{.number = number, .path = path}, way};
}
Row at_path(long number, Way way, std::int8_t directory, std::int8_t flags = -1) {
  return {{.number = number,
           .directory = directory,
           .path = static_cast<std::int8_t>(directory + 1),
           .flags = flags},
          way};
}
Row two_paths(long number, Way way, std::int8_t flags = -1) {
  return {
      {.number = number, .directory = 0, .path = 1, .directory2 = 2, .path2 = 3, .flags = flags},
      way};
}
Row other(long number) {
  return {{.number = number}, Way::kOther};
}

// Calls that are newer than the headers of the machine this is built on, by the number they have on every
// architecture.
constexpr long kOpenTree = 428;
constexpr long kMoveMount = 429;
constexpr long kFsopen = 430;
constexpr long kFspick = 433;
constexpr long kOpenat2 = 437;
constexpr long kFaccessat2 = 439;
constexpr long kMountSetattr = 442;
constexpr long kFchmodat2 = 452;
// The first that the table does not know: those before it neither are in it nor name files.
constexpr long kUnknownFrom = 463;

std::vector<Row> make_table() {
  std::vector<Row> table = {
      at_path(SYS_openat, Way::kOpen, 0, 2),
      at_path(kOpenat2, Way::kOpen, 0),
      at_path(SYS_newfstatat, Way::kSize, 0),
      at_path(SYS_statx, Way::kSize, 0),
      at_path(SYS_faccessat, Way::kLook, 0),
      at_path(kFaccessat2, Way::kLook, 0),
      at_path(SYS_readlinkat, Way::kLook, 0),
      at_path(SYS_fchmodat, Way::kLook, 0),
      at_path(kFchmodat2, Way::kLook, 0),
      at_path(SYS_fchownat, Way::kLook, 0),
      at_path(SYS_utimensat, Way::kLook, 0),
      by_path(SYS_truncate, Way::kLook, 0),
      by_path(SYS_chdir, Way::kLook, 0),
      by_path(SYS_statfs, Way::kLook, 0),
      by_path(SYS_setxattr, Way::kLook, 0),
      by_path(SYS_lsetxattr, Way::kLook, 0),
      by_path(SYS_getxattr, Way::kLook, 0),
      by_path(SYS_lgetxattr, Way::kLook, 0),
      by_path(SYS_listxattr, Way::kLook, 0),
      by_path(SYS_llistxattr, Way::kLook, 0),
      by_path(SYS_removexattr, Way::kLook, 0),
      by_path(SYS_lremovexattr, Way::kLook, 0),
      by_path(SYS_execve, Way::kRun, 0),
      at_path(SYS_execveat, Way::kRun, 0),
      {{.number = SYS_getdents64, .fd = 0}, Way::kList},
      at_path(SYS_mkdirat, Way::kMake, 0),
      at_path(SYS_mknodat, Way::kMake, 0),
      at_path(SYS_unlinkat, Way::kRemove, 0, 2),
      two_paths(SYS_renameat, Way::kRename),
      two_paths(SYS_renameat2, Way::kRename, 4),
      two_paths(SYS_linkat, Way::kLink, 4),
      {{.number = SYS_symlinkat, .directory2 = 1, .path2 = 2}, Way::kMake},
      {{.number = SYS_bind, .buffer = 1, .count = 2}, Way::kSocket},
      {{.number = SYS_connect, .buffer = 1, .count = 2}, Way::kSocket},
      other(SYS_chroot),
      other(SYS_pivot_root),
      other(SYS_mount),
      other(SYS_umount2),
      other(SYS_unshare),
      other(SYS_setns),
      other(SYS_swapon),
      other(SYS_swapoff),
      other(SYS_acct),
      other(SYS_quotactl),
      other(SYS_name_to_handle_at),
      other(SYS_open_by_handle_at),
      other(SYS_inotify_add_watch),
      other(SYS_fanotify_mark),
      other(SYS_io_uring_setup),
      other(kOpenTree),
      other(kMoveMount),
      other(kFsopen),
      other(kFspick),
      other(kMountSetattr),
#ifdef SYS_open
      {{.number = SYS_open, .path = 0, .flags = 1}, Way::kOpen},
      {{.number = SYS_creat, .path = 0, .flags_fixed = O_CREAT | O_WRONLY | O_TRUNC}, Way::kOpen},
      by_path(SYS_stat, Way::kSize, 0),
      by_path(SYS_lstat, Way::kSize, 0),
      by_path(SYS_access, Way::kLook, 0),
      by_path(SYS_readlink, Way::kLook, 0),
      by_path(SYS_chmod, Way::kLook, 0),
      by_path(SYS_chown, Way::kLook, 0),
      by_path(SYS_lchown, Way::kLook, 0),
      by_path(SYS_utime, Way::kLook, 0),
      by_path(SYS_utimes, Way::kLook, 0),
      at_path(SYS_futimesat, Way::kLook, 0),
      {{.number = SYS_getdents, .fd = 0}, Way::kList},
      by_path(SYS_mkdir, Way::kMake, 0),
      by_path(SYS_mknod, Way::kMake, 0),
      by_path(SYS_unlink, Way::kRemove, 0),
      {{.number = SYS_rmdir, .path = 0, .flags_fixed = AT_REMOVEDIR}, Way::kRemove},
      {{.number = SYS_rename, .path = 0, .path2 = 1}, Way::kRename},
      {{.number = SYS_link, .path = 0, .path2 = 1}, Way::kLink},
      {{.number = SYS_symlink, .path2 = 1}, Way::kMake},
      other(SYS_uselib),
#endif
  };
  std::sort(table.begin(), table.end(),
            [](const Row& a, const Row& b) { return a.syscall.number < b.syscall.number; });
  return table;
}

const std::vector<Row>& table() {
  static const std::vector<Row> rows = make_table();
  return rows;
}

const Row* find_row(std::uint64_t number) {
  const auto found = std::lower_bound(
      table().begin(), table().end(), number, [](const Row& row, std::uint64_t wanted) {
        return static_cast<std::uint64_t>(row.syscall.number) < wanted;
      });
  return found != table().end() && static_cast<std::uint64_t>(found->syscall.number) == number
             ? &*found
             : nullptr;
}

bool exists(const ResolvedPath& path) {
  struct stat status {};
  return ::lstat(path.absolute.c_str(), &status) == 0;
}

bool is_directory(const ResolvedPath& path) {
  struct stat status {};
  return ::lstat(path.absolute.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string link_of(const std::string& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  return {target.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

}  // namespace

Observer::Observer(const std::string& data_directory, trace::Observations& observations)
    : data_directory_(canonical(data_directory)), observations_(observations) {}

std::span<const trace::Syscall> Observer::calls() {
  static const std::vector<trace::Syscall> calls = [] {
    std::vector<trace::Syscall> all;
    for (const Row& row : table()) {
      all.push_back(row.syscall);
    }
    return all;
  }();
  return calls;
}

long Observer::unknown_from() {
  return kUnknownFrom;
}

void Observer::enter(Thread& thread, const SyscallEntry& entry) {
  Call& call = thread.call;
  call.syscall = nullptr;
  call.arguments = entry.arguments;
  const Row* const row = find_row(entry.number);
  if (entry.filter_data != 0 || row == nullptr) {
    observations_.give_up(
        fmt::format("it makes a call that is not known, number {}", entry.number));
    return;
  }
  switch (row->way) {
    case Way::kOpen:
      enter_open(thread, row->syscall);
      return;
    case Way::kLook:
    case Way::kSize:
    case Way::kRun:
    case Way::kMake:
    case Way::kRemove:
    case Way::kRename:
    case Way::kLink:
      enter_names(thread, row->syscall);
      return;
    case Way::kList:
      enter_list(thread, row->syscall);
      return;
    case Way::kSocket:
      enter_socket(thread);
      return;
    case Way::kOther:
      observations_.give_up(fmt::format("it makes call {}", entry.number));
      return;
  }
}

void Observer::leave(Thread& thread, std::int64_t result) {
  const Row& row = *find_row(static_cast<std::uint64_t>(thread.call.syscall->number));
  thread.call.syscall = nullptr;
  const std::unique_ptr<Call::Paths> paths = std::move(thread.call.paths);
  if (result < 0) {
    return;
  }
  const std::string& path = paths->path.name.str();
  const std::string& path2 = paths->path2.name.str();
  if (row.way == Way::kRename) {
    const std::uint32_t flags = row.syscall.flags >= 0 ? thread.call.flags(row.syscall.flags) : 0;
    if ((flags & RENAME_EXCHANGE) != 0) {
      observations_.exchanged(path, path2);
    } else if (path != path2) {
      observations_.renamed(path, path2);
    }
  } else if (row.way == Way::kLink) {
    observations_.linked(path, path2);
  } else {
    observations_.made(path);  // cut to nothing by O_TRUNC, or removed
  }
}

// Empty: the call is about a descriptor, not about a path.
std::optional<ResolvedPath> Observer::resolve(const Thread& thread, std::int8_t directory,
                                              std::int8_t path) {
  const std::string text = thread.memory().read_string(thread.call.argument(path), PATH_MAX);
  if (text.empty()) {
    return std::nullopt;
  }
  if (text.starts_with("/dev/fd") || text.starts_with("/dev/std")) {
    observations_.give_up("it opens a descriptor by the name " + text);
  }
  ResolvedPath resolved = resolve_path(data_directory_, thread.id,
                                       directory < 0 ? AT_FDCWD : thread.call.fd(directory), text);
  // A symlink elsewhere (as those in /proc/PID/fd are) may lead inside. Inside there is none: they are
  // not looked into where one was at first, and given up where one is made.
  for (int links = 0; !resolved.inside && links < 40; ++links) {
    struct stat status {};
    if (::lstat(resolved.absolute.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) {
      break;
    }
    const std::string target = link_of(resolved.absolute);
    const std::size_t slash = resolved.absolute.rfind('/');
    resolved = resolve_path(
        data_directory_, thread.id, AT_FDCWD,
        target.starts_with('/') ? target : resolved.absolute.substr(0, slash + 1) + target);
  }
  return resolved;
}

// Looks and changes by several threads can come in another order than the one seen here.
void Observer::acts(const Thread& thread, bool changes) {
  first_ = first_ == 0 ? thread.id.tid : first_;
  several_ = several_ || first_ != thread.id.tid;
  changes_ = changes_ || changes;
  if (several_ && changes_) {
    observations_.give_up("several of its threads look at files, and names change meanwhile");
  }
}

void Observer::follow(Thread& thread, const trace::Syscall& syscall, ResolvedPath path,
                      ResolvedPath path2) {
  thread.call.syscall = &syscall;
  thread.call.paths = std::make_unique<Call::Paths>(
      Call::Paths{.path = std::move(path), .path2 = std::move(path2)});
}

void Observer::enter_open(Thread& thread, const trace::Syscall& syscall) {
  const std::optional<ResolvedPath> path = resolve(thread, syscall.directory, syscall.path);
  if (!path || !path->inside) {
    return;
  }
  std::uint32_t flags = syscall.flags >= 0 ? thread.call.flags(syscall.flags) : syscall.flags_fixed;
  if (syscall.number == kOpenat2) {
    open_how how{};
    if (!thread.memory().read_value(thread.call.arguments[2], how) || how.resolve != 0) {
      observations_.give_up("it opens a path in a way that is not followed");
    }
    flags = static_cast<std::uint32_t>(how.flags);
  }
  const bool unnamed = (flags & O_TMPFILE) == O_TMPFILE;
  const bool creates = (flags & O_CREAT) != 0 && !unnamed;
  const bool cuts = (flags & O_TRUNC) != 0 && !unnamed;
  acts(thread, creates || cuts);
  const std::string& name = path->name.str();
  if (unnamed || (creates && (flags & O_EXCL) != 0) || cuts) {
    observations_.look(Of::kEntry, name);
  } else if ((flags & O_PATH) != 0 || (flags & O_ACCMODE) == O_WRONLY) {
    observations_.look(Of::kSize, name);
  } else {
    observations_.look(Of::kContent, name);
  }
  if (creates && !exists(*path)) {
    observations_.made(name);  // or there is still nothing
  } else if (cuts) {
    // Until it has come to pass another of its files may be read, but not this one.
    follow(thread, syscall, *path);
  }
}

void Observer::enter_names(Thread& thread, const trace::Syscall& syscall) {
  const Way way = find_row(static_cast<std::uint64_t>(syscall.number))->way;
  const std::uint32_t flags = syscall.flags >= 0 ? thread.call.flags(syscall.flags) : 0;
  std::optional<ResolvedPath> path;
  std::optional<ResolvedPath> path2;
  if (syscall.path >= 0) {
    path = resolve(thread, syscall.directory, syscall.path);
  }
  if (syscall.path2 >= 0) {
    path2 = resolve(thread, syscall.directory2, syscall.path2);
  }
  if (!path && (way == Way::kLink || syscall.number == SYS_execveat)) {
    observations_.give_up("it links or runs an open file");
    return;
  }
  const bool first = path && path->inside;
  const bool second = path2 && path2->inside;
  if (!first && !second) {
    return;
  }
  const bool changes =
      way == Way::kMake || way == Way::kRemove || way == Way::kRename || way == Way::kLink;
  acts(thread, changes);
  if (first) {
    const Of of = way == Way::kSize ? Of::kSize : way == Way::kRun ? Of::kContent : Of::kEntry;
    observations_.look(of, path->name.str());
  }
  if (second) {
    observations_.look(Of::kEntry, path2->name.str());
  }
  if (way == Way::kMake && second) {
    observations_.give_up("it makes a symlink");
  } else if (way == Way::kMake && !exists(*path)) {
    observations_.made(path->name.str());  // or there is still nothing
  } else if (way == Way::kRemove) {
    if (((flags | syscall.flags_fixed) & AT_REMOVEDIR) != 0) {
      observations_.look(Of::kNames, path->name.str());  // it must be empty
    }
    follow(thread, syscall, *path);
  } else if (way == Way::kRename || way == Way::kLink) {
    if (!first || !second || is_directory(*path) || is_directory(*path2) ||
        (way == Way::kRename && (flags & RENAME_WHITEOUT) != 0)) {
      observations_.give_up("it renames a directory, or a file into or out of the directory");
    } else {
      follow(thread, syscall, *path, *path2);
    }
  }
}

void Observer::enter_list(Thread& thread, const trace::Syscall& syscall) {
  const std::string directory =
      link_of(fmt::format("/proc/{}/fd/{}", thread.id.tid, thread.call.fd(syscall.fd)));
  const ResolvedPath path = resolve_path(data_directory_, thread.id, AT_FDCWD, directory);
  if (path.inside) {
    acts(thread, false);
    observations_.look(Of::kNames, path.name.str());
  }
}

void Observer::enter_socket(Thread& thread) {
  sockaddr_un address{};
  const std::size_t size = std::min<std::size_t>(thread.call.arguments[2], sizeof address);
  thread.memory().read(thread.call.arguments[1],
                       std::as_writable_bytes(std::span(&address, 1)).first(size));
  if (address.sun_family != AF_UNIX || size <= offsetof(sockaddr_un, sun_path) ||
      address.sun_path[0] == '\0') {
    return;
  }
  const std::string_view text(address.sun_path, size - offsetof(sockaddr_un, sun_path));
  const ResolvedPath path = resolve_path(data_directory_, thread.id, AT_FDCWD,
                                         text.substr(0, std::min(text.find('\0'), text.size())));
  if (path.inside) {
    observations_.give_up("it has a socket in its data directory");
  }
}

}  // namespace crashpoint::ptrace
