// Operations on names: create, rename, remove, list, and what makes them durable. The other half of
// the door to the disk (file.h). Results and errors as there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace engine::io {

// "a/b" of "a" and "b".
std::string join_path(std::string_view directory, std::string_view name);

// Makes the names inside `path` durable: fsync of the directory.
Status sync_directory(const std::string& path);

// Makes one directory (0755) unless it is there; its name is durable in its parent when this
// returns. True: it was made now. A file in its place is an error.
Result<bool> make_directory(const std::string& path);
Status remove_directory(const std::string& path);  // only an empty one

// Atomic, replaces `to`; not durable before the directories of both are synced.
Status rename_file(const std::string& from, const std::string& to);
Status remove_file(const std::string& path);

// Fails with ENOENT if there is no such file.
Result<std::uint64_t> file_size(const std::string& path);
bool is_directory(const std::string& path);
// Any error but "no such file" counts as existing: what cannot be looked at is not absent.
bool exists(const std::string& path);

// The names in a directory, without "." and "..", sorted.
Result<std::vector<std::string>> list_directory(const std::string& path);

}  // namespace engine::io
