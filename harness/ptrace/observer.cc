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

#include "harness/ptrace/kernel/filter.h"

namespace crashpoint::ptrace {
namespace {

using Of = trace::Question::Of;
using trace::Observed;

constexpr const char* kHidden = "it may not be looked into";

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

void Observer::enter(Thread& thread, const SyscallEntry& entry) {
  Call& call = thread.call;
  call.syscall = nullptr;
  call.arguments = entry.arguments;
  const trace::Syscall* const syscall = trace::find_syscall(entry.number);
  if (entry.filter_data != kNative || syscall == nullptr) {
    observations_.give_up(
        fmt::format("it makes a call that is not known, number {}", entry.number));
    return;
  }
  if (!thread.memory().is_open()) {
    observations_.give_up(kHidden);
    return;
  }
  switch (syscall->observed) {
    case Observed::kOpen:
      enter_open(thread, *syscall);
      return;
    case Observed::kLook:
    case Observed::kSize:
    case Observed::kRun:
    case Observed::kMake:
    case Observed::kSymlink:
    case Observed::kRemove:
    case Observed::kRename:
    case Observed::kLink:
      enter_names(thread, *syscall);
      return;
    case Observed::kList:
      enter_list(thread, *syscall);
      return;
    case Observed::kSocket:
      enter_socket(thread);
      return;
    case Observed::kNone:
      if (syscall->op == trace::Op::kFork) {
        return;
      }
      [[fallthrough]];
    case Observed::kOther:
      observations_.give_up(fmt::format("it makes call {}", entry.number));
      return;
  }
}

void Observer::leave(Thread& thread, std::int64_t result) {
  const trace::Syscall& syscall = *thread.call.syscall;
  thread.call.syscall = nullptr;
  const std::unique_ptr<Call::Paths> paths = std::move(thread.call.paths);
  if (result < 0) {
    return;
  }
  const std::string& path = paths->path.name.str();
  const std::string& path2 = paths->path2.name.str();
  if (syscall.observed == Observed::kRename) {
    const std::uint32_t flags = syscall.flags >= 0 ? thread.call.flags(syscall.flags) : 0;
    if ((flags & RENAME_EXCHANGE) != 0) {
      observations_.exchanged(path, path2);
    } else if (path != path2) {
      observations_.renamed(path, path2);
    }
  } else if (syscall.observed == Observed::kLink) {
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
  const int from = directory < 0 ? AT_FDCWD : thread.call.fd(directory);
  if (!text.starts_with('/') && from == AT_FDCWD &&
      link_of(fmt::format("/proc/{}/cwd", thread.id.tid)).empty()) {
    observations_.give_up(kHidden);
  }
  ResolvedPath resolved = resolve_path(data_directory_, thread.id, from, text);
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
  if (syscall.number == SYS_openat2) {
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
  const Observed way = syscall.observed;
  const std::uint32_t flags = syscall.flags >= 0 ? thread.call.flags(syscall.flags) : 0;
  std::optional<ResolvedPath> path;
  std::optional<ResolvedPath> path2;
  if (syscall.path >= 0 && way != Observed::kSymlink) {  // whose first path is only text
    path = resolve(thread, syscall.directory, syscall.path);
  }
  if (syscall.path2 >= 0) {
    path2 = resolve(thread, syscall.directory2, syscall.path2);
  }
  if (!path && (way == Observed::kLink || syscall.number == SYS_execveat)) {
    observations_.give_up("it links or runs an open file");
    return;
  }
  const bool first = path && path->inside;
  const bool second = path2 && path2->inside;
  if (!first && !second) {
    return;
  }
  const bool changes = way == Observed::kMake || way == Observed::kSymlink ||
                       way == Observed::kRemove || way == Observed::kRename ||
                       way == Observed::kLink;
  acts(thread, changes);
  if (first) {
    const Of of = way == Observed::kSize  ? Of::kSize
                  : way == Observed::kRun ? Of::kContent
                                          : Of::kEntry;
    observations_.look(of, path->name.str());
  }
  if (second) {
    observations_.look(Of::kEntry, path2->name.str());
  }
  if (way == Observed::kSymlink) {
    observations_.give_up("it makes a symlink");
  } else if (way == Observed::kMake && !exists(*path)) {
    observations_.made(path->name.str());  // or there is still nothing
  } else if (way == Observed::kRemove) {
    if (((flags | syscall.flags_fixed) & AT_REMOVEDIR) != 0) {
      observations_.look(Of::kNames, path->name.str());  // it must be empty
    }
    follow(thread, syscall, *path);
  } else if (way == Observed::kRename || way == Observed::kLink) {
    if (!first || !second || is_directory(*path) || is_directory(*path2) ||
        (way == Observed::kRename && (flags & RENAME_WHITEOUT) != 0)) {
      observations_.give_up("it renames a directory, or a file into or out of the directory");
    } else {
      follow(thread, syscall, *path, *path2);
    }
  }
}

void Observer::enter_list(Thread& thread, const trace::Syscall& syscall) {
  const std::string directory =
      link_of(fmt::format("/proc/{}/fd/{}", thread.id.tid, thread.call.fd(syscall.fd)));
  if (directory.empty()) {
    observations_.give_up(kHidden);
  }
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
