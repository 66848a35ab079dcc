// What a path means at one moment of a trace: a name in the data directory, or one outside of it that was
// moved out, or is about to be moved in.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "harness/crash/index.h"
#include "harness/crash/names.h"
#include "harness/trace/name.h"

namespace crashpoint::crash {

class PathLookup {
 public:
  struct Place {
    InodeId parent = kNoInode;
    trace::Name name;
  };

  // `directories`: what is in them now, kept up to date by the caller.
  explicit PathLookup(const Directories& directories) : directories_(directories) {}

  // Of the data directory; an absolute path is outside.
  [[nodiscard]] static bool is_inside(std::string_view path);

  [[nodiscard]] std::optional<InodeId> look_up(std::string_view path) const;

  // Nothing when it lies in a directory that is not known, as those outside are, unless one was moved
  // out or is about to be moved in.
  [[nodiscard]] std::optional<Place> locate(std::string_view path) const;

  // What stands at `place`, or outside at `path`; kNoInode if that is not known.
  [[nodiscard]] InodeId stands_for(const std::optional<Place>& place,
                                   const std::string& path) const;

  void put_outside(const std::string& path, InodeId inode) { outside_[path] = inode; }
  void take_outside(const std::string& path) { outside_.erase(path); }

 private:
  const Directories& directories_;
  std::map<std::string, InodeId, std::less<>> outside_;  // by path
};

}  // namespace crashpoint::crash
