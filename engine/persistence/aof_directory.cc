#include "engine/persistence/aof_directory.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "engine/io/directory.h"
#include "engine/io/failpoint.h"
#include "engine/persistence/temp_files.h"

namespace engine::persistence {

// The lock comes before the manifest is read: nothing that is read may change afterwards.
Status AofDirectory::attach() {
  if (store_) {
    return {};
  }
  const std::string directory = io::join_path(settings_.directory, settings_.appenddirname);
  const Result<bool> made = io::make_directory(directory);
  if (!made) {
    return fail("Can't open or create append-only dir: " + made.error().message, made.error().code);
  }
  made_directory_ = *made;
  store_.emplace(directory, settings_.appendfilename);
  Result<io::LockFile> lock = io::LockFile::acquire(path(aof::lock_name(settings_.appendfilename)));
  if (!lock && lock.error().code == EAGAIN && io::failpoint("planted/no-directory-lock") != 0) {
    lock = io::LockFile();
  }
  if (!lock) {
    const Error error = lock.error();
    detach();
    return fail(error.code == EAGAIN
                    ? fmt::format("The append only file is in use by another server: {}. Give one "
                                  "of them another dir, appenddirname or appendfilename.",
                                  error.message)
                    : error.message,
                error.code);
  }
  lock_ = std::move(*lock);
  const Result<bool> loaded = store_->load(settings_.aof_checksum, log_);
  if (!loaded) {
    detach();
    return tl::unexpected(loaded.error());
  }
  has_manifest_ = *loaded;
  ENGINE_CHECK(has_manifest_ || manifest().names_nothing());
  return {};
}

void AofDirectory::detach() {
  if (!store_) {
    return;
  }
  lock_ = {};
  if (made_directory_ && !has_manifest_) {
    static_cast<void>(io::remove_directory(store_->directory()));  // fails if it is not empty
  }
  store_.reset();
  has_manifest_ = false;
  uncertainty_ = 0;
}

Status AofDirectory::persist(aof::Manifest next) {
  const aof::Manifest before = manifest();
  const Status persisted = store_->persist(std::move(next), settings_.aof_checksum);
  if (persisted) {
    has_manifest_ = true;
    uncertainty_ = 0;
    return {};
  }
  if (manifest() == before && uncertainty_ == 0) {
    return persisted;
  }
  has_manifest_ = true;
  uncertainty_ = persisted.error().code != 0 ? persisted.error().code : EIO;
  log_.warning("The AOF manifest may not survive a power loss: {}", persisted.error().message);
  return {};
}

Status AofDirectory::sync_names() const {
  return io::sync_directory(store_->directory());
}

aof::ManifestEntry AofDirectory::next_increment() const {
  aof::ManifestEntry entry;
  for (entry.seq = manifest().next_increment_seq();; ++entry.seq) {
    entry.name = aof::increment_name(settings_.appendfilename, entry.seq);
    if (!io::exists(path(entry.name))) {
      return entry;
    }
  }
}

aof::ManifestEntry AofDirectory::next_base() const {
  aof::ManifestEntry entry;
  for (entry.seq = manifest().next_base_seq();; ++entry.seq) {
    entry.name =
        aof::base_name(settings_.appendfilename, entry.seq, settings_.aof_use_rdb_preamble);
    if (!io::exists(path(entry.name))) {
      return entry;
    }
  }
}

Result<aof::ManifestEntry> AofDirectory::name_base(const std::string& temp_name) {
  const aof::ManifestEntry base = next_base();
  Status status = has_manifest_ ? Status() : persist(aof::Manifest());
  if (status) {
    status = io::fail_at("aof/rewrite/before-base-rename", path(temp_name));
  }
  if (status) {
    status = io::rename_file(path(temp_name), path(base.name));
  }
  if (!status && io::failpoint("planted/ignore-base-rename-error") != 0) {
    status = {};
  }
  if (!status) {
    static_cast<void>(io::remove_file(path(temp_name)));
    return tl::unexpected(status.error());
  }
  status = io::fail_at("aof/rewrite/after-base-rename", path(base.name));
  if (status) {
    status = sync_names();
  }
  if (!status) {
    static_cast<void>(io::remove_file(path(base.name)));
    return tl::unexpected(status.error());
  }
  return base;
}

Status AofDirectory::remove_numbered_files() {
  const Result<std::vector<std::string>> names = io::list_directory(store_->directory());
  if (!names) {
    return tl::unexpected(names.error());
  }
  for (const std::string& name : *names) {
    if (aof::is_numbered_name(settings_.appendfilename, name)) {
      if (Status removed = io::remove_file(path(name)); !removed) {
        return removed;
      }
    }
  }
  return {};
}

void AofDirectory::remove_history() {
  if (!store_ || manifest().history.empty() || settings_.aof_disable_auto_gc || uncertainty_ != 0 ||
      !io::fail_at("aof/rewrite/before-history-removal", store_->directory())) {
    return;
  }
  aof::Manifest next = manifest();
  std::erase_if(next.history, [this](const aof::ManifestEntry& entry) {
    log_.notice("Removing the history file {} in the background", entry.name);
    const Status removed = io::remove_file(path(entry.name));
    return removed || removed.error().code == ENOENT;
  });
  if (!io::fail_at("aof/rewrite/after-history-removal", store_->directory())) {
    return;
  }
  if (const Status persisted = persist(std::move(next)); !persisted) {
    log_.warning("Can't remove the history from the AOF manifest: {}", persisted.error().message);
  }
}

void AofDirectory::remove_stale_temp_files() {
  persistence::remove_stale_temp_files(store_->directory(), log_);
  for (const std::string& name : {aof::temp_manifest_name(settings_.appendfilename),
                                  aof::temp_increment_name(settings_.appendfilename)}) {
    if (io::remove_file(path(name))) {
      log_.notice("Removed the temporary file {} that an earlier process left", name);
    }
  }
}

}  // namespace engine::persistence
