// Who is at the other end of a traced program's socket.
#pragma once

#include <sys/types.h>

#include <string>

#include "harness/trace/name.h"

namespace crashpoint::trace {

// "127.0.0.1:50312", "[::1]:50312", "@name" (unix, abstract), "/path" (unix). A peer without a name
// is told apart by `link`, the kernel's name of the socket ("socket:[12345]").
[[nodiscard]] Name peer_of(pid_t pid, int fd, const std::string& link);

}  // namespace crashpoint::trace
