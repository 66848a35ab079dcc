// Packs a directory into a .tar.zst, as `tar --zstd` does, and unpacks it.
#pragma once

#include <filesystem>

namespace crashpoint::report {

// Packs files, directories, symlinks and hard links below `folder`, with their modes, under the
// directory's own name, so that unpacking creates one directory. Omits owners and times: equal
// directories give equal bytes. Throws EnvironmentError.
void pack(const std::filesystem::path& folder, const std::filesystem::path& archive);

// Unpacks into `folder`, which must exist. Never writes outside of it: refuses a name that contains
// "..", is absolute, or leads through a symlink. Returns the directory that was packed. Throws
// UsageError if `source` cannot be read or is not such an archive.
std::filesystem::path unpack(const std::filesystem::path& source,
                             const std::filesystem::path& folder);

}  // namespace crashpoint::report
