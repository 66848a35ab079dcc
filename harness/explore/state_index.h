// What an exploration knows of its states: what is crashed (scenes), every distinct directory
// (records), and where each was found to be permitted. Internal to this room.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "harness/crash/model.h"
#include "harness/crash/states.h"
#include "harness/crash/timeline.h"
#include "harness/explore/explore.h"
#include "harness/explore/recovered_states.h"

namespace crashpoint::explore {

// What is crashed: the run, or the recovery of one of its crash states.
struct Scene {
  std::shared_ptr<const crash::Timeline> timeline;
  std::vector<crash::CrashPoint> points;
  std::uint32_t depth = 1;
  std::uint32_t parent = 0;  // depth > 1: the record whose recovery this is
  struct Reply {
    trace::Position left = 0;
    std::int64_t left_ns = 0;
  };
  std::vector<Reply> replies;  // in that order
};

// Where a directory was found to be permitted: in a scene, by the crash of a kind, at a run of points.
struct Sighting {
  std::uint32_t scene = 0;
  oracle::CrashKind kind = oracle::CrashKind::kProcessKill;
  PointRange points;
};

// One distinct directory.
struct Record {
  crash::Digest digest;
  std::vector<Sighting> sightings = {};
  std::optional<ResultId> result = {};
  bool alike =
      false;  // the result is that of another state that recovery cannot tell from this one
  crash::Phase phase = crash::Phase::kEverything;  // that made it
  bool reorders_files = false;                     // CrashModel::reorders_files
};

// Threads    One at a time.
struct StateIndex {
  explicit StateIndex(const ExploreOptions& explore_options);

  [[nodiscard]] const crash::Profile& profile_of(oracle::CrashKind kind) const;
  [[nodiscard]] const crash::Profile& profile_named(const std::string& name) const;
  [[nodiscard]] crash::StateOptions state_options() const;

  // By what a state is recognized: its directory; without pruning, where it was found as well.
  [[nodiscard]] crash::Digest key_of(crash::Digest digest, std::uint32_t scene,
                                     oracle::CrashKind kind, const crash::CrashModel& model) const;
  [[nodiscard]] std::optional<std::uint32_t> number_of(const crash::Digest& key) const;
  // A new record, under a key that no other has. Returns its number.
  std::uint32_t add(const crash::Digest& key, Record record);
  // Where a record was found first. Every record was found somewhere by the time a pass has ended.
  [[nodiscard]] const Sighting& first_sighting(std::uint32_t number) const;

  // Whether the directory is a state of that profile too, at that point of a scene.
  [[nodiscard]] bool is_permitted(const Record& record, std::uint32_t scene, std::uint32_t point,
                                  const crash::Profile& profile) const;

  // The points of the run at which a directory may be what recovery starts from, and the kind of
  // crash whose promise counts: of a crash during recovery, those of the state that was being
  // recovered.
  [[nodiscard]] std::vector<std::pair<oracle::CrashKind, PointRange>> judged_at(
      std::uint32_t number) const;

  const ExploreOptions& options;
  std::vector<crash::Profile> profiles;  // those we know, and the scenario's own
  std::vector<Scene> scenes;             // the run first
  std::deque<Record> records;
  std::unordered_map<crash::Digest, std::uint32_t> by_key;
};

void add_sighting(Record& record, const Sighting& sighting);

}  // namespace crashpoint::explore
