#include "harness/fault/libfiu.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/nearest.h"
#include "harness/base/text.h"

// The shared library that preload/fiu_fail.c is built into.
asm(".pushsection .rodata\n"
    ".globl crashpoint_fiu_library, crashpoint_fiu_library_end\n"
    "crashpoint_fiu_library: .incbin \"" CRASHPOINT_FIU_LIBRARY
    "\"\n"
    "crashpoint_fiu_library_end: .byte 0\n"
    ".popsection\n");
// NOLINTBEGIN(readability-identifier-naming): as the assembler has them
extern "C" const char crashpoint_fiu_library[];
extern "C" const char crashpoint_fiu_library_end[];
// NOLINTEND(readability-identifier-naming)

namespace crashpoint::fault {
namespace {

// Where Debian's libfiu0 has it.
constexpr const char* kPosixPreload = "/usr/lib/fiu/fiu_posix_preload.so";

struct Folder {
  const char* path;
  const char* names;
};

// Of libfiu 1.1.
constexpr std::array<Folder, 18> kFolders = {{
    {"libc/mm/", "calloc malloc realloc"},
    {"libc/str/", "strdup strndup"},
    {"linux/io/", "sync_file_range"},
    {"posix/io/dir/", "closedir fdopendir opendir readdir readdir_r rename unlink"},
    {"posix/io/net/",
     "accept bind connect listen poll pselect recv recvfrom recvmsg select send sendmsg sendto "
     "shutdown socket"},
    {"posix/io/oc/", "close open"},
    {"posix/io/rw/", "ftruncate pread preadv pwrite pwritev read readv truncate write writev"},
    {"posix/io/sync/", "fdatasync fsync"},
    {"posix/mm/", "madvise mlock mlockall mmap mprotect msync munlock munlockall munmap"},
    {"posix/proc/", "fork kill sigaction signal wait waitid waitpid"},
    {"posix/stdio/", "fflush ftrylockfile remove setvbuf"},
    {"posix/stdio/error/", "ferror"},
    {"posix/stdio/gp/",
     "fgetc fgets fputc fputs getc getchar getdelim getline gets putc putchar puts ungetc"},
    {"posix/stdio/oc/", "fclose fdopen fmemopen fopen freopen open_memstream pclose popen"},
    {"posix/stdio/rw/", "fread fwrite"},
    {"posix/stdio/seek/", "fgetpos fseek fseeko fsetpos ftell ftello"},
    {"posix/stdio/sp/",
     "dprintf fprintf fscanf printf scanf vdprintf vfprintf vfscanf vprintf vscanf"},
    {"posix/stdio/tmp/", "tempnam tmpfile tmpnam"},
}};

const std::vector<std::string>& all_points() {
  static const std::vector<std::string> points = [] {
    std::vector<std::string> names;
    for (const Folder& folder : kFolders) {
      std::istringstream words(folder.names);
      for (std::string word; words >> word;) {
        names.push_back(folder.path + word);
      }
    }
    return names;
  }();
  return points;
}

}  // namespace

std::vector<std::string> libfiu_points(std::string_view name) {
  std::vector<std::string> points;
  std::copy_if(all_points().begin(), all_points().end(), std::back_inserter(points),
               [name](const std::string& point) {
                 return name.ends_with('*') ? point.starts_with(name.substr(0, name.size() - 1))
                                            : point == name;
               });
  return points;
}

std::string libfiu_name_problem(std::string_view name) {
  if (!libfiu_points(name).empty()) {
    return {};
  }
  const std::string meant = nearest(name, all_points());
  if (!meant.empty()) {
    return fmt::format("no such point of libfiu: \"{}\"; did you mean \"{}\"?", name, meant);
  }
  std::vector<std::string> folders;
  for (const Folder& folder : kFolders) {
    folders.push_back(std::string(folder.path) + "*");
  }
  return fmt::format("no such point of libfiu: \"{}\"; allowed: one of {}", name,
                     fmt::join(folders, ", "));
}

int libfiu_default_error(std::string_view point) {
  return point.starts_with("libc/") || point.starts_with("posix/mm/") ? ENOMEM : EIO;
}

void require_libfiu() {
  if (::access(kPosixPreload, R_OK) != 0) {
    throw EnvironmentError(
        fmt::format("libfiu faults need {}: install libfiu0 (Debian)", kPosixPreload));
  }
}

FiuPreload::FiuPreload() {
  require_libfiu();
  library_ = Fd(::memfd_create("crashpoint-fiu", MFD_CLOEXEC));
  const std::string_view content(
      crashpoint_fiu_library,
      static_cast<std::size_t>(crashpoint_fiu_library_end - crashpoint_fiu_library));
  if (!library_.valid() || ::write(library_.get(), content.data(), content.size()) !=
                               static_cast<ssize_t>(content.size())) {
    throw EnvironmentError(
        fmt::format("cannot keep the library for libfiu faults in memory: {}", error_text(errno)));
  }
}

std::string FiuPreload::libraries() const {
  return fmt::format("/proc/{}/fd/{}:{}", ::getpid(), library_.get(), kPosixPreload);
}

}  // namespace crashpoint::fault
