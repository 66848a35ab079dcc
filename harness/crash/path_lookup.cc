#include "harness/crash/path_lookup.h"

namespace crashpoint::crash {

bool PathLookup::is_inside(std::string_view path) {
  return !path.empty() && path.front() != '/';
}

std::optional<InodeId> PathLookup::look_up(std::string_view path) const {
  if (path == ".") {
    return kRoot;
  }
  if (const auto outside = outside_.find(path); outside != outside_.end()) {
    return outside->second;
  }
  const std::optional<Place> place = locate(path);
  if (!place) {
    return std::nullopt;
  }
  const InodeId inode = find_name(directories_.at(place->parent), place->name);
  return inode == kNoInode ? std::nullopt : std::optional(inode);
}

std::optional<PathLookup::Place> PathLookup::locate(std::string_view path) const {
  if (path.empty() || path == ".") {
    return std::nullopt;
  }
  InodeId parent = kRoot;
  if (!is_inside(path)) {
    auto way = outside_.end();
    for (std::size_t slash = path.rfind('/'); slash > 0 && way == outside_.end();
         slash = path.rfind('/', slash - 1)) {
      way = outside_.find(path.substr(0, slash));
    }
    if (way == outside_.end() || !directories_.contains(way->second)) {
      return std::nullopt;
    }
    parent = way->second;
    path.remove_prefix(way->first.size() + 1);
  }
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos;
       slash = path.find('/')) {
    parent = find_name(directories_.at(parent), path.substr(0, slash));
    if (!directories_.contains(parent)) {
      return std::nullopt;
    }
    path.remove_prefix(slash + 1);
  }
  return Place{parent, path};
}

InodeId PathLookup::stands_for(const std::optional<Place>& place, const std::string& path) const {
  if (place) {
    return find_name(directories_.at(place->parent), place->name);
  }
  const auto outside = outside_.find(path);
  return outside == outside_.end() ? kNoInode : outside->second;
}

}  // namespace crashpoint::crash
