#include "harness/explore/findings.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "harness/crash/cause/words.h"
#include "harness/crash/states.h"

namespace crashpoint::explore {

using crash::CrashModel;
using crash::CrashState;
using oracle::CrashKind;

namespace {

// The same operations are lost, whatever part of each. What had to survive for that to show differs from
// state to state, and may have become durable in the meantime.
bool same(const crash::Cause& a, const crash::Cause& b) {
  return a.lost_operations == b.lost_operations;
}

std::set<std::string> files_of(const crash::Timeline& timeline, const crash::Cause& cause) {
  std::set<crash::CallIndex> calls;
  for (const std::vector<crash::OpIndex>& ops : {cause.lost, cause.kept}) {
    for (const crash::OpIndex op : ops) {
      calls.insert(timeline.op(op).call);
    }
  }
  if (cause.tear) {
    calls.insert(cause.tear->call);
  }
  std::set<std::string> files;
  for (const crash::CallIndex call : calls) {
    const trace::Event& event = timeline.event_of(timeline.call(call));
    files.insert(event.path.str());
    files.insert(event.path2.str());
  }
  files.erase("");
  return files;
}

std::string words_for_recovery(std::uint32_t depth) {
  return depth > 1 ? "recovery crashed: " : "";
}

}  // namespace

// At the first point where it is a violation; of a crash during recovery, where it was first seen in the
// recovery of a state that is none itself, if there is one.
FindingsByCause::Origin FindingsByCause::origin_of(const Violation& violation) {
  const Record& record = index_.records[violation.record];
  for (const Sighting& sighting : record.sightings) {
    if (sighting.scene == 0 && sighting.kind == violation.kind &&
        sighting.points.first <= violation.point && violation.point <= sighting.points.last) {
      return {0, sighting.kind, violation.point};
    }
  }
  std::optional<Origin> inherited;
  for (const Sighting& sighting : record.sightings) {
    if (sighting.scene != 0 && led_there(sighting, violation)) {
      const Origin origin{sighting.scene, sighting.kind, sighting.points.first};
      if (!is_inherited(sighting.scene, violation)) {
        return origin;
      }
      inherited = inherited ? inherited : origin;
    }
  }
  return inherited
             ? *inherited
             : Origin{0, record.sightings.front().kind, record.sightings.front().points.first};
}

// Whether what was being recovered is a state of the run at the violation's point.
bool FindingsByCause::led_there(const Sighting& sighting, const Violation& violation) const {
  const auto ways = index_.judged_at(index_.scenes[sighting.scene].parent);
  return std::any_of(ways.begin(), ways.end(), [&](const auto& way) {
    const auto& [kind, points] = way;
    return std::max(kind, sighting.kind) == violation.kind && points.first <= violation.point &&
           violation.point <= points.last;
  });
}

// The state that was being recovered was a violation already: it is reported there.
bool FindingsByCause::is_inherited(std::uint32_t scene, const Violation& violation) {
  if (scene == 0) {
    return false;
  }
  const Record& parent = index_.records[index_.scenes[scene].parent];
  return parent.result && violates(*parent.result, violation);
}

// The finding of a state that was being recovered, where all that led there broke the promise already.
std::optional<std::size_t> FindingsByCause::inherited_from(const Violation& violation) {
  std::optional<std::size_t> finding;
  for (const Sighting& sighting : index_.records[violation.record].sightings) {
    if (sighting.scene == 0 || !led_there(sighting, violation)) {
      continue;
    }
    if (!is_inherited(sighting.scene, violation)) {
      return std::nullopt;
    }
    const auto parents = finding_of_.find(index_.scenes[sighting.scene].parent);
    if (!finding && parents != finding_of_.end()) {
      finding = parents->second;
    }
  }
  return finding;
}

std::vector<Finding> FindingsByCause::group(const std::vector<Violation>& violations) {
  // By place, so that one walk along each scene serves them all.
  std::map<Origin, std::vector<Violation>> by_origin;
  for (const Violation& violation : violations) {
    by_origin[origin_of(violation)].push_back(violation);
  }
  std::unique_ptr<CrashModel> model;
  std::optional<std::pair<std::uint32_t, CrashKind>> of;
  for (const auto& group : by_origin) {
    const Origin& origin = group.first;
    if (of != std::pair(origin.scene, origin.kind)) {
      of = {origin.scene, origin.kind};
      model = std::make_unique<CrashModel>(index_.scenes[origin.scene].timeline,
                                           index_.profile_of(origin.kind));
    }
    model->advance(index_.scenes[origin.scene].points[origin.point].position);
    std::map<std::uint32_t, Violation> left;
    for (const Violation& violation : group.second) {
      left.emplace(violation.record, violation);
    }
    for_each_state(*model, index_.state_options(), [&](CrashState&& state) {
      const std::optional<std::uint32_t> known =
          index_.number_of(index_.key_of(state.digest, origin.scene, origin.kind, *model));
      const auto violation = known ? left.find(*known) : left.end();
      if (violation != left.end()) {
        finding_of_[violation->first] =
            explain(origin, violation->second, *model, std::move(state));
        left.erase(violation);
      }
      return !left.empty();
    });
  }
  join_narrower();
  return std::move(findings_);
}

std::size_t FindingsByCause::explain(const Origin& origin, const Violation& violation,
                                     CrashModel& model, CrashState&& state) {
  if (const auto known = origin.scene == 0 ? std::nullopt : inherited_from(violation)) {
    ++findings_[*known].states;
    return *known;
  }
  const oracle::Verdict& verdict =
      results_.verdict(*index_.records[violation.record].result, violation.kind, violation.point);
  for (std::size_t i = 0; i < causes_.size(); ++i) {
    if (causes_[i].scene_depth == index_.scenes[origin.scene].depth &&
        causes_[i].check == verdict.check && has_cause(model, state.selection, causes_[i].cause)) {
      ++findings_[i].states;
      return i;
    }
  }
  const crash::Violates violates = [&](const crash::CrashImage& image) {
    return may_try_() && this->violates(results_of_({&image, 1}).front(), violation);
  };
  crash::Cause cause = find_cause(model, state.selection, violates);
  const Scene& scene = index_.scenes[origin.scene];
  std::vector<std::string> profiles = profiles_with(scene, model.point(), cause, violation);
  keep_those_that_led_to(origin.scene, violation, profiles);
  for (std::size_t i = 0; i < causes_.size(); ++i) {
    if (causes_[i].scene_depth == scene.depth && causes_[i].check == verdict.check &&
        same(causes_[i].cause, cause)) {
      ++findings_[i].states;
      add_variant(i, std::move(cause), profiles);
      return i;
    }
  }
  if (const auto known = found_by_kill(verdict.check, profiles)) {
    ++findings_[*known].states;
    return *known;
  }
  Finding finding;
  finding.kind = violation.kind;
  finding.verdict = verdict;
  finding.verdict.cause = words_for_recovery(scene.depth) + to_string(cause.lost_operations);
  finding.cause = words_for_recovery(scene.depth) + cause.words;
  finding.point = describe_point(*scene.timeline, model.point());
  finding.state = describe(model, state.selection);
  finding.point_number = origin.point;
  finding.judged_at = index_.scenes[0].points[violation.point];
  finding.depth = scene.depth;
  finding.profiles = std::move(profiles);
  finding.states = 1;
  if (scene.depth > 1) {
    finding.point = "of recovery, " + finding.point;
  }
  finding.image = std::move(state.image);
  if (scene.depth == 1) {
    finding.files = files_of(*scene.timeline, cause);
  }
  findings_.push_back(std::move(finding));
  causes_.push_back(
      {std::move(cause), verdict.check, scene.depth, findings_.back().profiles.size()});
  return findings_.size() - 1;
}

// The words are those of the variant that most profiles permit, and of equals the first, so that they do
// not depend on which states were tried before.
void FindingsByCause::add_variant(std::size_t finding, crash::Cause cause,
                                  const std::vector<std::string>& profiles) {
  if (profiles.size() > causes_[finding].profiles) {
    findings_[finding].cause = words_for_recovery(findings_[finding].depth) + cause.words;
    causes_[finding].profiles = profiles.size();
    causes_[finding].cause = std::move(cause);
  }
  add_profiles(finding, profiles);
}

// If losing one operation is a finding, losing it together with another that would have prevented the
// violation is the same finding.
void FindingsByCause::join_narrower() {
  std::vector<Finding> left;
  std::vector<std::size_t> into(findings_.size());
  for (std::size_t i = 0; i < findings_.size(); ++i) {
    into[i] = i;
    for (std::size_t j = 0; j < findings_.size(); ++j) {
      const std::set<crash::Shape>& fewer = causes_[j].cause.lost_operations;
      const std::set<crash::Shape>& more = causes_[i].cause.lost_operations;
      const bool wider = !fewer.empty() && fewer.size() < more.size() &&
                         fewer.size() < causes_[into[i]].cause.lost_operations.size() &&
                         std::includes(more.begin(), more.end(), fewer.begin(), fewer.end());
      if (wider && causes_[i].check == causes_[j].check &&
          causes_[i].scene_depth == causes_[j].scene_depth &&
          findings_[i].kind == findings_[j].kind) {
        into[i] = j;
      }
    }
  }
  for (std::size_t i = 0; i < findings_.size(); ++i) {
    if (into[i] != i) {
      findings_[into[i]].states += findings_[i].states;
      add_profiles(into[i], findings_[i].profiles);
    }
  }
  for (std::size_t i = 0; i < findings_.size(); ++i) {
    if (into[i] == i) {
      left.push_back(std::move(findings_[i]));
    }
  }
  findings_ = std::move(left);
}

void FindingsByCause::add_profiles(std::size_t finding, const std::vector<std::string>& profiles) {
  Finding& known = findings_[finding];
  std::vector<std::string> all;
  for (const crash::Profile& profile : index_.profiles) {
    const auto in = [&](const std::vector<std::string>& names) {
      return std::find(names.begin(), names.end(), profile.name) != names.end();
    };
    if (in(known.profiles) || in(profiles)) {
      all.push_back(profile.name);
    }
  }
  known.profiles = std::move(all);
}

// In the same way as the state that is being explained.
bool FindingsByCause::violates(ResultId result, const Violation& violation) {
  const std::string& check =
      results_.verdict(*index_.records[violation.record].result, violation.kind, violation.point)
          .check;
  const oracle::Verdict& found = results_.verdict(result, violation.kind, violation.point);
  return found.outcome == oracle::Outcome::kViolation && found.check == check;
}

std::vector<std::string> FindingsByCause::profiles_with(const Scene& scene, trace::Position point,
                                                        const crash::Cause& cause,
                                                        const Violation& violation) {
  const std::vector<crash::StateUnder> states =
      states_under(index_.profiles, scene.timeline, point, cause);
  std::vector<crash::CrashImage> images;
  for (const crash::StateUnder& state : states) {
    images.push_back(state.image);
  }
  const std::vector<ResultId> results = results_of_(images);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (violates(results[i], violation)) {
      names.push_back(states[i].profile);
    }
  }
  return names;
}

