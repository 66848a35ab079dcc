#include "harness/campaign/explore.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "harness/campaign/recovered_states.h"
#include "harness/campaign/recovery_pool.h"
#include "harness/crash/cause.h"
#include "harness/crash/model.h"
#include "harness/crash/timeline.h"
#include "harness/crash/words.h"

namespace crashpoint::campaign {
namespace {

using Clock = std::chrono::steady_clock;
using crash::CrashModel;
using crash::CrashState;
using crash::Digest;
using crash::Phase;
using oracle::CrashKind;

// Of one shape, when only representatives are tried.
constexpr std::uint64_t kRepresentatives = 3;

constexpr const char* kMaxReached = "max_states was reached; at least so many more";

// How far into a run the telling states of all points go before the less telling ones of any.
constexpr std::array<std::pair<Phase, Phase>, 4> kPasses{
    {{Phase::kEverything, Phase::kAlone},
     {Phase::kPrefix, Phase::kPrefix},
     {Phase::kLeftOutOfPrefix, Phase::kLeftOutOfPrefix},
     {Phase::kTorn, Phase::kSampled}}};

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// What is crashed: the run, or the recovery of one of its crash states.
struct Scene {
  std::shared_ptr<const crash::Timeline> timeline;
  std::vector<crash::CrashPoint> points;
  std::uint32_t depth = 1;
  std::uint32_t parent = 0;              // depth > 1: the record whose recovery this is
  std::vector<trace::Position> replies;  // when they had left, in order
};

std::vector<trace::Position> replies_of(const trace::Trace& trace) {
  std::vector<trace::Position> replies;
  for (const trace::Event& event : trace.events) {
    if (event.op == trace::Op::kSend && event.exit != trace::kNever) {
      replies.push_back(event.exit);
    }
  }
  std::sort(replies.begin(), replies.end());
  return replies;
}

// Where a directory was found to be permitted: in a scene, by the crash of a kind, at a run of points.
struct Sighting {
  std::uint32_t scene = 0;
  CrashKind kind = CrashKind::kProcessKill;
  PointRange points;
};

// One distinct directory.
struct Record {
  Digest digest;
  std::vector<Sighting> sightings = {};
  std::optional<ResultId> result = {};
  bool tried = false;
};

class Explorer {
 public:
  Explorer(std::shared_ptr<const trace::Trace> trace, const oracle::Judge& judge,
           const RecovererFactory& factory, const ExploreOptions& options, const ExploreTick& tick)
      : options_(options),
        tick_(tick),
        profiles_(profiles_with_own(options.profile)),
        points_(crash::crash_points(*trace, options.points)),
        results_(judge, options.guarantees, options.expect, points_, options.must_start),
        pool_(
            options.jobs, options.folder, factory,
            [this](std::uint64_t job, Recovered recovered) { done(job, std::move(recovered)); },
            [this](std::uint64_t job, std::optional<trace::Trace> recorded) {
              this->recorded(job, std::move(recorded));
            }) {
    auto timeline = std::make_shared<const crash::Timeline>(std::move(trace));
    exploration_.notes = timeline->notes();
    std::vector<trace::Position> replies = replies_of(timeline->trace());
    scenes_.push_back({std::move(timeline), points_, 1, 0, std::move(replies)});
    for (const auto& [kind, guarantee] : options.guarantees) {
      accounts_[kind] = {
          .kind = kind, .profile = profile_of(kind).name, .points = points_.size(), .skipped = {}};
    }
  }

  Exploration run() {
    const Clock::time_point begin = Clock::now();
    produce(0);
    pool_.drain();
    for (std::uint32_t depth = 2; depth <= options_.depth && !exploration_.interrupted; ++depth) {
      descend(depth);
    }
    judge_all();
    explain();
    keep_some();
    finish(begin);
    return std::move(exploration_);
  }

 private:
  // Those we know, and the scenario's own.
  static std::vector<crash::Profile> profiles_with_own(const crash::Profile& own) {
    std::vector<crash::Profile> all(crash::profiles().begin(), crash::profiles().end());
    if (crash::find_profile(own.name) == nullptr) {
      all.push_back(own);
    }
    return all;
  }

