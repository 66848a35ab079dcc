#include "harness/scenario/syscall_facts.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <sstream>

namespace crashpoint::scenario {
namespace {

enum Nature : unsigned { kOther = 0, kWrites = 1, kSkippable = 2, kNeverFails = 4 };

struct Row {
  const char* names;  // the family first
  unsigned nature;
  const char* errors;
};

constexpr const char* kAnyErrors = "EDQUOT EIO ENOMEM EINTR";

constexpr std::array<Row, 22> kTable = {{
    {"open openat openat2 creat", kOther,
     "EACCES EAGAIN EBUSY EEXIST EFBIG EINVAL EISDIR ELOOP EMFILE ENAMETOOLONG ENFILE ENODEV "
     "ENOENT "
     "ENOSPC ENOTDIR ENXIO EOPNOTSUPP EOVERFLOW EPERM EROFS ETXTBSY ESTALE"},
    {"close", kOther, "ENOSPC"},
    {"write pwrite pwrite64 writev pwritev pwritev2", kWrites | kSkippable,
     "EAGAIN EDESTADDRREQ EFBIG EINVAL ENOSPC ENXIO EPERM EPIPE EROFS ESTALE"},
    {"send sendto sendmsg sendmmsg", kOther,
     "EAGAIN EACCES ECONNRESET EMSGSIZE ENOBUFS ENOTCONN EOPNOTSUPP EPIPE"},
    {"copy sendfile copy_file_range splice", kOther,
     "EAGAIN EFBIG EINVAL EISDIR ENOSPC EOPNOTSUPP EOVERFLOW EPERM EPIPE ESPIPE ETXTBSY EXDEV"},
    {"clone_file ioctl", kOther, "EINVAL EISDIR ENOSPC EOPNOTSUPP EPERM ETXTBSY EXDEV"},
    {"truncate ftruncate", kSkippable,
     "EACCES EFBIG EINVAL EISDIR ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS ETXTBSY"},
    {"fallocate", kSkippable, "EFBIG EINVAL ENODEV ENOSPC EOPNOTSUPP EPERM ESPIPE ETXTBSY"},
    {"rename renameat renameat2", kSkippable,
     "EACCES EBUSY EEXIST EINVAL EISDIR ELOOP EMLINK ENAMETOOLONG ENOENT ENOSPC ENOTDIR ENOTEMPTY "
     "EPERM EROFS EXDEV"},
    {"link linkat", kSkippable,
     "EACCES EEXIST EINVAL ELOOP EMLINK ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS EXDEV"},
    {"symlink symlinkat", kSkippable,
     "EACCES EEXIST EINVAL ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS"},
    {"unlink unlinkat", kSkippable,
     "EACCES EBUSY EINVAL EISDIR ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS"},
    {"rmdir", kSkippable,
     "EACCES EBUSY EINVAL ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR ENOTEMPTY EPERM EROFS"},
    {"mkdir mkdirat", kSkippable,
     "EACCES EEXIST EINVAL ELOOP EMLINK ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS"},
    {"fsync", kSkippable, "EINVAL ENOSPC EROFS"},
    {"fdatasync", kSkippable, "EINVAL ENOSPC EROFS"},
    {"sync", kSkippable | kNeverFails, ""},
    {"syncfs", kSkippable, "ENOSPC EROFS"},
    {"sync_file_range", kSkippable, "EINVAL ENOSPC ESPIPE"},
    {"msync", kSkippable, "EBUSY EINVAL"},
    {"fork vfork clone clone3", kOther, "EAGAIN"},
    {"exit exit_group", kNeverFails, ""},
}};

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), std::istream_iterator<std::string>()};
}

const std::map<std::string, SyscallFacts, std::less<>>& table() {
  static const std::map<std::string, SyscallFacts, std::less<>> by_name = [] {
    std::map<std::string, SyscallFacts, std::less<>> facts;
    for (const Row& row : kTable) {
      SyscallFacts fact;
      if ((row.nature & kNeverFails) == 0) {
        fact.errors = words(std::string(row.errors) + " " + kAnyErrors);
        std::sort(fact.errors.begin(), fact.errors.end());
      }
      fact.writes = (row.nature & kWrites) != 0;
      fact.skippable = (row.nature & kSkippable) != 0;
      for (const std::string& name : words(row.names)) {
        facts[name] = fact;
      }
    }
    return facts;
  }();
  return by_name;
}

}  // namespace

const SyscallFacts* syscall_facts(std::string_view name) {
  const auto found = table().find(name);
  return found == table().end() ? nullptr : &found->second;
}

std::vector<std::string> syscall_names() {
  std::vector<std::string> names;
  for (const auto& [name, facts] : table()) {
    names.push_back(name);
  }
  return names;
}

}  // namespace crashpoint::scenario
