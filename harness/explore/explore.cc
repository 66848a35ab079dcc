#include "harness/explore/explore.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "harness/base/check.h"
#include "harness/base/clock.h"
#include "harness/crash/cause/words.h"
#include "harness/crash/model.h"
#include "harness/crash/timeline.h"
#include "harness/explore/findings.h"
#include "harness/explore/recovered_states.h"
#include "harness/explore/recovery_pool.h"
#include "harness/explore/representatives.h"
#include "harness/explore/settler.h"
#include "harness/explore/state_index.h"
#include "harness/explore/time_budget.h"

namespace crashpoint::explore {
namespace {

using crash::CrashModel;
using crash::CrashState;
using crash::Digest;
using crash::Phase;
using oracle::CrashKind;

// The most informative states of all points are tried before less informative ones of any.
constexpr std::array<std::pair<Phase, Phase>, 4> kPasses{
    {{Phase::kEverything, Phase::kAlone},
     {Phase::kPrefix, Phase::kPrefix},
     {Phase::kLeftOutOfPrefix, Phase::kLeftOutOfPrefix},
     {Phase::kTorn, Phase::kSampled}}};

// For finding the cause of a violation once the exploration is interrupted.
constexpr std::chrono::milliseconds kHaste{1500};

constexpr std::uint64_t kLivesAtOnce = 512;

// Sends, and what else acknowledges.
std::vector<Scene::Reply> replies_of(const trace::Trace& trace,
                                     const std::vector<crash::Ack>& acks) {
  std::vector<Scene::Reply> replies;
  for (const crash::Ack& ack : acks) {
    replies.push_back({ack.position, ack.at_ns});
  }
  for (const trace::Event& event : trace.events) {
    if (event.op == trace::Op::kSend && event.exit != trace::kNever) {
      replies.push_back({event.exit, event.exit_ns});
    }
  }
  std::sort(replies.begin(), replies.end(),
            [](const Scene::Reply& a, const Scene::Reply& b) { return a.left < b.left; });
  return replies;
}

class Explorer {
 public:
  Explorer(std::shared_ptr<const trace::Trace> trace, const StateJudge& judge,
           const recovery::RecovererFactory& factory, const ExploreOptions& options,
           const ExploreTick& tick)
      : options_(options),
        tick_(tick),
        index_(options),
        points_(crash::crash_points(*trace, options.points)),
        results_(judge, options.guarantees, options.expect, points_, options.must_start),
        settler_(results_, options.prune != Prune::kNone),
        pool_(
            options.jobs, options.folder, options.keep_unchanged, factory,
            [this](JobId job, const crash::CrashImage& image) {
              return settler_.is_needed(job, image);
            },
            [this](JobId job, crash::CrashImage image,
                   std::optional<recovery::Recovered> recovered) {
              judged_lives_ += lives_on_ && !recovered->checks.empty() ? 1U : 0U;
              settler_.add(job, std::move(image), std::move(recovered));
            },
            [this](JobId job, std::optional<trace::Trace> recording) {
              keep_recording(job, std::move(recording));
            }) {
    auto timeline = std::make_shared<const crash::Timeline>(std::move(trace));
    exploration_.notes = timeline->notes();
    std::vector<Scene::Reply> replies = replies_of(timeline->trace(), options.points.acks);
    index_.scenes.push_back({std::move(timeline), points_, 1, 0, std::move(replies)});
    for (const auto& [kind, guarantee] : options.guarantees) {
      accounts_[kind] = {.kind = kind,
                         .profile = index_.profile_of(kind).name,
                         .points = points_.size(),
                         .skipped = {}};
    }
  }

  Exploration run() {
    const SteadyClock::time_point begin = SteadyClock::now();
    time_ = TimeBudget(options_.budget, options_.continued_max > 0);
    if (time_.is_limited()) {
      pool_.keep_queue_short();
    }
    produce(0);
    finish_jobs();
    for (std::uint32_t depth = 2;
         depth <= options_.depth && !exploration_.interrupted && !time_.is_over_for_states();
         ++depth) {
      descend(depth);
    }
    take_results();
    judge_all();
    if (exploration_.interrupted) {
      keep_first_of_each_kind();
    }
    add_findings();
    if (!exploration_.interrupted) {
      live_on();
    }
    if (!exploration_.interrupted) {
      keep_some();
    }
    finish(begin);
    return std::move(exploration_);
  }

 private:
  // ---- producing states

