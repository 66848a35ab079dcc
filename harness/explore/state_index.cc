#include "harness/explore/state_index.h"

#include <fmt/format.h>

#include <algorithm>

namespace crashpoint::explore {

using crash::Digest;
using oracle::CrashKind;

Explored::Explored(const ExploreOptions& explore_options)
    : options(explore_options), profiles(crash::profiles().begin(), crash::profiles().end()) {
  if (crash::find_profile(options.profile.name) == nullptr) {
    profiles.push_back(options.profile);
  }
}

const crash::Profile& Explored::profile_of(CrashKind kind) const {
  return kind == CrashKind::kProcessKill ? *crash::find_profile("process-kill") : options.profile;
}

const crash::Profile& Explored::profile_named(const std::string& name) const {
  return *std::find_if(profiles.begin(), profiles.end(),
                       [&name](const crash::Profile& known) { return known.name == name; });
}

crash::StateOptions Explored::state_options() const {
  return {.torn_writes = options.torn_writes,
          .samples = options.samples_per_point,
          .seed = options.seed};
}

Digest Explored::key_of(Digest digest, std::uint32_t scene, CrashKind kind,
                        const crash::CrashModel& model) const {
  if (options.prune == Prune::kNone) {
    digest.high ^=
        crash::digest_of(fmt::format("{} {} {}", scene, static_cast<int>(kind), model.version()))
            .high;
  }
  return digest;
}

std::optional<std::uint32_t> Explored::number_of(const Digest& key) const {
  const auto known = by_key.find(key);
  return known == by_key.end() ? std::nullopt : std::optional(known->second);
}

std::vector<std::pair<CrashKind, PointRange>> Explored::judged_at(std::uint32_t number) const {
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
