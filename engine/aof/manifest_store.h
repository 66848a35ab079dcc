// The manifest on disk. Replaced as a whole: written to a temporary name, synced, renamed over the
// old one, and the directory synced, which also makes durable the names of the files it lists.
#pragma once

#include <string>

#include "engine/aof/manifest.h"
#include "engine/base/log.h"
#include "engine/base/result.h"

namespace engine::aof {

class ManifestStore {
 public:
  // `directory` is the AOF directory.
  ManifestStore(std::string directory, std::string appendfilename);

  // Reads the manifest into current(). False: there is none. A damaged one is an error: its line
  // has been logged, the message is the reason. `verify` as in parse_manifest().
  Result<bool> load(bool verify, Log& log);

  // Makes `next` the manifest. Every file it lists must be synced already. If it fails while
  // current() is still the old manifest, nothing has changed; if current() is `next`, that is what
  // a new start will see, unless a power loss brings the old one back.
  Status persist(Manifest next, bool checksum);

  const Manifest& current() const { return current_; }
  const std::string& directory() const { return directory_; }
  // The path of a file in the directory.
  std::string path(const std::string& name) const;

 private:
  std::string directory_;
  std::string appendfilename_;
  Manifest current_;
};

}  // namespace engine::aof
