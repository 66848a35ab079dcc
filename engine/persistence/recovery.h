// Brings the data set back at start: the append only file if it is enabled, else the snapshot.
//
// Nothing is changed on disk before everything has been loaded: where this refuses, it refuses
// again, for the same reason, at the next start.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/aof/manifest_store.h"
#include "engine/aof/replay_target.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/io/file.h"
#include "engine/keyspace/keyspace.h"
#include "engine/persistence/append_only_file.h"
#include "engine/persistence/settings.h"

namespace engine::persistence {

// How far a load has come; the figures of INFO's loading_*.
struct LoadingProgress {
  std::uint64_t total_bytes = 0;
  std::uint64_t loaded_bytes = 0;
  std::uint64_t rdb_used_memory_bytes = 0;
  std::int64_t keys_loaded = 0;   // of the last RDB
  std::int64_t keys_expired = 0;  // of the last RDB
};

// What a start with the append only file enabled loads.
struct AofPlan {
  enum class Source {
    kAof,         // the files that the manifest lists
    kSingleFile,  // the one file of redis-server before 7.0, which becomes the first base
    kNothing,     // there is no log yet: the snapshot, if there is one, becomes the first base
  };
  struct Part {
    std::string path;
    bool base = false;
  };
  Source source = Source::kNothing;
  std::vector<Part> parts;
};

// Decides by looking only. `has_manifest`: `store` has read one. An error: such a state is refused.
Result<AofPlan> plan_aof(const Settings& settings, const aof::ManifestStore& store,
                         bool has_manifest);

class Recovery {
 public:
  // Borrows all. `on_progress` is called from time to time.
  Recovery(const Settings& settings, keyspace::Keyspace& keyspace, aof::ReplayTarget& target,
           const Clock& clock, Log& log, LoadingProgress& progress,
           std::function<void()> on_progress, bool verify_checksums);

  // The snapshot <dir>/<dbfilename>; false: there is none.
  Result<bool> load_snapshot_file(bool overwrite = false);
  // The same at a start, which says in the log how long it took.
  Result<bool> recover_snapshot_file();
  // The append only file, which is then open for appending.
  Status recover_append_only_file(AppendOnlyFile& aof);
  // The parts of a plan; returns how much of the last one is good.
  Result<AofEnd> load(const std::vector<AofPlan::Part>& parts);

 private:
  Result<AofEnd> load_part(const AofPlan::Part& part, bool last);
  // The RDB that `file` begins with; returns where it ends.
  Result<std::uint64_t> load_rdb(const io::File& file, bool keep_expired, bool overwrite);

  const Settings& settings_;
  keyspace::Keyspace& keyspace_;
  aof::ReplayTarget& target_;
  const Clock& clock_;
  Log& log_;
  LoadingProgress& progress_;
  std::function<void()> on_progress_;
  bool verify_checksums_;
};

}  // namespace engine::persistence