  [[nodiscard]] const crash::Profile& profile_named(const std::string& name) const {
    return *std::find_if(profiles_.begin(), profiles_.end(),
                         [&name](const crash::Profile& known) { return known.name == name; });
  }

  [[nodiscard]] const crash::Profile& profile_of(CrashKind kind) const {
    return kind == CrashKind::kProcessKill ? *crash::find_profile("process-kill")
                                           : options_.profile;
  }

  [[nodiscard]] crash::StateOptions state_options() const {
    return {.torn_writes = options_.torn_writes,
            .samples = options_.samples_per_point,
            .seed = options_.seed};
  }

  // ---- producing states

  // All states of a scene, the telling ones first; new ones go to the workers.
  void produce(std::uint32_t scene) {
    for (const auto& [first, last] : kPasses) {
      for (auto& [kind, account] : accounts_) {
        crash::StateOptions states = state_options();
        states.first_phase = first;
        states.last_phase = last;
        if (!produce_pass(scene, kind, states, account)) {
          for (auto& [unfinished, counts] : accounts_) {
            counts.permitted_exactly = false;
          }
          return;
        }
      }
    }
  }

  bool produce_pass(std::uint32_t scene, CrashKind kind, const crash::StateOptions& states,
                    StateAccount& account) {
    const Clock::time_point begin = Clock::now();
    double waited_ms = 0;
    CrashModel model(scenes_[scene].timeline, profile_of(kind));
    std::optional<std::uint64_t> version;
    std::vector<std::uint32_t> here;  // records permitted at the last point looked at
    bool stopped = false;
    for (std::uint32_t point = 0; point < scenes_[scene].points.size() && !stopped; ++point) {
      model.advance(scenes_[scene].points[point].position);
      if (model.version() != version) {
        version = model.version();
        here.clear();
        const crash::StateCount count = for_each_state(model, states, [&](CrashState&& state) {
          return take(std::move(state), key_of(state.digest, scene, kind, model), scene, kind,
                      model, account, here, waited_ms);
        });
        account.permitted_exactly = account.permitted_exactly &&
                                    (count.all || states.last_phase != Phase::kSampled) &&
                                    model.profile().tears == crash::Tears::kBetweenBlocks;
        if (count.passed_over > 0) {
          account.skipped["alike: one of many operations left out"] += count.passed_over;
        }
        stopped = count.stopped;
      }
      for (const std::uint32_t record : here) {
        sight(records_[record], {scene, kind, {point, point}});
      }
      stopped = !go_on() || stopped;
    }
    account.permitted_exactly = account.permitted_exactly && !stopped;
    exploration_.times.produce += ms_since(begin) - waited_ms;
    return !stopped;
  }

  // What makes a state known: its directory; without pruning, where it was found as well.
  [[nodiscard]] Digest key_of(Digest digest, std::uint32_t scene, CrashKind kind,
                              const CrashModel& model) const {
    if (options_.prune == Prune::kNone) {
      digest.high ^=
          crash::digest_of(fmt::format("{} {} {}", scene, static_cast<int>(kind), model.version()))
              .high;
    }
    return digest;
  }

