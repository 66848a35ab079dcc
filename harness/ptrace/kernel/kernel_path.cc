#include "harness/ptrace/kernel/kernel_path.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "harness/ptrace/kernel/on_disk.h"

namespace crashpoint::ptrace {
namespace {

// What these are depends on who looks.
std::string as_the_thread_sees(pid_t tid, std::string_view path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kOwn = {{
      {"/proc/self", ""},
      {"/proc/thread-self", ""},
      {"/dev/fd", "/fd"},
      {"/dev/stdin", "/fd/0"},
      {"/dev/stdout", "/fd/1"},
      {"/dev/stderr", "/fd/2"},
  }};
  for (const auto& [own, below] : kOwn) {
    if (path.starts_with(own) && (path.size() == own.size() || path[own.size()] == '/')) {
      return fmt::format("/proc/{}{}{}", tid, below, path.substr(own.size()));
    }
  }
  return std::string(path);
}

std::string start_of(ThreadId thread, int directory_fd) {
  return directory_fd == AT_FDCWD ? fmt::format("/proc/{}/cwd", thread.tid)
                                  : fmt::format("/proc/{}/fd/{}", thread.tid, directory_fd);
}

Fd open_path(int directory, const std::string& path) {
  return Fd(::openat(directory, path.c_str(), O_PATH | O_CLOEXEC));
}

Fd open_in_root(int root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  return Fd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

// `path` is relative to `start`, or absolute if that is empty.
Fd open_in_our_root(const std::string& start, const std::string& path) {
  if (start.empty()) {
    return open_path(AT_FDCWD, path);
  }
  if (path.empty() || start.size() + path.size() + 2 < PATH_MAX) {
    return open_path(AT_FDCWD, path.empty() ? start : start + "/" + path);
  }
  const Fd from = open_path(AT_FDCWD, start);
  return from.valid() ? open_path(from.get(), path) : Fd();
}

Fd open_in_its_root(pid_t tid, const std::string& start, const std::string& path) {
  const std::string root_link = fmt::format("/proc/{}/root", tid);
  const Fd root = open_path(AT_FDCWD, root_link);
  if (!root.valid()) {
    return {};
  }
  if (start.empty()) {
    return open_in_root(root.get(), path);
  }
  // The root of an absolute symlink on the way is right only for a path from the root.
  const std::string root_path = link_target(AT_FDCWD, root_link);
  const std::string from = link_target(AT_FDCWD, start);
  if (is_inside(root_path, from)) {
    const std::string in_root = from.substr(root_path == "/" ? 0 : root_path.size());
    Fd opened = open_in_root(root.get(), in_root + "/" + path);
    if (opened.valid()) {
      return opened;
    }
  }
  return open_in_our_root(start, path);
}

std::string absolute_path(ThreadId thread, int directory_fd, std::string_view path) {
  std::string absolute = as_the_thread_sees(thread.tid, path);
  if (!absolute.starts_with('/')) {
    absolute = link_target(AT_FDCWD, start_of(thread, directory_fd));
    if (!path.empty()) {
      absolute += '/';
      absolute += path;
    }
  }
  while (absolute.size() > 1 && absolute.ends_with('/')) {
    absolute.pop_back();
  }
  const std::size_t slash = absolute.rfind('/');
  const std::string last = absolute.substr(slash == std::string::npos ? 0 : slash + 1);
  if (last.empty() || last == "." || last == "..") {
    return canonical(absolute);
  }
  if (slash == std::string::npos) {
    return absolute;
  }
  std::string parent = canonical(slash == 0 ? "/" : absolute.substr(0, slash));
  if (!parent.ends_with('/')) {
    parent += '/';
  }
  return parent + last;
}

}  // namespace

OpenedParent open_parent(ThreadId thread, int directory_fd, std::string_view path, bool same_root) {
  std::string whole = same_root ? as_the_thread_sees(thread.tid, path) : std::string(path);
  const std::string start = whole.starts_with('/') ? "" : start_of(thread, directory_fd);
  while (whole.size() > 1 && whole.ends_with('/')) {
    whole.pop_back();
  }
  OpenedParent opened;
  const std::size_t slash = whole.rfind('/');
  std::string last = whole.substr(slash == std::string::npos ? 0 : slash + 1);
  if (!last.empty() && last != "." && last != "..") {
    opened.last = std::move(last);
    whole.resize(slash == std::string::npos ? 0 : slash + 1);
  }
  opened.directory =
      same_root ? open_in_our_root(start, whole) : open_in_its_root(thread.tid, start, whole);
  return opened;
}

bool has_our_root(pid_t tid) {
  static const std::string kOurMounts = link_target(AT_FDCWD, "/proc/self/ns/mnt");
  return link_target(AT_FDCWD, fmt::format("/proc/{}/root", tid)) == "/" &&
         link_target(AT_FDCWD, fmt::format("/proc/{}/ns/mnt", tid)) == kOurMounts;
}

ResolvedPath resolve_path(const std::string& data_directory, ThreadId thread, int directory_fd,
                          std::string_view path) {
  ResolvedPath resolved;
  resolved.absolute = absolute_path(thread, directory_fd, path);
  resolved.inside = is_inside(data_directory, resolved.absolute);
  resolved.name = name_in(data_directory, resolved.absolute);
  return resolved;
}

std::string canonical(const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  return ::realpath(path.c_str(), buffer.data()) != nullptr ? std::string(buffer.data()) : path;
}

std::string path_of_ours(int fd) {
  return link_target(AT_FDCWD, fmt::format("/proc/self/fd/{}", fd));
}

trace::Name name_in(const std::string& directory, std::string_view absolute) {
  if (!is_inside(directory, absolute)) {
    return absolute;
  }
  const std::size_t skipped = directory == "/" ? 1 : directory.size() + 1;
  return absolute.size() < skipped || absolute == directory ? std::string_view(".")
                                                            : absolute.substr(skipped);
}

bool is_inside(const std::string& directory, std::string_view absolute) {
  if (directory == "/") {
    return absolute.starts_with('/');
  }
  return absolute.size() >= directory.size() && absolute.starts_with(directory) &&
         (absolute.size() == directory.size() || absolute[directory.size()] == '/');
}

}  // namespace crashpoint::ptrace
