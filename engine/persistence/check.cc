#include "engine/persistence/check.h"

#include <fmt/format.h>

#include "engine/aof/manifest_store.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/io/directory.h"
#include "engine/io/lock_file.h"
#include "engine/persistence/recovery.h"

namespace engine::persistence {
namespace {

// The report is what a start would log.
class PrintedLog final : public Log {
 public:
  explicit PrintedLog(std::FILE* out) : out_(out) {}
  void write(LogLevel /*level*/, std::string_view message) override {
    fmt::print(out_, "  {}\n", message);
  }

 private:
  std::FILE* out_;
};

class Checker {
 public:
  Checker(const Settings& settings, keyspace::Keyspace& keyspace, aof::ReplayTarget& target,
          std::FILE* out)
      : settings_(settings),
        keyspace_(keyspace),
        out_(out),
        log_(out),
        recovery_(
            settings_, keyspace, target, clock_, log_, progress_, [] {}, true) {}

  bool log_is_good();
  bool snapshot_is_good();

 private:
  bool refused(const Error& error) {
    fmt::print(out_, "  REFUSED: {}\n", error.message);
    return false;
  }
  bool good() {
    fmt::print(out_, "  GOOD: {} keys would be loaded\n", keyspace_.size());
    return true;
  }

  const Settings& settings_;
  keyspace::Keyspace& keyspace_;
  std::FILE* out_;
  PrintedLog log_;
  SystemClock clock_;
  LoadingProgress progress_;
  Recovery recovery_;
};

// The steps of Recovery::recover_append_only_file(), without the lock and without opening the AOF.
bool Checker::log_is_good() {
  const std::string directory = io::join_path(settings_.directory, settings_.appenddirname);
  fmt::print(out_, "Append only file in {}{}\n", directory,
             settings_.appendonly ? "" : " (not loaded while appendonly is no)");
  aof::ManifestStore store(directory, settings_.appendfilename);
  if (const int holder =
          io::LockFile::holder(store.path(aof::lock_name(settings_.appendfilename)))) {
    fmt::print(out_, "  in use by process {}: it may change meanwhile\n", holder);
  }
  const Result<bool> has_manifest = store.load(settings_.aof_checksum, log_);
  if (!has_manifest) {
    return refused(has_manifest.error());
  }
  const Result<AofPlan> plan = plan_aof(settings_, store, *has_manifest);
  if (!plan) {
    return refused(plan.error());
  }
  if (plan->source == AofPlan::Source::kNothing) {
    fmt::print(out_, "  none: a start would create it from the snapshot, or empty\n");
    return true;
  }
  keyspace_.clear();
  const Result<AofEnd> loaded = recovery_.load(plan->parts);
  return loaded ? good() : refused(loaded.error());
}

bool Checker::snapshot_is_good() {
  fmt::print(out_, "Snapshot {}{}\n", io::join_path(settings_.directory, settings_.dbfilename),
             settings_.appendonly ? " (not loaded while there is an append only file)" : "");
  keyspace_.clear();
  const Result<bool> loaded = recovery_.load_snapshot_file();
  if (!loaded) {
    return refused(loaded.error());
  }
  if (!*loaded) {
    fmt::print(out_, "  none\n");
    return true;
  }
  return good();
}

}  // namespace

int check_directory(const Settings& settings, keyspace::Keyspace& keyspace,
                    aof::ReplayTarget& target, std::FILE* out) {
  if (!io::is_directory(settings.directory)) {
    fmt::print(out, "REFUSED: {} is not a directory\n", settings.directory);
    return 1;
  }
  Checker checker(settings, keyspace, target, out);
  const bool snapshot = checker.snapshot_is_good();
  const bool log = checker.log_is_good();
  return snapshot && log ? 0 : 1;
}

}  // namespace engine::persistence
