#include "engine/persistence/recovery.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "engine/aof/aof_format.h"
#include "engine/aof/replay.h"
#include "engine/base/text.h"
#include "engine/io/directory.h"
#include "engine/io/failpoint.h"
#include "engine/io/file.h"
#include "engine/persistence/temp_files.h"
#include "engine/rdb/snapshot_loader.h"

namespace engine::persistence {
namespace {

double seconds_since(const Clock& clock, std::int64_t begin_us) {
  return static_cast<double>(clock.monotonic_us() - begin_us) / 1e6;
}

Result<bool> begins_with_rdb(const io::File& file) {
  char magic[aof::kRdbMagic.size()];
  const Result<std::size_t> got = file.read_at(0, magic);
  if (!got) {
    return tl::unexpected(got.error());
  }
  return std::string_view(magic, *got) == aof::kRdbMagic;
}

}  // namespace

Recovery::Recovery(const Settings& settings, keyspace::Keyspace& keyspace,
                   aof::ReplayTarget& target, const Clock& clock, Log& log,
                   LoadingProgress& progress, std::function<void()> on_progress,
                   bool verify_checksums)
    : settings_(settings),
      keyspace_(keyspace),
      target_(target),
      clock_(clock),
      log_(log),
      progress_(progress),
      on_progress_(std::move(on_progress)),
      verify_checksums_(verify_checksums) {}

Result<std::uint64_t> Recovery::load_rdb(const io::File& file, bool keep_expired, bool overwrite) {
  const std::uint64_t before = progress_.loaded_bytes;
  rdb::LoadOptions options;
  options.verify_checksum = verify_checksums_ && settings_.rdbchecksum;
  options.keep_expired = keep_expired;
  options.overwrite = overwrite;
  options.eviction_hint = settings_.eviction_hint;
  options.now_ms = clock_.wall_ms();
  options.key_delay_us = settings_.key_load_delay_us;
  options.progress_interval_bytes =
      static_cast<std::uint64_t>(settings_.loading_process_events_interval_bytes);
  options.progress = [this, before](const rdb::LoadProgress& progress) {
    progress_.loaded_bytes = before + progress.offset;
    progress_.rdb_used_memory_bytes = progress.used_memory_bytes;
    progress_.keys_loaded = progress.keys_loaded;
    progress_.keys_expired = progress.keys_expired;
    on_progress_();
  };
  const Result<rdb::LoadResult> loaded = rdb::load_snapshot(file, keyspace_, options, log_);
  if (!loaded) {
    return tl::unexpected(loaded.error());
  }
  progress_.keys_loaded = loaded->keys_loaded;
  progress_.keys_expired = loaded->keys_expired;
  return loaded->end_offset;
}

Result<bool> Recovery::load_snapshot_file(bool overwrite) {
  const std::string path = io::join_path(settings_.directory, settings_.dbfilename);
  const Result<io::File> file = io::File::open(path, io::OpenMode::kRead);
  if (!file) {
    if (file.error().code == ENOENT) {
      return false;
    }
    return fail(fmt::format("Fatal error loading the DB: {}. Exiting.", file.error().message),
                file.error().code);
  }
  progress_ = {};
  progress_.total_bytes = file->size().value_or(0);
  const Result<std::uint64_t> loaded = load_rdb(*file, false, overwrite);
  if (!loaded) {
    return fail(fmt::format("Fatal error loading the DB: {}. Exiting.", loaded.error().message),
                loaded.error().code);
  }
  return true;
}

Result<bool> Recovery::recover_snapshot_file() {
  const std::int64_t begin_us = clock_.monotonic_us();
  Result<bool> loaded = load_snapshot_file();
  if (loaded && *loaded) {
    log_.notice("DB loaded from disk: {:.3f} seconds", seconds_since(clock_, begin_us));
  }
  return loaded;
}

// An RDB preamble may open any part: the single file of redis-server before 7.0 has one too.
Result<AofEnd> Recovery::load_part(const AofPlan::Part& part, bool last) {
  const Result<io::File> file = io::File::open(part.path, io::OpenMode::kRead);
  if (!file) {
    return fail(fmt::format("Fatal error: can't open the append log file {} for reading: {}",
                            part.path, error_text(file.error().code)),
                file.error().code);
  }
  if (const Status ok = io::fail_at("aof/load/before-file", part.path); !ok) {
    return tl::unexpected(ok.error());
  }
  const std::uint64_t before = progress_.loaded_bytes;
  const Result<bool> rdb = begins_with_rdb(*file);
  if (!rdb) {
    return tl::unexpected(rdb.error());
  }
  aof::ReplayOptions options;
  if (*rdb) {
    log_.notice("{}", part.base ? "Reading RDB base file on AOF loading..."
                                : "Reading RDB preamble from AOF file...");
    const Result<std::uint64_t> loaded = load_rdb(*file, true, false);
    if (!loaded) {
      return fail(
          fmt::format("Error reading the RDB preamble of the AOF file, AOF loading aborted: {}",
                      loaded.error().message),
          loaded.error().code);
    }
    options.offset = *loaded;
  }
  options.last = last;
  options.truncated_ok = settings_.aof_load_truncated;
  options.checksum = settings_.aof_checksum;
  options.databases = keyspace_.count();
  options.command_delay_us = settings_.key_load_delay_us;
  options.progress = [this, before](std::uint64_t offset) {
    progress_.loaded_bytes = before + offset;
    on_progress_();
  };
  const Result<aof::ReplayResult> replayed = aof::replay_file(*file, options, target_);
  if (!replayed) {
    return tl::unexpected(replayed.error());
  }
  ENGINE_CHECK(
      options.offset <= replayed->valid_size && replayed->valid_size <= replayed->file_size,
      options.offset, replayed->valid_size, replayed->file_size);
  ENGINE_CHECK(last || replayed->valid_size == replayed->file_size, part.path);
  progress_.loaded_bytes = before + replayed->file_size;
  if (replayed->skipped.count > 0) {
    log_.warning("Commands in the AOF {} that change no data were skipped: {}, the first {}",
                 part.path, replayed->skipped.count, replayed->skipped.first);
  }
  if (replayed->refused.count > 0) {
    log_.warning(
        "== CRITICAL == Commands in the AOF {} were answered with an error and had no effect: {}, "
        "the "
        "first {}. The data before them is not what they were logged on: something is missing, or "
        "the file was changed",
        part.path, replayed->refused.count, replayed->refused.first);
  }
  if (replayed->valid_size < replayed->file_size) {
    log_.warning("!!! Warning: short read while loading the AOF file {}!!! ({})", part.path,
                 replayed->cut_reason);
    log_.warning("AOF loaded anyway because aof-load-truncated is enabled");
    log_.warning("Truncating the AOF {} at offset {}, {} bytes after it are lost", part.path,
                 replayed->valid_size, replayed->file_size - replayed->valid_size);
  }
  return AofEnd{replayed->valid_size, replayed->checked};
}

// All files are looked at before the first is loaded, so that a missing one is found at once.
Result<AofEnd> Recovery::load(const std::vector<AofPlan::Part>& parts) {
  progress_ = {};
  for (const AofPlan::Part& part : parts) {
    const Result<std::uint64_t> size = io::file_size(part.path);
    if (!size) {
      return fail(fmt::format("Unable to obtain the AOF file {} length. stat: {}", part.path,
                              error_text(size.error().code)),
                  size.error().code);
    }
    if (part.base && part.path.ends_with(".rdb") && *size == 0) {
      return fail(
          fmt::format("The base {} of the append only file has 0 bytes, but an RDB file always has "
                      "a header: its "
                      "content was lost. Restore it from a backup.",
                      part.path));
    }
    progress_.total_bytes += *size;
  }
  AofEnd end;
  for (const AofPlan::Part& part : parts) {
    const std::int64_t part_begin_us = clock_.monotonic_us();
    const Result<AofEnd> loaded = load_part(part, &part == &parts.back());
    if (!loaded) {
      return loaded;
    }
    end = *loaded;
    log_.notice("DB loaded from {} file {}: {:.3f} seconds", part.base ? "base" : "incr",
                part.path.substr(part.path.rfind('/') + 1), seconds_since(clock_, part_begin_us));
  }
  return end;
}

// Loads first and changes files only then (rule 8 of the README).
Status Recovery::recover_append_only_file(AppendOnlyFile& aof) {
  if (Status attached = aof.directory().attach(); !attached) {
    return attached;
  }
  const Result<AofPlan> plan =
      plan_aof(settings_, aof.directory().store(), aof.directory().has_manifest());
  if (!plan) {
    return tl::unexpected(plan.error());
  }
  if (plan->source == AofPlan::Source::kNothing) {
    const Result<bool> snapshot = recover_snapshot_file();
    if (!snapshot) {
      return tl::unexpected(snapshot.error());
    }
    if (*snapshot) {
      log_.notice("There is no append only file yet: the snapshot {} becomes its first base",
                  settings_.dbfilename);
    }
    return aof.create(keyspace_);
  }
  const std::int64_t begin_us = clock_.monotonic_us();
  ENGINE_CHECK(!plan->parts.empty());
  const Result<AofEnd> end = load(plan->parts);
  if (!end) {
    return tl::unexpected(end.error());
  }
  log_.notice("DB loaded from append only file: {:.3f} seconds", seconds_since(clock_, begin_us));
  return plan->source == AofPlan::Source::kSingleFile
             ? aof.adopt_single_file(plan->parts.front().path, end->valid_size)
             : aof.open(*end);
}

Result<AofPlan> plan_aof(const Settings& settings, const aof::ManifestStore& store,
                         bool has_manifest) {
  AofPlan plan;
  const aof::Manifest& manifest = store.current();
  const bool has_log = has_manifest && (manifest.base || !manifest.increments.empty());
  // An adoption that was interrupted: the manifest names the file, which is still where it was.
  aof::Manifest half_adopted;
  half_adopted.base = aof::ManifestEntry{settings.appendfilename, 1};
  const bool adopting =
      manifest == half_adopted && !io::exists(store.path(settings.appendfilename));
  const std::string single = io::join_path(settings.directory, settings.appendfilename);
  if ((!has_log || adopting) && io::exists(single)) {
    plan.source = AofPlan::Source::kSingleFile;
    plan.parts.push_back({single, true});
    return plan;
  }
  if (has_log) {
    plan.source = AofPlan::Source::kAof;
    if (manifest.base) {
      plan.parts.push_back({store.path(manifest.base->name), true});
    }
    for (const aof::ManifestEntry& entry : manifest.increments) {
      plan.parts.push_back({store.path(entry.name), false});
    }
    return plan;
  }
  if (has_manifest || !io::exists(store.directory())) {
    return plan;
  }
  const Result<std::vector<std::string>> names = io::list_directory(store.directory());
  if (!names) {
    return tl::unexpected(names.error());
  }
  std::vector<std::string> orphans;
  for (const std::string& name : *names) {
    if (aof::is_numbered_name(settings.appendfilename, name) || name == settings.appendfilename) {
      orphans.push_back(name);
    }
  }
  if (!orphans.empty()) {
    return fail(
        fmt::format("The AOF manifest {} is missing, but {} has {}: they may hold data, so nothing "
                    "is started or "
                    "changed. Restore the manifest, or move the files away to start without them.",
                    store.path(aof::manifest_name(settings.appendfilename)), settings.appenddirname,
                    fmt::join(orphans, ", ")));
  }
  return plan;
}

}  // namespace engine::persistence
