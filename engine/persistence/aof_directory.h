// The directory of the append only file: who owns it, which files count, what they are called, and
// which of them can be removed.
//
// Threads  The main one.
#pragma once

#include <optional>
#include <string>

#include "engine/aof/manifest.h"
#include "engine/aof/manifest_store.h"
#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/io/lock_file.h"
#include "engine/persistence/settings.h"

namespace engine::persistence {

class AofDirectory {
 public:
  // Borrows both. `settings` is read whenever something is done.
  AofDirectory(const Settings& settings, Log& log) : settings_(settings), log_(log) {}

  // Makes the directory if needed, takes the lock and reads the manifest; does nothing if attached.
  // Refused, with nothing changed, while another process holds the lock.
  Status attach();
  // Releases the lock, and removes the directory if attach() made it and nothing is in it.
  void detach();

  bool attached() const { return store_.has_value(); }

  // --- all that follows only while attached ---

  const aof::ManifestStore& store() const {
    ENGINE_CHECK(attached());
    return *store_;
  }
  const aof::Manifest& manifest() const { return store().current(); }
  bool has_manifest() const { return has_manifest_; }
  std::string path(const std::string& name) const { return store().path(name); }

  // Makes `next` the manifest; what it lists must be durable. Success also when the new one is
  // visible but perhaps not durable: see uncertainty().
  Status persist(aof::Manifest next);
  // errno of why the manifest, and the names of the files it lists, may not survive a power loss.
  // Then nothing that rests on them may be acknowledged. 0: they will.
  int uncertainty() const { return uncertainty_; }
  Status sync_names() const;

  // Numbers that no file in the directory has, whatever the manifest says.
  aof::ManifestEntry next_increment() const;
  aof::ManifestEntry next_base() const;
  // Gives a base that is synced under `temp_name` the next name, durably. On an error it is
  // removed. Without a manifest, one that names nothing comes first: if this is interrupted, the next start
  // knows that the files it finds are leftovers.
  Result<aof::ManifestEntry> name_base(const std::string& temp_name);

  // All bases and increments: what an interrupted creation left.
  Status remove_numbered_files();
  // History, unless aof-disable-auto-gc.
  void remove_history();
  // Temporary files that earlier processes left. (Those without a process id
  // are of no running process, since this one holds the lock.)
  void remove_stale_temp_files();

 private:
  const Settings& settings_;
  Log& log_;
  std::optional<aof::ManifestStore> store_;
  io::LockFile lock_;
  bool has_manifest_ = false;
  bool made_directory_ = false;
  int uncertainty_ = 0;
};

}  // namespace engine::persistence
