#include "harness/crash/names.h"

#include <algorithm>

namespace crashpoint::crash {

using trace::Name;

namespace {

auto position_of(const Names& names, Name name) {
  return std::lower_bound(names.begin(), names.end(), name,
                          [](const auto& entry, Name wanted) { return entry.first < wanted; });
}

}  // namespace

void set_name(Names& names, Name name, InodeId inode) {
  const auto at = position_of(names, name);
  if (at != names.end() && at->first == name) {
    names[static_cast<std::size_t>(at - names.begin())].second = inode;
  } else {
    names.insert(at, {name, inode});
  }
}

void remove_name(Names& names, Name name) {
  const auto at = position_of(names, name);
  if (at != names.end() && at->first == name) {
    names.erase(at);
  }
}

InodeId find_name(const Names& names, Name name) {
  const auto at = position_of(names, name);
  return at != names.end() && at->first == name ? at->second : kNoInode;
}

}  // namespace crashpoint::crash
