// The filesystems that the profiles are held against.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "harness/base/error.h"

namespace crashpoint::crash {

struct Filesystem {
  std::string name;     // of the test
  std::string profile;  // that it must keep to
  std::string type;
  std::string tool;  // that makes it, of this Debian package
  std::string package;
  std::string make_options;
  // Each in turn, for recordings; their disks are mounted with the first.
  std::vector<std::string> mount_options;
  std::uint64_t size = 0;
};
inline std::ostream& operator<<(std::ostream& out, const Filesystem& value) {
  return out << value.name;
}

inline const std::string kExt4Options = "-q -F -b 4096 -E nodiscard,lazy_itable_init=0";

inline const Filesystem kFilesystems[] = {
    {"Ext4Ordered",
     "ext4-ordered",
     "ext4",
     "mkfs.ext4",
     "e2fsprogs",
     kExt4Options,
     {"data=ordered"},
     64U << 20U},
    {"Ext4NoautoDaAlloc",
     "ext4-noauto_da_alloc",
     "ext4",
     "mkfs.ext4",
     "e2fsprogs",
     kExt4Options,
     {"noauto_da_alloc"},
     64U << 20U},
    {"Ext4Writeback",
     "ext4-writeback",
     "ext4",
     "mkfs.ext4",
     "e2fsprogs",
     kExt4Options,
     {"data=writeback"},
     64U << 20U},
    {"Xfs", "xfs", "xfs", "mkfs.xfs", "xfsprogs", "-q -f -K", {""}, 320U << 20U},
    // By default a file of up to 2,048 bytes lies among the metadata and comes with it: not a block.
    {"Btrfs",
     "btrfs",
     "btrfs",
     "mkfs.btrfs",
     "btrfs-progs",
     "-q -f -K",
     {"nodiscard", "nodiscard,max_inline=0"},
     256U << 20U},
};

// Throws EnvironmentError that says which package to install when the tool is on no path of `path`
// ("/usr/sbin:/usr/bin").
inline void require_tool(const Filesystem& filesystem, const std::string& path) {
  std::istringstream folders(path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((std::filesystem::path(folder) / filesystem.tool).c_str(), X_OK) == 0) {
      return;
    }
  }
  throw EnvironmentError(
      fmt::format("{} is not installed: apt-get install {}", filesystem.tool, filesystem.package));
}

inline void make_filesystem(const Filesystem& filesystem, const std::filesystem::path& device) {
  const char* const path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
  require_tool(filesystem, path == nullptr ? "" : path);
  const std::string command = fmt::format("{} {} {} >/dev/null 2>&1", filesystem.tool,
                                          filesystem.make_options, device.string());
  if (std::system(command.c_str()) != 0) {  // NOLINT(concurrency-mt-unsafe)
    throw EnvironmentError(fmt::format("failed: {}", command));
  }
}

}  // namespace crashpoint::crash
