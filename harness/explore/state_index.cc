#include "harness/explore/state_index.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/base/check.h"

namespace crashpoint::explore {

using crash::Digest;
using oracle::CrashKind;

StateIndex::StateIndex(const ExploreOptions& explore_options)
    : options(explore_options), profiles(crash::profiles().begin(), crash::profiles().end()) {
  if (crash::find_profile(options.profile.name) == nullptr) {
    profiles.push_back(options.profile);
  }
}

bool StateIndex::is_permitted(const Record& record, std::uint32_t scene, std::uint32_t point,
                              const crash::Profile& profile) const {
  crash::CrashModel model(scenes[scene].timeline, profile);
  model.advance(scenes[scene].points[point].position);
  bool found = false;
  for_each_state(model, state_options(), [&](crash::CrashState&& state) {
    found = state.digest == record.digest;
    return !found;
  });
  return found;
}

const crash::Profile& StateIndex::profile_of(CrashKind kind) const {
  return kind == CrashKind::kProcessKill ? *crash::find_profile("process-kill") : options.profile;
}

const crash::Profile& StateIndex::profile_named(const std::string& name) const {
  const auto found = std::find_if(profiles.begin(), profiles.end(),
                                  [&](const crash::Profile& known) { return known.name == name; });
  HARNESS_CHECK(found != profiles.end(), name);
  return *found;
}

crash::StateOptions StateIndex::state_options() const {
  return {.torn_writes = options.torn_writes,
          .samples = options.samples_per_point,
          .seed = options.seed};
}

Digest StateIndex::key_of(Digest digest, std::uint32_t scene, CrashKind kind,
                          const crash::CrashModel& model) const {
  if (options.prune == Prune::kNone) {
    digest.high ^=
        crash::digest_of(fmt::format("{} {} {}", scene, static_cast<int>(kind), model.version()))
            .high;
  }
  return digest;
}

std::optional<std::uint32_t> StateIndex::number_of(const Digest& key) const {
  const auto known = by_key.find(key);
  return known == by_key.end() ? std::nullopt : std::optional(known->second);
}

std::uint32_t StateIndex::add(const Digest& key, Record record) {
  const auto number = static_cast<std::uint32_t>(records.size());
  const bool is_new = by_key.emplace(key, number).second;
  HARNESS_CHECK(is_new, number);
  records.push_back(std::move(record));
  return number;
}

const Sighting& StateIndex::first_sighting(std::uint32_t number) const {
  HARNESS_CHECK(number < records.size(), number, records.size());
  HARNESS_CHECK(!records[number].sightings.empty(), number);
  return records[number].sightings.front();
}

std::vector<std::pair<CrashKind, PointRange>> StateIndex::judged_at(std::uint32_t number) const {
  HARNESS_CHECK(number < records.size(), number, records.size());
  std::vector<std::pair<CrashKind, PointRange>> at;
  // Records on the way to the run, and the strongest crash on that way. Recoveries can lead from one
  // state to another and back.
  std::vector<std::pair<std::uint32_t, CrashKind>> way{{number, CrashKind::kProcessKill}};
  for (std::size_t i = 0; i < way.size(); ++i) {
    const auto [record, strongest] = way[i];
    for (const Sighting& sighting : records[record].sightings) {
      const CrashKind kind = std::max(strongest, sighting.kind);
      if (scenes[sighting.scene].depth == 1) {
        at.emplace_back(kind, sighting.points);
        continue;
      }
      const std::pair next(scenes[sighting.scene].parent, kind);
      if (std::find(way.begin(), way.end(), next) == way.end()) {
        way.push_back(next);
      }
    }
  }
  return at;
}

void add_sighting(Record& record, const Sighting& sighting) {
  HARNESS_CHECK(sighting.points.first <= sighting.points.last, sighting.points.first,
                sighting.points.last);
  for (auto at = record.sightings.rbegin(); at != record.sightings.rend(); ++at) {
    if (at->scene == sighting.scene && at->kind == sighting.kind) {
      if (at->points.last + 1 == sighting.points.first) {
        at->points.last = sighting.points.last;
        return;
      }
      if (at->points.first <= sighting.points.first && sighting.points.last <= at->points.last) {
        return;
      }
      break;
    }
  }
  record.sightings.push_back(sighting);
}

}  // namespace crashpoint::explore
