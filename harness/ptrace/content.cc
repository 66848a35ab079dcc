#include "harness/ptrace/content.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "harness/base/text.h"

namespace crashpoint::ptrace {
namespace {

// Of a file in memory a hole is as long as on disk.
constexpr std::int64_t kHolesMax = std::int64_t{256} << 20;

struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// Where `file` has data; a filesystem that cannot tell has it everywhere.
std::vector<Range> data_of(int file, std::int64_t size) {
  std::vector<Range> ranges;
  for (std::int64_t at = 0; at < size;) {
    const std::int64_t begin = ::lseek(file, at, SEEK_DATA);
    if (begin < 0) {
      if (errno != ENXIO) {
        return {{0, size}};
      }
      break;
    }
    const std::int64_t end = ::lseek(file, begin, SEEK_HOLE);
    ranges.push_back({begin, end < 0 ? size : std::min<std::int64_t>(end, size)});
    at = ranges.back().end;
  }
  return ranges;
}

}  // namespace

std::string read_content(int directory, const std::string& name, std::string& content) {
  // O_NONBLOCK: what was a file a moment ago may have become a FIFO.
  const int file =
      ::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat status {};
  if (file < 0 || ::fstat(file, &status) != 0) {
    std::string why = error_text(errno);
    if (file >= 0) {
      ::close(file);
    }
    return why;
  }
  const std::vector<Range> ranges = data_of(file, status.st_size);
  std::int64_t holes = status.st_size;
  for (const Range& range : ranges) {
    holes -= range.end - range.begin;
  }
  std::string why;
  if (holes > kHolesMax) {
    why = fmt::format("it has {} MiB of holes",
                      with_commas(static_cast<std::uint64_t>(holes) >> 20U));
  } else {
    content.resize(static_cast<std::size_t>(status.st_size));
    for (const Range& range : ranges) {
      for (std::int64_t at = range.begin; at < range.end;) {
        const ssize_t size =
            ::pread(file, content.data() + at, static_cast<std::size_t>(range.end - at), at);
        if (size <= 0) {
          break;  // it was cut meanwhile
        }
        at += size;
      }
    }
  }
  ::close(file);
  return why;
}

}  // namespace crashpoint::ptrace
