// A folder as one file, and back: .tar.zst, as `tar --zstd` reads and writes it.
#pragma once

#include <filesystem>

namespace crashpoint::report {

// Files, directories, symlinks and hard links below `folder`, with their modes; under the folder's
// own name, so that unpacking makes one folder. Owners and times are left out: the same folder gives
// the same bytes. Throws EnvironmentError.
void pack(const std::filesystem::path& folder, const std::filesystem::path& archive);

// Into `folder`, which must exist. Nothing is written outside of it, whatever the archive says: a
// name with "..", an absolute one, or one that goes through a symlink is refused. Returns the one
// folder that was packed. Throws UsageError when `archive` cannot be read or is no such archive.
std::filesystem::path unpack(const std::filesystem::path& archive,
                             const std::filesystem::path& folder);

}  // namespace crashpoint::report
