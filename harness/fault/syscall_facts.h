// What a fault may do to which syscall: an errno that no kernel gives there, or a fork that is
// skipped, would test nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace crashpoint::fault {

struct SyscallFacts {
  // Names ("ENOSPC"), sorted; empty when it cannot fail. From the ERRORS sections of man-pages 6.03,
  // plus EIO, EDQUOT, EINTR and ENOMEM, which filesystems and FUSE give to any of them; without
  // EBADF and EFAULT, which only a bug in the caller gives.
  std::vector<std::string> errors;
  bool transfers = false;  // bytes, so that it can be short or torn
  bool writes = false;     // and they go to a place in a file
  bool names_file = true;  // a place for it may have a path
  bool skippable = false;  // success can be reported with nothing done
};

// Null when the tracer knows no such syscall or family of them (syscalls.h).
[[nodiscard]] const SyscallFacts* syscall_facts(std::string_view name);

}  // namespace crashpoint::fault
