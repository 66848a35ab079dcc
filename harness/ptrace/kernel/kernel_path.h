// Where a path that a thread gives to the kernel leads: from its working directory or a descriptor, in
// its root and mounts.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "harness/base/fd.h"
#include "harness/trace/name.h"

namespace crashpoint::ptrace {

// A thread and the process (thread group) it belongs to.
struct ThreadId {
  pid_t pid = 0;
  pid_t tid = 0;
};

// The directory that the last name of a path lies in, opened with O_PATH, and that name. A path that ends
// in no name ("..", "/", or an empty one for a descriptor) is opened itself: `last` is empty.
struct OpenedParent {
  Fd directory;  // not valid: there is none, or the tracer may not see it
  std::string last;
};

// `directory_fd` as for openat(2). `same_root`: the thread has the tracer's root directory and mounts;
// otherwise symlinks and ".." are followed in its own.
[[nodiscard]] OpenedParent open_parent(ThreadId thread, int directory_fd, std::string_view path,
                                       bool same_root);

[[nodiscard]] bool has_our_root(pid_t tid);

// A path in words.
struct ResolvedPath {
  std::string absolute;  // the symlinks of its parent followed, where that is there
  trace::Name name;      // as in trace::Event::path
  bool inside = false;
};

// `data_directory` is canonical. Follows no program into another root or other mounts.
[[nodiscard]] ResolvedPath resolve_path(const std::string& data_directory, ThreadId thread,
                                        int directory_fd, std::string_view path);

// The path with every symlink followed; the path itself if there is nothing.
[[nodiscard]] std::string canonical(const std::string& path);

// The path by which the kernel knows what one of our own descriptors is open for.
[[nodiscard]] std::string path_of_ours(int fd);

[[nodiscard]] trace::Name name_in(const std::string& directory, std::string_view absolute);
[[nodiscard]] bool is_inside(const std::string& directory, std::string_view absolute);

}  // namespace crashpoint::ptrace