// A crash during recovery is possible under a profile only if the state that was being recovered is.
void FindingsByCause::keep_those_that_led_to(std::uint32_t scene, const Violation& violation,
                                             std::vector<std::string>& profiles) const {
  while (index_.scenes[scene].depth > 1) {
    const Record& record = index_.records[index_.scenes[scene].parent];
    // Of the run where it breaks the promise: earlier it may have been there for nothing lost.
    const auto there =
        std::find_if(record.sightings.begin(), record.sightings.end(), [&](const Sighting& at) {
          return at.scene == 0 && at.points.first <= violation.point &&
                 violation.point <= at.points.last;
        });
    const Sighting& at = there != record.sightings.end() ? *there : record.sightings.front();
    const std::uint32_t point = at.scene == 0 ? violation.point : at.points.first;
    std::erase_if(profiles, [&](const std::string& name) {
      return !index_.is_permitted(record, at.scene, point, index_.profile_named(name));
    });
    scene = at.scene;
  }
}

// What a process kill does already is reported under that weaker crash.
std::optional<std::size_t> FindingsByCause::found_by_kill(
    const std::string& check, const std::vector<std::string>& profiles) const {
  if (profiles.empty() || profiles.front() != "process-kill") {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < findings_.size(); ++i) {
    if (findings_[i].kind == CrashKind::kProcessKill && findings_[i].verdict.check == check) {
      return i;
    }
  }
  return std::nullopt;
}

}  // namespace crashpoint::explore
