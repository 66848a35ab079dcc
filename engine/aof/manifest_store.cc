#include "engine/aof/manifest_store.h"

#include <cerrno>
#include <utility>

#include "engine/io/directory.h"
#include "engine/io/failpoint.h"
#include "engine/io/file.h"

namespace engine::aof {
namespace {

constexpr std::size_t kManifestBytesMax = std::size_t{16} << 20;

Status write_synced(const std::string& path, const std::string& text) {
  if (Status ok = io::fail_at("manifest/write/before", path); !ok) {
    return ok;
  }
  Result<io::File> file = io::File::open(path, io::OpenMode::kCreate);
  if (!file) {
    return tl::unexpected(file.error());
  }
  if (Status written = file->write_all(text); !written) {
    return written;
  }
  if (Status ok = io::fail_at("manifest/sync/before", path); !ok) {
    return ok;
  }
  if (Status synced = file->sync_data(); !synced) {
    return synced;
  }
  return file->close();
}

// What parse_manifest() would accept at the next start.
void check_manifest(const Manifest& manifest) {
  const auto check_entry = [](const ManifestEntry& entry) {
    ENGINE_CHECK(entry.seq > 0, entry.name, entry.seq);
    ENGINE_CHECK(!entry.name.empty() && entry.name.find('/') == std::string::npos, entry.name);
  };
  if (manifest.base) {
    check_entry(*manifest.base);
  }
  for (const ManifestEntry& entry : manifest.history) {
    check_entry(entry);
  }
  std::uint64_t last_seq = 0;
  for (const ManifestEntry& entry : manifest.increments) {
    check_entry(entry);
    ENGINE_CHECK(entry.seq > last_seq, entry.name, entry.seq, last_seq);
    last_seq = entry.seq;
  }
}

}  // namespace

ManifestStore::ManifestStore(std::string directory, std::string appendfilename)
    : directory_(std::move(directory)), appendfilename_(std::move(appendfilename)) {}

std::string ManifestStore::path(const std::string& name) const {
  return io::join_path(directory_, name);
}

Result<bool> ManifestStore::load(bool verify, Log& log) {
  const std::string file = path(manifest_name(appendfilename_));
  const Result<std::string> text = io::read_file(file, kManifestBytesMax);
  if (!text) {
    if (text.error().code == ENOENT || text.error().code == ENOTDIR) {
      return false;
    }
    return fail("Fatal error: can't open the AOF manifest file " + file +
                    " for reading: " + text.error().message,
                text.error().code);
  }
  tl::expected<Manifest, ManifestError> manifest = parse_manifest(*text, verify);
  if (!manifest) {
    const ManifestError& error = manifest.error();
    log.warning("*** FATAL AOF MANIFEST FILE ERROR ***");
    log.warning("Reading the manifest file {}, at line {}", file, error.line);
    log.warning(">>> '{}'", error.content);
    return fail(error.reason);
  }
  current_ = std::move(*manifest);
  return true;
}

// current() changes with the rename: from then on a new start may see the new manifest.
Status ManifestStore::persist(Manifest next, bool checksum) {
  check_manifest(next);
  const std::string name = path(manifest_name(appendfilename_));
  const std::string temp = path(temp_manifest_name(appendfilename_));
  Status status = write_synced(temp, format_manifest(next, checksum));
  if (status) {
    status = io::fail_at("manifest/rename/before", temp);
  }
  if (status) {
    status = io::rename_file(temp, name);
  }
  if (!status) {
    static_cast<void>(io::remove_file(temp));
    return status;
  }
  current_ = std::move(next);
  if (Status ok = io::fail_at("manifest/rename/after", name); !ok) {
    return ok;
  }
  if (io::failpoint("planted/skip-manifest-directory-sync") == 0) {
    if (Status synced = io::sync_directory(directory_); !synced) {
      return synced;
    }
  }
  return io::fail_at("manifest/directory-sync/after", directory_);
}

}  // namespace engine::aof
