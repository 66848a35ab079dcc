// Who is at the other end of a traced program's socket.
#pragma once

#include <sys/types.h>

#include <string>

#include "harness/trace/name.h"

namespace crashpoint::ptrace {

struct Connection {
  // "127.0.0.1:50312", "[::1]:50312", "@name" (unix, abstract), "/path" (unix). A peer without a
  // name is told apart by the kernel's name of the socket ("socket:[12345]").
  trace::Name peer;
  // Our copy of the descriptor, if sending through it is the same as if the program did: a TCP
  // connection in non-blocking mode. Else -1. The caller closes it.
  int copy = -1;
};

// `link` is what /proc/PID/fd/FD points to.
[[nodiscard]] Connection connection_of(pid_t pid, int fd, const std::string& link);

}  // namespace crashpoint::ptrace
