// What a fault may do to which syscall: an errno that no kernel gives there, or a fork that is
// skipped, would test nothing. Internal to scenario/.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace crashpoint::scenario {

struct SyscallFacts {
  // Names ("ENOSPC"), sorted; empty when it cannot fail. From the ERRORS sections of man-pages 6.03,
  // plus EIO, EDQUOT, EINTR and ENOMEM, which filesystems and FUSE give to any of them; without
  // EBADF and EFAULT, which only a bug in the caller gives.
  std::vector<std::string> errors;
  bool writes = false;     // bytes, so that it can be short or torn
  bool skippable = false;  // success can be reported with nothing done
};

// Null when the tracer knows no such syscall or family of them (trace/syscalls.h).
[[nodiscard]] const SyscallFacts* syscall_facts(std::string_view name);

}  // namespace crashpoint::scenario
