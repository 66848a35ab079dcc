// The names in directories, and the inodes that they stand for.
#pragma once

#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/crash/index.h"
#include "harness/trace/name.h"

namespace crashpoint::crash {

inline constexpr InodeId kRoot{0};  // the data directory
inline constexpr InodeId kNoInode{0xFFFFFFFF};

// The names in a directory, by name.
using Names = std::vector<std::pair<trace::Name, InodeId>>;
void set_name(Names& names, trace::Name name, InodeId inode);
void remove_name(Names& names, trace::Name name);
[[nodiscard]] InodeId find_name(const Names& names, trace::Name name);
using Directories = std::unordered_map<InodeId, Names>;

}  // namespace crashpoint::crash
