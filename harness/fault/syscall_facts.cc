#include "harness/fault/syscall_facts.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <span>
#include <sstream>

#include "harness/trace/syscalls.h"

namespace crashpoint::fault {
namespace {

enum Nature : unsigned {
  kOther = 0,
  kTransfers = 1,
  kWrites = 2,
  kSkippable = 4,
  kNeverFails = 8,
  kNoFile = 16,
};

struct Row {
  const char* family;
  unsigned nature;
  const char* errors;
};

constexpr const char* kAnyErrors = "EDQUOT EIO ENOMEM EINTR";

constexpr std::array<Row, 25> kTable = {{
    {"open", kOther,
     "EACCES EAGAIN EBUSY EEXIST EFBIG EINVAL EISDIR ELOOP EMFILE ENAMETOOLONG ENFILE ENODEV "
     "ENOENT "
     "ENOSPC ENOTDIR ENXIO EOPNOTSUPP EOVERFLOW EPERM EROFS ETXTBSY ESTALE"},
    {"close", kOther, "ENOSPC"},
    {"write", kTransfers | kWrites | kSkippable,
     "EAGAIN EDESTADDRREQ EFBIG EINVAL ENOSPC ENXIO EPERM EPIPE EROFS ESTALE"},
    {"send", kTransfers | kNoFile,
     "EAGAIN EACCES ECONNRESET EMSGSIZE ENOBUFS ENOTCONN EOPNOTSUPP EPIPE"},
    {"copy", kTransfers | kWrites,
     "EAGAIN EFBIG EINVAL EISDIR ENOSPC EOPNOTSUPP EOVERFLOW EPERM EPIPE ESPIPE ETXTBSY EXDEV"},
    {"clone_file", kOther, "EINVAL EISDIR ENOSPC EOPNOTSUPP EPERM ETXTBSY EXDEV"},
    {"truncate", kSkippable,
     "EACCES EFBIG EINVAL EISDIR ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS ETXTBSY"},
    {"fallocate", kSkippable, "EFBIG EINVAL ENODEV ENOSPC ENOSYS EOPNOTSUPP EPERM ESPIPE ETXTBSY"},
    {"rename", kSkippable,
     "EACCES EBUSY EEXIST EINVAL EISDIR ELOOP EMLINK ENAMETOOLONG ENOENT ENOSPC ENOTDIR ENOTEMPTY "
     "EPERM EROFS EXDEV"},
    {"link", kSkippable,
     "EACCES EEXIST EINVAL ELOOP EMLINK ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS EXDEV"},
    {"symlink", kSkippable,
     "EACCES EEXIST EINVAL ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS"},
    {"unlink", kSkippable,
     "EACCES EBUSY EINVAL EISDIR ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS"},
    {"rmdir", kSkippable,
     "EACCES EBUSY EINVAL ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR ENOTEMPTY EPERM EROFS"},
    {"mkdir", kSkippable,
     "EACCES EEXIST EINVAL ELOOP EMLINK ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS"},
    {"mknod", kSkippable,
     "EACCES EEXIST EINVAL ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS"},
    {"chmod", kSkippable, "EACCES EINVAL ELOOP ENAMETOOLONG ENOENT ENOTDIR EOPNOTSUPP EPERM EROFS"},
    {"setxattr", kSkippable,
     "EACCES EEXIST EINVAL ELOOP ENAMETOOLONG ENODATA ENOENT ENOSPC ENOTDIR EOPNOTSUPP EPERM "
     "EROFS"},
    {"fsync", kSkippable, "EINVAL ENOSPC EROFS"},
    {"fdatasync", kSkippable, "EINVAL ENOSPC EROFS"},
    {"sync", kSkippable | kNeverFails | kNoFile, ""},
    {"syncfs", kSkippable, "ENOSPC EROFS"},
    {"sync_file_range", kSkippable, "EINVAL ENOSPC ESPIPE"},
    {"msync", kSkippable, "EBUSY EINVAL"},
    {"fork", kNoFile, "EAGAIN"},
    {"exit", kNeverFails | kNoFile, ""},
}};

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), std::istream_iterator<std::string>()};
}

const std::map<std::string, SyscallFacts, std::less<>>& table() {
  static const std::map<std::string, SyscallFacts, std::less<>> kByFamily = [] {
    std::map<std::string, SyscallFacts, std::less<>> facts;
    for (const Row& row : kTable) {
      SyscallFacts fact;
      if ((row.nature & kNeverFails) == 0) {
        fact.errors = words(std::string(row.errors) + " " + kAnyErrors);
        std::sort(fact.errors.begin(), fact.errors.end());
      }
      fact.transfers = (row.nature & kTransfers) != 0;
      fact.writes = (row.nature & kWrites) != 0;
      fact.names_file = (row.nature & kNoFile) == 0;
      fact.skippable = (row.nature & kSkippable) != 0;
      facts[row.family] = fact;
    }
    return facts;
  }();
  return kByFamily;
}

}  // namespace

const SyscallFacts* syscall_facts(std::string_view name) {
  const std::vector<std::string> names = trace::fault_syscall_names();
  if (!std::binary_search(names.begin(), names.end(), name)) {
    return nullptr;
  }
  const std::span<const trace::Syscall> calls = trace::syscalls();
  const auto meant = std::find_if(calls.begin(), calls.end(), [&](const trace::Syscall& call) {
    return trace::means(trace::Name(name), call, call.op);
  });
  return meant == calls.end() ? nullptr : &table().at(meant->family);
}

}  // namespace crashpoint::fault