  // A state at a point: known, or new and to be tried. False: no more new ones may be tried.
  bool take(CrashState&& state, const Digest& key, std::uint32_t scene, CrashKind kind,
            const CrashModel& model, StateAccount& account, std::vector<std::uint32_t>& here,
            double& waited_ms) {
    const auto known = by_key_.find(key);
    if (known != by_key_.end()) {
      if (options_.prune != Prune::kNone) {
        ++account.skipped["equal to another state, and judged with it"];
      }
      here.push_back(known->second);
      return true;
    }
    if (options_.prune == Prune::kRepresentative &&
        !is_representative(scenes_[scene], model, state.selection, kind)) {
      ++account.skipped["pruned: states of the same shape are tried"];
      return true;
    }
    if (records_.size() >= options_.max_states) {
      // Known states are still looked for, and the others counted; to a point, as it takes its time.
      account.permitted_exactly = false;
      beyond_max_.insert(state.digest);
      account.skipped[kMaxReached] = beyond_max_.size();
      return beyond_max_.size() < options_.max_states;
    }
    const auto number = static_cast<std::uint32_t>(records_.size());
    by_key_.emplace(key, number);
    here.push_back(number);
    Record record{.digest = state.digest};
    record.tried = number % options_.shards == options_.shard;
    const bool tried = record.tried;
    {
      const std::lock_guard lock(mutex_);
      records_.push_back(std::move(record));
    }
    if (tried) {
      const Clock::time_point begin = Clock::now();
      pool_.recover(number, std::move(state.image));
      waited_ms += ms_since(begin);
    }
    return true;
  }

