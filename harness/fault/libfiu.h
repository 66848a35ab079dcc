// libfiu's POSIX preload on foreign programs: its points, and the library of ours that answers them
// (preload/fiu_fail.c, which this binary carries).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/fd.h"

namespace crashpoint::fault {

// The points that `name` stands for: itself, or all that begin so if it ends in '*'; none: there is
// no such point. Those that shorten a transfer ("posix/io/rw/write/reduce") are left out: libfiu
// draws the length from the clock. A short_write at the syscall does it at a place of its own.
[[nodiscard]] std::vector<std::string> libfiu_points(std::string_view name);

// Why `name` stands for none, with what may have been meant; empty if it does.
[[nodiscard]] std::string libfiu_name_problem(std::string_view name);

// With what a point fails if nothing is said: ENOMEM where memory is asked for, else EIO.
[[nodiscard]] int libfiu_default_error(std::string_view point);

// Throws EnvironmentError if libfiu's preload is not installed.
void require_libfiu();

// What LD_PRELOAD must say while this lives. No file is made: the library lies in memory.
class FiuPreload {
 public:
  // Throws EnvironmentError.
  FiuPreload();
  [[nodiscard]] std::string libraries() const;

 private:
  Fd library_;
};

}  // namespace crashpoint::fault
