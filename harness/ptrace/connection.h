// Who is at the other end of a traced program's socket.
#pragma once

#include <sys/types.h>

#include <set>
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
  // The other end is one of `Insiders`: what is sent reaches nobody else.
  bool internal = false;
};

// The traced tree, as far as connections within it go.
struct Insiders {
  std::set<pid_t> processes;  // all there ever were
  bool connect = false;       // some process has made a connection to an internet address
};

// `link` is what /proc/PID/fd/FD points to.
[[nodiscard]] Connection connection_of(pid_t pid, int fd, const std::string& link,
                                       const Insiders& insiders);

}  // namespace crashpoint::ptrace