  // All states of a scene, the most informative ones first; new ones go to the workers.
  void produce(std::uint32_t scene) {
    for (const auto& [first, last] : kPasses) {
      is_first_pass_ = scene == 0 && first == kPasses.front().first;
      for (auto& [kind, account] : accounts_) {
        crash::StateOptions states = index_.state_options();
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
    const SteadyClock::time_point begin = SteadyClock::now();
    double waited_ms = 0;
    CrashModel model(index_.scenes[scene].timeline, index_.profile_of(kind));
    std::optional<std::uint64_t> version;
    std::vector<std::uint32_t> here;  // records permitted at the last point looked at
    bool stopped = false;
    for (std::uint32_t point = 0; point < index_.scenes[scene].points.size() && !stopped; ++point) {
      model.advance(index_.scenes[scene].points[point].position);
      if (model.version() != version) {
        version = model.version();
        here.clear();
        const crash::StateCount count = for_each_state(model, states, [&](CrashState&& state) {
          return take(std::move(state), index_.key_of(state.digest, scene, kind, model), scene,
                      point, kind, model, account, here, waited_ms);
        });
        account.permitted_exactly = account.permitted_exactly &&
                                    (count.all || states.last_phase != Phase::kSampled) &&
                                    model.profile().tears == crash::Tears::kBetweenBlocks;
        if (count.passed_over > 0) {
          account.skipped[SkipReason::kThinnedOut] += count.passed_over;
        }
        stopped = count.stopped;
      }
      for (const std::uint32_t record : here) {
        add_sighting(index_.records[record], {scene, kind, {point, point}});
      }
      stopped = !go_on() || stopped;
    }
    account.permitted_exactly = account.permitted_exactly && !stopped;
    exploration_.times.produce += ms_since(begin) - waited_ms;
    return !stopped;
  }

  // A state at a point: known, or new and to be tried. False: no more new ones may be tried.
  bool take(CrashState&& state, const Digest& key, std::uint32_t scene, std::uint32_t point,
            CrashKind kind, const CrashModel& model, StateAccount& account,
            std::vector<std::uint32_t>& here, double& waited_ms) {
    if (const auto known = index_.number_of(key)) {
      if (options_.prune != Prune::kNone) {
        ++account.skipped[SkipReason::kSameDirectory];
      }
      here.push_back(*known);
      return true;
    }
    if (options_.prune == Prune::kRepresentative &&
        !representatives_.take(index_.scenes[scene], point, model, state.selection, kind)) {
      ++account.skipped[SkipReason::kSameShape];
      return true;
    }
    if (index_.records.size() >= options_.max_states) {
      // Known states are still looked for, and others counted, up to a limit because that takes time.
      account.permitted_exactly = false;
      beyond_max_.insert(state.digest);
      account.skipped[SkipReason::kMaxStates] = beyond_max_.size();
      return beyond_max_.size() < options_.max_states;
    }
    if (time_.is_over_for_states()) {
      account.permitted_exactly = false;
      if (is_first_pass_ && !account.time_over_at) {
        account.time_over_at = point;
      }
      beyond_max_.insert(state.digest);
      account.skipped[SkipReason::kBudget] = beyond_max_.size();
      return beyond_max_.size() < options_.max_states && !time_.is_over_for_counting();
    }
    if (!go_on()) {
      return false;
    }
    const std::uint32_t number =
        index_.add(key, {.digest = state.digest,
                         .phase = state.phase,
                         .reorders_files = model.reorders_files(state.selection)});
    here.push_back(number);
    const SteadyClock::time_point begin = SteadyClock::now();
    pool_.recover(JobId::state(number), std::move(state.image));
    waited_ms += ms_since(begin);
    return true;
  }

  bool go_on() {
    if (tick_ && !exploration_.interrupted) {
      exploration_.interrupted =
          !tick_({.found = index_.records.size(), .recovered = settler_.counts().settled});
    }
    return !exploration_.interrupted;
  }

  // Of an interrupted exploration, those that wait are given up: the newest.
  void finish_jobs() {
    if (exploration_.interrupted) {
      pool_.cancel();
    }
    pool_.drain();
  }

  // ---- results

  // Once every state is settled that was not given up.
  void take_results() {
    const std::uint64_t count = settler_.counts().settled;
    HARNESS_CHECK(count == index_.records.size() || exploration_.interrupted, count,
                  index_.records.size());
    for (std::uint32_t number = 0; number < count; ++number) {
      const Settler::Settled settled = settler_.result(JobId::state(number));
      index_.records[number].result = settled.result;
      index_.records[number].alike = settled.equivalent;
    }
  }

  // From a worker.
  void keep_recording(JobId job, std::optional<trace::Trace> trace) {
    HARNESS_CHECK(job.kind == JobId::Kind::kState, job);
    if (trace) {
      const std::lock_guard lock(recordings_mutex_);
      recordings_.emplace(static_cast<std::uint32_t>(job.number), std::move(*trace));
    }
  }

  // ---- crashes during recovery

  // Records the recovery of every state of the depth before, and explores each recording.
  void descend(std::uint32_t depth) {
    const std::size_t scenes = index_.scenes.size();
    for (std::uint32_t scene = 0; scene < scenes; ++scene) {
      if (index_.scenes[scene].depth + 1 == depth) {
        record_recoveries(scene);
      }
    }
    finish_jobs();
    std::map<std::uint32_t, trace::Trace> recordings;
    {
      const std::lock_guard lock(recordings_mutex_);
      recordings.swap(recordings_);
    }
    for (auto& [parent, trace] : recordings) {
      auto shared = std::make_shared<const trace::Trace>(std::move(trace));
      auto timeline = std::make_shared<const crash::Timeline>(shared);
      std::vector<crash::CrashPoint> points = crash::crash_points(*shared);
      if (timeline->ops().empty() || index_.records.size() >= options_.max_states) {
        continue;  // it changed nothing, or there is no room for what it would add
      }
      index_.scenes.push_back({std::move(timeline), std::move(points), depth, parent, {}});
      produce(static_cast<std::uint32_t>(index_.scenes.size() - 1));
      if (exploration_.interrupted || time_.is_over_for_states()) {
        break;
      }
    }
    finish_jobs();
  }

  // The images are made once more: none is kept.
  void record_recoveries(std::uint32_t scene) {
    for (const auto& [kind, account] : accounts_) {
      std::map<std::uint32_t, std::vector<std::uint32_t>>
          wanted;  // point -> records first seen there
      for (std::uint32_t number = 0; number < index_.records.size(); ++number) {
        const Sighting& first = index_.first_sighting(number);
        if (first.scene == scene && first.kind == kind) {
          wanted[first.points.first].push_back(number);
        }
      }
      for_each_wanted(scene, kind, wanted,
                      [&](std::uint32_t number, const CrashModel&, CrashState&& state) {
                        if (go_on()) {
                          pool_.record(JobId::state(number), std::move(state.image));
                        }
                      });
    }
  }

  // Makes the states of some records again, at the points they are wanted at.
  template <typename Use>
  void for_each_wanted(std::uint32_t scene, CrashKind kind,
                       const std::map<std::uint32_t, std::vector<std::uint32_t>>& wanted,
                       const Use& use) {
    CrashModel model(index_.scenes[scene].timeline, index_.profile_of(kind));
    for (const auto& [point, numbers] : wanted) {
      model.advance(index_.scenes[scene].points[point].position);
      std::size_t left = numbers.size();
      for_each_state(model, index_.state_options(), [&, &all = numbers](CrashState&& state) {
        const auto known = index_.number_of(index_.key_of(state.digest, scene, kind, model));
        if (known && std::find(all.begin(), all.end(), *known) != all.end()) {
          use(*known, model, std::move(state));
          --left;
        }
        return left > 0;
      });
    }
  }

  // ---- judging

  void judge_all() {
    for (std::uint32_t number = 0; number < index_.records.size(); ++number) {
      const Record& record = index_.records[number];
      std::map<CrashKind, std::vector<PointRange>> points;
      for (const auto& [kind, range] : index_.judged_at(number)) {
        if (accounts_.contains(kind)) {
          points[kind].push_back(range);
        }
      }
      bool reported = false;  // under the weaker crash already
      for (const auto& [kind, ranges] : points) {
        StateAccount& account = accounts_.at(kind);
        ++account.permitted;
        if (!record.result) {
          continue;
        }
        ++account.tried;
        ++account.tried_in[record.phase];
        account.reordered += record.reorders_files ? 1 : 0;
        account.alike += record.alike ? 1 : 0;
        const auto first = results_.first_violation(*record.result, kind, ranges);
        if (first) {
          ++account.violating;
          if (!reported) {
            violations_.push_back({number, kind, *first});
          }
          reported = true;
        } else if (const auto* why = results_.inconclusive(*record.result, kind, ranges)) {
          ++account.inconclusive;
          exploration_.inconclusive =
              exploration_.inconclusive.empty() ? why->summary : exploration_.inconclusive;
        }
      }
    }
  }

  // Of violations_, with their causes.
  void add_findings() {
    const SteadyClock::time_point explains = SteadyClock::now();
    FindingsByCause findings(
        index_, results_,
        [this](std::span<const crash::CrashImage> images) { return results_of(images); },
        [this, explains] {
          return !exploration_.interrupted || SteadyClock::now() - explains < kHaste;
        });
    std::ranges::move(findings.group(violations_), std::back_inserter(exploration_.findings));
  }

  // ---- life goes on

  // On some of the states that keep their promise so far, evenly chosen from those of all points and of
  // every way to lose something. Each is recovered anew, and only the verdict on what follows is wanted:
  // from here on it is the result of a directory.
  void live_on() {
    std::set<std::uint32_t> broken;
    for (const Violation& violation : violations_) {
      broken.insert(violation.record);
    }
    std::vector<std::uint32_t> candidates;
    for (std::uint32_t number = 0; number < index_.records.size(); ++number) {
      const Record& record = index_.records[number];
      if (record.result && results_.result(*record.result).started && !broken.contains(number)) {
        candidates.push_back(number);
      }
    }
    const std::uint64_t wanted = std::min<std::uint64_t>(options_.continued_max, candidates.size());
    std::map<std::pair<std::uint32_t, CrashKind>,
             std::map<std::uint32_t, std::vector<std::uint32_t>>>
        chosen;  // scene and kind -> point -> records
    for (std::uint64_t i = 0; i < wanted; ++i) {
      const std::uint32_t number = candidates[candidates.size() * i / wanted];
      const Sighting& first = index_.first_sighting(number);
      chosen[{first.scene, first.kind}][first.points.first].push_back(number);
    }
    settler_.stop_sharing();
    lives_on_ = true;
    trials_.clear();
    violations_.clear();
    std::map<std::uint32_t, JobId> lives;
    for (const auto& [where, points] : chosen) {
      for_each_wanted(where.first, where.second, points,
                      [&](std::uint32_t number, const CrashModel&, CrashState&& state) {
                        if (go_on() && !time_.is_over_for_lives()) {
                          lives.emplace(number, submit_life(state.image.digest(), state.image));
                        }
                      });
    }
    pool_.drain();
    settler_.settle_trials();
    exploration_.continued = judged_lives_;
    for (const auto& [number, job] : lives) {
      judge_life(number, settler_.result(job).result);
    }
    std::ranges::sort(violations_);
    add_findings();
  }

  JobId submit_life(const Digest& digest, const crash::CrashImage& image) {
    if (trial_count_ % kLivesAtOnce == 0) {
      pool_.drain();
      settler_.settle_trials();  // it holds the images of all that are not settled
    }
    const JobId job = JobId::trial(trial_count_++);
    trials_.insert_or_assign(digest, job);
    pool_.live_on(job, image);
    return job;
  }

  void judge_life(std::uint32_t number, ResultId result) {
    const auto at = index_.judged_at(number);
    const auto where = std::ranges::find_if(
        at, [&](const auto& sighting) { return accounts_.contains(sighting.first); });
    for (const oracle::Verdict& verdict : results_.result(result).checks) {
      if (where == at.end() || verdict.outcome == oracle::Outcome::kPass) {
        continue;
      }
      StateAccount& account = accounts_.at(where->first);
      if (verdict.outcome == oracle::Outcome::kViolation) {
        index_.records[number].result = result;
        ++account.violating;
        violations_.push_back({number, where->first, where->second.first});
      } else {
        ++account.inconclusive;
        if (exploration_.inconclusive.empty()) {
          exploration_.inconclusive = verdict.summary;
        }
      }
    }
  }

  // There is no time to explain more.
  void keep_first_of_each_kind() {
    std::set<CrashKind> kinds;
    std::erase_if(violations_,
                  [&](const Violation& violation) { return !kinds.insert(violation.kind).second; });
  }

  // Gives some of the states back, evenly chosen from those of the run itself.
  void keep_some() {
    std::vector<std::uint32_t> candidates;
    for (std::uint32_t number = 0; number < index_.records.size(); ++number) {
      if (index_.first_sighting(number).scene == 0) {
        candidates.push_back(number);
      }
    }
    const std::uint64_t wanted = std::min<std::uint64_t>(options_.kept_max, candidates.size());
    std::map<CrashKind, std::map<std::uint32_t, std::vector<std::uint32_t>>> by_point;
    for (std::uint64_t i = 0; i < wanted; ++i) {
      const std::uint32_t number = candidates[candidates.size() * i / wanted];
      const Sighting& first = index_.first_sighting(number);
      by_point[first.kind][first.points.first].push_back(number);
    }
    for (const auto& [kind, points] : by_point) {
      for_each_wanted(
          0, kind, points,
          [&, &of = kind](std::uint32_t number, const CrashModel& model, CrashState&& state) {
            exploration_.kept.push_back({.kind = of,
                                         .point = describe_point(model.timeline(), model.point()),
                                         .state = describe(model, state.selection),
                                         .profiles = profiles_that_permit(number),
                                         .image = std::move(state.image)});
          });
    }
  }

  // Of a state of the run, where it was found first.
  std::vector<std::string> profiles_that_permit(std::uint32_t number) const {
    std::vector<std::string> names;
    for (const crash::Profile& profile : index_.profiles) {
      if (index_.is_permitted(index_.records[number], 0, index_.first_sighting(number).points.first,
                              profile)) {
        names.push_back(profile.name);
      }
    }
    return names;
  }

  // Of any directories: those that were not recovered before are recovered now.
  std::vector<ResultId> results_of(std::span<const crash::CrashImage> images) {
    std::vector<JobId> jobs;
    for (const crash::CrashImage& image : images) {
      jobs.push_back(job_for(image));
    }
    pool_.drain();
    settler_.settle_trials();
    std::vector<ResultId> results;
    for (const JobId job : jobs) {
      results.push_back(settler_.result(job).result);
    }
    return results;
  }

  // The job with the result for this directory; a new one goes to the workers.
  JobId job_for(const crash::CrashImage& image) {
    const Digest digest = image.digest();
    if (lives_on_) {
      if (const auto known = trials_.find(digest); known != trials_.end()) {
        return known->second;
      }
      ++exploration_.explaining;
      return submit_life(digest, image);
    }
    const auto known = index_.number_of(digest);
    if (known && index_.records[*known].result) {  // else it was given up
      return JobId::state(*known);
    }
    const auto [trial, is_new] = trials_.try_emplace(digest, JobId::trial(trial_count_));
    trial_count_ += is_new ? 1U : 0U;
    if (is_new && !settler_.settle_if_known(trial->second, image)) {
      pool_.recover(trial->second, image);
      ++exploration_.explaining;
    }
    return trial->second;
  }

  void finish(SteadyClock::time_point begin) {
    for (const Finding& finding : exploration_.findings) {
      ++accounts_.at(finding.kind).findings;
    }
    for (auto& [kind, account] : accounts_) {
      exploration_.accounts.push_back(std::move(account));
    }
    exploration_.recovered = settler_.counts().recovered;
    const RecoveryPool::Times times = pool_.times();
    exploration_.times.lay_out = times.lay_out_ms;
    exploration_.times.start = times.start_ms;
    exploration_.times.load = times.load_ms;
    exploration_.times.judge = results_.judge_ms();
    exploration_.times.total = ms_since(begin);
  }

  const ExploreOptions& options_;
  const ExploreTick& tick_;
  StateIndex index_;
  std::vector<crash::CrashPoint> points_;
  RecoveredStates results_;
  std::map<CrashKind, StateAccount> accounts_;
  Representatives representatives_;
  std::unordered_set<Digest> beyond_max_;
  bool is_first_pass_ = false;  // of the run itself
  TimeBudget time_;
  std::vector<Violation> violations_;
  std::unordered_map<Digest, JobId> trials_;
  std::uint64_t trial_count_ = 0;
  bool lives_on_ = false;           // trials are of what follows a recovery
  std::uint64_t judged_lives_ = 0;  // from workers, one at a time
  Exploration exploration_;

  Settler settler_;  // this and what follows: used by workers as well
  std::mutex recordings_mutex_;
  std::map<std::uint32_t, trace::Trace> recordings_;  // by the record that was recovered

  RecoveryPool pool_;  // last: its workers use the above
};

}  // namespace

Exploration explore(std::shared_ptr<const trace::Trace> trace, const StateJudge& judge,
                    const recovery::RecovererFactory& factory, const ExploreOptions& options,
                    const ExploreTick& tick) {
  return Explorer(std::move(trace), judge, factory, options, tick).run();
}

Exploration explore(std::shared_ptr<const trace::Trace> trace, const oracle::Judge& judge,
                    const recovery::RecovererFactory& factory, const ExploreOptions& options,
                    const ExploreTick& tick) {
  return explore(std::move(trace), RespStateJudge(judge), factory, options, tick);
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

}  // namespace crashpoint::explore