  static void sight(Record& record, const Sighting& sighting) {
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

  // A few states stand for all that lost operations of the same shapes while the target was doing the
  // same. What was lost before and after a reply is not the same: something rested on the one.
  bool is_representative(const Scene& scene, const CrashModel& model,
                         const crash::Selection& selection, CrashKind kind) {
    const crash::Timeline& timeline = model.timeline();
    std::set<std::string> shapes;
    for (std::size_t i = 0; i < model.nodes().size(); ++i) {
      const crash::Node& node = model.nodes()[i];
      const bool lost = selection.choices[i] != crash::Choice::kPresent;
      const auto reply = std::upper_bound(scene.replies.begin(), scene.replies.end(),
                                          timeline.calls()[node.call].enter);
      const bool acked = reply != scene.replies.end() && *reply < model.point();
      shapes.insert((lost ? acked ? "!" : "-" : "+") + shape_of(timeline, node));
    }
    std::string key = fmt::format("{}|{}|{}", static_cast<int>(kind),
                                  shape_of_point(timeline, model.point()), fmt::join(shapes, "|"));
    if (selection.tear) {
      key += fmt::format("|{} {}", static_cast<int>(selection.tear->rest),
                         shape_of(timeline, timeline.calls()[selection.tear->call]));
    }
    return ++representatives_[key] <= kRepresentatives;
  }

  // What the target was doing: the last call to begin or return.
  static std::string shape_of_point(const crash::Timeline& timeline, trace::Position point) {
    const auto& steps = timeline.steps();
    const auto after = std::lower_bound(
        steps.begin(), steps.end(), point,
        [](const auto& step, trace::Position wanted) { return step.position < wanted; });
    if (after == steps.begin()) {
      return {};
    }
    const auto& last = *std::prev(after);
    return (last.returns ? "after " : "during ") + shape_of(timeline, timeline.calls()[last.call]);
  }

  bool go_on() {
    if (tick_) {
      std::uint64_t recovered = 0;
      {
        const std::lock_guard lock(mutex_);
        recovered = recovered_;
      }
      exploration_.interrupted =
          exploration_.interrupted || !tick_({.found = records_.size(), .recovered = recovered});
    }
    return !exploration_.interrupted;
  }

  // ---- what comes back, from any worker

  void done(std::uint64_t job, Recovered recovered) {
    const ResultId result = results_.intern(std::move(recovered));
    const std::lock_guard lock(mutex_);
    if (job >= kAsked) {
      answers_[job - kAsked] = result;
      return;
    }
    records_[job].result = result;
    ++recovered_;
  }

  void recorded(std::uint64_t job, std::optional<trace::Trace> trace) {
    if (trace) {
      const std::lock_guard lock(mutex_);
      recordings_.emplace(static_cast<std::uint32_t>(job), std::move(*trace));
    }
  }

  // ---- crashes during recovery

  // Records the recovery of every state of the depth before, and explores each recording.
  void descend(std::uint32_t depth) {
    const std::size_t scenes = scenes_.size();
    for (std::uint32_t scene = 0; scene < scenes; ++scene) {
      if (scenes_[scene].depth + 1 == depth) {
        record_recoveries(scene);
      }
    }
    pool_.drain();
    std::map<std::uint32_t, trace::Trace> recordings;
    {
      const std::lock_guard lock(mutex_);
      recordings.swap(recordings_);
    }
    for (auto& [parent, trace] : recordings) {
      auto shared = std::make_shared<const trace::Trace>(std::move(trace));
      auto timeline = std::make_shared<const crash::Timeline>(shared);
      std::vector<crash::CrashPoint> points = crash::crash_points(*shared);
      if (timeline->ops().empty() || records_.size() >= options_.max_states) {
        continue;  // it changed nothing, or there is no room for what it would add
      }
      scenes_.push_back({std::move(timeline), std::move(points), depth, parent, {}});
      produce(static_cast<std::uint32_t>(scenes_.size() - 1));
      if (exploration_.interrupted) {
        return;
      }
    }
    pool_.drain();
  }

  // The images are made once more: none is kept.
  void record_recoveries(std::uint32_t scene) {
    for (const auto& [kind, account] : accounts_) {
      std::map<std::uint32_t, std::vector<std::uint32_t>>
          wanted;  // point -> records first seen there
      for (std::uint32_t number = 0; number < records_.size(); ++number) {
        const Sighting& first = records_[number].sightings.front();
        if (records_[number].tried && first.scene == scene && first.kind == kind) {
          wanted[first.points.first].push_back(number);
        }
      }
      for_each_wanted(scene, kind, wanted,
                      [&](std::uint32_t number, const CrashModel&, CrashState&& state) {
                        pool_.record(number, std::move(state.image));
                      });
    }
  }

  // Makes the states of some records again, at the points they are wanted at.
  template <typename Use>
  void for_each_wanted(std::uint32_t scene, CrashKind kind,
                       const std::map<std::uint32_t, std::vector<std::uint32_t>>& wanted,
                       const Use& use) {
    CrashModel model(scenes_[scene].timeline, profile_of(kind));
    for (const auto& [point, numbers] : wanted) {
      model.advance(scenes_[scene].points[point].position);
      std::size_t left = numbers.size();
      for_each_state(model, state_options(), [&, &all = numbers](CrashState&& state) {
        const auto known = by_key_.find(key_of(state.digest, scene, kind, model));
        if (known != by_key_.end() &&
            std::find(all.begin(), all.end(), known->second) != all.end()) {
          use(known->second, model, std::move(state));
          --left;
        }
        return left > 0;
      });
    }
  }

  // ---- judging

  // The points of the run at which a directory may be what recovery starts from, and the kind of crash
  // whose promise counts: of a crash during recovery, those of the state that was being recovered.
  std::vector<std::pair<CrashKind, PointRange>> judged_at(std::uint32_t number) const {
    std::vector<std::pair<CrashKind, PointRange>> at;
    // Records on the way to the run, and the strongest crash on that way. Recoveries can lead from one
    // state to another and back.
    std::vector<std::pair<std::uint32_t, CrashKind>> way{{number, CrashKind::kProcessKill}};
    for (std::size_t i = 0; i < way.size(); ++i) {
      const auto [record, strongest] = way[i];
      for (const Sighting& sighting : records_[record].sightings) {
        const CrashKind kind = std::max(strongest, sighting.kind);
        if (scenes_[sighting.scene].depth == 1) {
          at.emplace_back(kind, sighting.points);
          continue;
        }
        const std::pair next(scenes_[sighting.scene].parent, kind);
        if (std::find(way.begin(), way.end(), next) == way.end()) {
          way.push_back(next);
        }
      }
    }
    return at;
  }

  struct Violation {
    std::uint32_t record = 0;
    CrashKind kind = CrashKind::kProcessKill;
    std::uint32_t point = 0;  // of the run: the first at which it is one
    friend auto operator<=>(const Violation&, const Violation&) = default;
  };

  void judge_all() {
    for (std::uint32_t number = 0; number < records_.size(); ++number) {
      const Record& record = records_[number];
      std::map<CrashKind, std::vector<PointRange>> points;
      for (const auto& [kind, range] : judged_at(number)) {
        if (accounts_.contains(kind)) {
          points[kind].push_back(range);
        }
      }
      bool explained =
          false;  // of a violation by the weaker crash, that by the stronger is no news
      for (const auto& [kind, ranges] : points) {
        StateAccount& account = accounts_.at(kind);
        ++account.permitted;
        if (!record.result) {
          continue;
        }
        ++account.tried;
        const auto first = results_.first_violation(*record.result, kind, ranges);
        if (first) {
          ++account.violating;
          if (!explained) {
            violations_.push_back({number, kind, *first});
          }
          explained = true;
        } else if (const auto* why = results_.inconclusive(*record.result, kind, ranges)) {
          ++account.inconclusive;
          exploration_.inconclusive =
              exploration_.inconclusive.empty() ? why->summary : exploration_.inconclusive;
        }
      }
    }
  }

  // ---- explaining

  // Where a violating directory can be made again.
  struct Origin {
    std::uint32_t scene = 0;
    CrashKind kind = CrashKind::kProcessKill;
    std::uint32_t point = 0;
    friend auto operator<=>(const Origin&, const Origin&) = default;
  };

  // At the first point where it is a violation; of a crash during recovery, where it was first seen.
  Origin origin_of(const Violation& violation) const {
    const Record& record = records_[violation.record];
    for (const Sighting& sighting : record.sightings) {
      if (sighting.scene == 0 && sighting.kind == violation.kind &&
          sighting.points.first <= violation.point && violation.point <= sighting.points.last) {
        return {0, sighting.kind, violation.point};
      }
    }
    for (const Sighting& sighting : record.sightings) {
      if (sighting.scene != 0) {
        return {sighting.scene, sighting.kind, sighting.points.first};
      }
    }
    return {0, record.sightings.front().kind, record.sightings.front().points.first};
  }

  void explain() {
    // By place, so that one walk along each scene serves them all.
    std::map<Origin, std::vector<Violation>> by_origin;
    for (const Violation& violation : violations_) {
      by_origin[origin_of(violation)].push_back(violation);
    }
    std::unique_ptr<CrashModel> model;
    std::optional<std::pair<std::uint32_t, CrashKind>> of;
    for (const auto& [origin, violations] : by_origin) {
      if (of != std::pair(origin.scene, origin.kind)) {
        of = {origin.scene, origin.kind};
        model =
            std::make_unique<CrashModel>(scenes_[origin.scene].timeline, profile_of(origin.kind));
      }
      model->advance(scenes_[origin.scene].points[origin.point].position);
      std::map<std::uint32_t, Violation> left;
      for (const Violation& violation : violations) {
        left.emplace(violation.record, violation);
      }
      for_each_state(*model, state_options(), [&](CrashState&& state) {
        const auto known = by_key_.find(key_of(state.digest, origin.scene, origin.kind, *model));
        const auto violation = known == by_key_.end() ? left.end() : left.find(known->second);
        if (violation != left.end()) {
          explain(origin, violation->second, *model, std::move(state));
          left.erase(violation);
        }
        return !left.empty();
      });
    }
  }

  void explain(const Origin& origin, const Violation& violation, CrashModel& model,
               CrashState&& state) {
    const oracle::Verdict& verdict =
        results_.verdict(*records_[violation.record].result, violation.kind, violation.point);
    for (std::size_t i = 0; i < causes_.size(); ++i) {
      if (causes_[i].scene_depth == scenes_[origin.scene].depth &&
          causes_[i].check == verdict.check &&
          has_cause(model, state.selection, causes_[i].cause)) {
        ++exploration_.findings[i].states;
        return;
      }
    }
    const crash::Violates violates = [&](const crash::CrashImage& image) {
      const oracle::Verdict& found =
          results_.verdict(result_of(image), violation.kind, violation.point);
      return found.outcome == oracle::Outcome::kViolation && found.check == verdict.check;
    };
    const crash::Cause cause = find_cause(model, state.selection, violates);
    for (std::size_t i = 0; i < causes_.size(); ++i) {
      if (causes_[i].scene_depth == scenes_[origin.scene].depth &&
          causes_[i].check == verdict.check && same(causes_[i].cause, cause)) {
        ++exploration_.findings[i].states;
        return;
      }
    }
    const Scene& scene = scenes_[origin.scene];
    std::vector<std::string> profiles =
        profiles_with(profiles_, scene.timeline, model.point(), cause, violates);
    keep_those_that_led_to(origin.scene, profiles);
    if (const auto known = found_by_kill(verdict.check, profiles)) {
      ++exploration_.findings[*known].states;
      return;
    }
    Finding finding;
    finding.kind = violation.kind;
    finding.verdict = verdict;
    finding.cause = cause.words;
    finding.point = describe_point(*scene.timeline, model.point());
    finding.state = describe(model, state.selection);
    finding.point_number = origin.point;
    finding.judged_at = points_[violation.point];
    finding.depth = scene.depth;
    finding.profiles = std::move(profiles);
    finding.states = 1;
    if (scene.depth > 1) {
      finding.cause = "recovery crashed: " + finding.cause;
      finding.point = "of recovery, " + finding.point;
    }
    finding.image = std::move(state.image);
    exploration_.findings.push_back(std::move(finding));
    causes_.push_back({cause, verdict.check, scene.depth});
  }

  // A crash during recovery is possible under a profile only if the state that was being recovered is.
  void keep_those_that_led_to(std::uint32_t scene, std::vector<std::string>& profiles) {
    while (scenes_[scene].depth > 1) {
      const Record& record = records_[scenes_[scene].parent];
      const Sighting& first = record.sightings.front();
      std::erase_if(profiles, [&](const std::string& name) {
        return !is_permitted(record, first, profile_named(name));
      });
      scene = first.scene;
    }
  }

  // Whether the state is one of that profile too, at the point where it was first seen.
  bool is_permitted(const Record& record, const Sighting& at, const crash::Profile& profile) {
    CrashModel model(scenes_[at.scene].timeline, profile);
    model.advance(scenes_[at.scene].points[at.points.first].position);
    bool found = false;
    for_each_state(model, state_options(), [&](CrashState&& state) {
      found = state.digest == record.digest;
      return !found;
    });
    return found;
  }

  // What a process kill does already is no news as a power loss.
  [[nodiscard]] std::optional<std::size_t> found_by_kill(
      const std::string& check, const std::vector<std::string>& profiles) const {
    if (profiles.empty() || profiles.front() != "process-kill") {
      return std::nullopt;
    }
    for (std::size_t i = 0; i < exploration_.findings.size(); ++i) {
      if (exploration_.findings[i].kind == CrashKind::kProcessKill &&
          exploration_.findings[i].verdict.check == check) {
        return i;
      }
    }
    return std::nullopt;
  }

  // What had to survive may have become durable in the meantime, and is no part of the cause any more.
  static bool same(const crash::Cause& a, const crash::Cause& b) {
    return a.lost_shapes == b.lost_shapes && a.torn_shape == b.torn_shape &&
           a.garbage == b.garbage &&
           (a.kept_shapes == b.kept_shapes || (!a.lost_shapes.empty() && a.kept_shapes.empty()) ||
            (!b.lost_shapes.empty() && b.kept_shapes.empty()));
  }

  // Gives some of the states back, evenly chosen from those of the run itself.
  void keep_some() {
    std::vector<std::uint32_t> candidates;
    for (std::uint32_t number = 0; number < records_.size(); ++number) {
      if (records_[number].tried && records_[number].sightings.front().scene == 0) {
        candidates.push_back(number);
      }
    }
    const std::uint64_t wanted = std::min<std::uint64_t>(options_.kept_max, candidates.size());
    std::map<CrashKind, std::map<std::uint32_t, std::vector<std::uint32_t>>> by_point;
    for (std::uint64_t i = 0; i < wanted; ++i) {
      const std::uint32_t number = candidates[candidates.size() * i / wanted];
      const Sighting& first = records_[number].sightings.front();
      by_point[first.kind][first.points.first].push_back(number);
    }
    for (const auto& [kind, points] : by_point) {
      for_each_wanted(
          0, kind, points,
          [&, &of = kind](std::uint32_t, const CrashModel& model, CrashState&& state) {
            exploration_.kept.push_back({of, describe_point(model.timeline(), model.point()),
                                         describe(model, state.selection), std::move(state.image)});
          });
    }
  }

  // Recovers a directory now, unless it was recovered before.
  ResultId result_of(const crash::CrashImage& image) {
    const Digest digest = image.digest();
    const auto known = by_key_.find(digest);
    if (known != by_key_.end() && records_[known->second].result) {
      return *records_[known->second].result;
    }
    const auto asked = asked_.find(digest);
    if (asked != asked_.end()) {
      return asked->second;
    }
    const std::uint64_t number = asked_.size();
    pool_.recover(kAsked + number, image);
    pool_.drain();
    const std::lock_guard lock(mutex_);
    return asked_.emplace(digest, answers_.at(number)).first->second;
  }

  void finish(Clock::time_point begin) {
    for (const Finding& finding : exploration_.findings) {
      ++accounts_.at(finding.kind).findings;
    }
    for (auto& [kind, account] : accounts_) {
      if (options_.shards > 1) {
        account.skipped["of another shard"] = account.permitted - account.tried;
      }
      exploration_.accounts.push_back(std::move(account));
    }
    exploration_.recovered = recovered_;
    const RecoveryPool::Times times = pool_.times();
    exploration_.times.lay_out = times.lay_out_ms;
    exploration_.times.start = times.start_ms;
    exploration_.times.load = times.load_ms;
    exploration_.times.judge = results_.judge_ms();
    exploration_.times.total = ms_since(begin);
  }

  struct KnownCause {
    crash::Cause cause;
    std::string check;
    std::uint32_t scene_depth = 1;
  };

  // Numbers of jobs that a cause asked for, beyond those of records.
  static constexpr std::uint64_t kAsked = std::uint64_t{1} << 40;

  const ExploreOptions& options_;
  const ExploreTick& tick_;
  std::vector<crash::Profile> profiles_;
  std::vector<crash::CrashPoint> points_;
  RecoveredStates results_;
  std::vector<Scene> scenes_;
  std::map<CrashKind, StateAccount> accounts_;
  std::unordered_map<Digest, std::uint32_t> by_key_;
  std::unordered_map<std::string, std::uint64_t> representatives_;
  std::unordered_set<Digest> beyond_max_;
  std::vector<Violation> violations_;
  std::vector<KnownCause> causes_;  // of exploration_.findings
  std::unordered_map<Digest, ResultId> asked_;
  Exploration exploration_;

  std::mutex mutex_;  // of what workers write; records_ grow only under it
  std::deque<Record> records_;
  std::uint64_t recovered_ = 0;
  std::map<std::uint64_t, ResultId> answers_;
  std::map<std::uint32_t, trace::Trace> recordings_;

  RecoveryPool pool_;  // last: its workers use the above
};

}  // namespace

Exploration explore(std::shared_ptr<const trace::Trace> trace, const oracle::Judge& judge,
                    const RecovererFactory& factory, const ExploreOptions& options,
                    const ExploreTick& tick) {
  return Explorer(std::move(trace), judge, factory, options, tick).run();
}

std::string describe_profiles(const std::vector<std::string>& profiles) {
  if (profiles.empty()) {
    return "none of the profiles alone";
  }
  if (profiles.front() == "process-kill") {
    return "already after a process kill: any crash";
  }
  if (profiles.front() == "prefix") {
    return "already with prefix: any power loss";
  }
  if (profiles.size() == 1) {
    return profiles.front() + " only";
  }
  return fmt::format("{} and {}", fmt::join(profiles.begin(), std::prev(profiles.end()), ", "),
                     profiles.back());
}

}  // namespace crashpoint::campaign
