#include "harness/explore/explore.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "harness/crash/cause/words.h"
#include "harness/crash/model.h"
#include "harness/crash/timeline.h"
#include "harness/explore/findings.h"
#include "harness/explore/recovered_states.h"
#include "harness/explore/recovery_equivalence.h"
#include "harness/explore/recovery_pool.h"
#include "harness/explore/representatives.h"
#include "harness/explore/state_index.h"

namespace crashpoint::explore {
namespace {

using Clock = std::chrono::steady_clock;
using crash::CrashModel;
using crash::CrashState;
using crash::Digest;
using crash::Phase;
using oracle::CrashKind;

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

std::vector<Scene::Reply> replies_of(const trace::Trace& trace) {
  std::vector<Scene::Reply> replies;
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
  Explorer(std::shared_ptr<const trace::Trace> trace, const oracle::Judge& judge,
           const recovery::RecovererFactory& factory, const ExploreOptions& options,
           const ExploreTick& tick)
      : options_(options),
        tick_(tick),
        explored_(options),
        points_(crash::crash_points(*trace, options.points)),
        results_(judge, options.guarantees, options.expect, points_, options.must_start),
        pool_(
            options.jobs, options.folder, factory,
            [this](std::uint64_t job, const crash::CrashImage& image) {
              return is_needed(job, image);
            },
            [this](std::uint64_t job, crash::CrashImage image,
                   std::optional<recovery::Recovered> recovered) {
              done(job, std::move(image), std::move(recovered));
            },
            [this](std::uint64_t job, std::optional<trace::Trace> recorded) {
              this->recorded(job, std::move(recorded));
            }) {
    auto timeline = std::make_shared<const crash::Timeline>(std::move(trace));
    exploration_.notes = timeline->notes();
    std::vector<Scene::Reply> replies = replies_of(timeline->trace());
    explored_.scenes.push_back({std::move(timeline), points_, 1, 0, std::move(replies)});
    for (const auto& [kind, guarantee] : options.guarantees) {
      accounts_[kind] = {.kind = kind,
                         .profile = explored_.profile_of(kind).name,
                         .points = points_.size(),
                         .skipped = {}};
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
    Explainer explainer(explored_, results_, [this](std::span<const crash::CrashImage> images) {
      return results_of(images);
    });
    exploration_.findings = explainer.explain(violations_);
    keep_some();
    finish(begin);
    return std::move(exploration_);
  }

 private:
  // A state that came back, with what it takes to know others by it.
  struct Unsettled {
    crash::CrashImage image;
    std::optional<ResultId> result = {};  // nothing: it was not needed
    std::optional<std::vector<trace::Question>> asked = {};
  };

  // ---- producing states

  // All states of a scene, the telling ones first; new ones go to the workers.
  void produce(std::uint32_t scene) {
    for (const auto& [first, last] : kPasses) {
      for (auto& [kind, account] : accounts_) {
        crash::StateOptions states = explored_.state_options();
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
    CrashModel model(explored_.scenes[scene].timeline, explored_.profile_of(kind));
    std::optional<std::uint64_t> version;
    std::vector<std::uint32_t> here;  // records permitted at the last point looked at
    bool stopped = false;
    for (std::uint32_t point = 0; point < explored_.scenes[scene].points.size() && !stopped;
         ++point) {
      model.advance(explored_.scenes[scene].points[point].position);
      if (model.version() != version) {
        version = model.version();
        here.clear();
        const crash::StateCount count = for_each_state(model, states, [&](CrashState&& state) {
          return take(std::move(state), explored_.key_of(state.digest, scene, kind, model), scene,
                      point, kind, model, account, here, waited_ms);
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
        add_sighting(explored_.records[record], {scene, kind, {point, point}});
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
    if (const auto known = explored_.number_of(key)) {
      if (options_.prune != Prune::kNone) {
        ++account.skipped["equal to another state, and judged with it"];
      }
      here.push_back(*known);
      return true;
    }
    if (options_.prune == Prune::kRepresentative &&
        !representatives_.take(explored_.scenes[scene], point, model, state.selection, kind)) {
      ++account.skipped["pruned: states of the same shape are tried"];
      return true;
    }
    if (explored_.records.size() >= options_.max_states) {
      // Known states are still looked for, and the others counted; to a point, as it takes its time.
      account.permitted_exactly = false;
      beyond_max_.insert(state.digest);
      account.skipped[kMaxReached] = beyond_max_.size();
      return beyond_max_.size() < options_.max_states;
    }
    const auto number = static_cast<std::uint32_t>(explored_.records.size());
    explored_.by_key.emplace(key, number);
    here.push_back(number);
    {
      const std::lock_guard lock(mutex_);
      explored_.records.push_back({.digest = state.digest});
    }
    const Clock::time_point begin = Clock::now();
    pool_.recover(number, std::move(state.image));
    waited_ms += ms_since(begin);
    return true;
  }

  bool go_on() {
    if (tick_) {
      std::uint64_t recovered = 0;
      {
        const std::lock_guard lock(mutex_);
        recovered = settled_;
      }
      exploration_.interrupted =
          exploration_.interrupted ||
          !tick_({.found = explored_.records.size(), .recovered = recovered});
    }
    return !exploration_.interrupted;
  }

  // ---- what comes back, from any worker

  // Not if a recovery that is settled could not have told it from another.
  bool is_needed(std::uint64_t job, const crash::CrashImage& image) {
    if (options_.prune == Prune::kNone || job >= kAsked) {
      return true;
    }
    const std::shared_lock lock(alike_mutex_);
    return !alike_.find(image);
  }

  void done(std::uint64_t job, crash::CrashImage image,
            std::optional<recovery::Recovered> recovered) {
    Unsettled unsettled{.image = std::move(image)};
    if (recovered) {
      unsettled.asked = std::move(recovered->asked);
      unsettled.result = results_.intern(*std::move(recovered));
    }
    const std::lock_guard lock(mutex_);
    unsettled_.emplace(job, std::move(unsettled));
    for (; !unsettled_.empty() && unsettled_.begin()->first == next_settled_; ++next_settled_) {
      settle(next_settled_, unsettled_.begin()->second);
      unsettled_.erase(unsettled_.begin());
    }
  }

  // In the order of the states, whatever the order in which they come back: what is alike does not depend on
  // the number of workers, even if some were recovered for nothing.
  void settle(std::uint64_t job, const Unsettled& unsettled) {
    const std::optional<std::uint64_t> other =
        options_.prune == Prune::kNone ? std::nullopt : alike_.find(unsettled.image);
    const ResultId result = other ? result_of(*other) : unsettled.result.value();
    if (!other && unsettled.asked) {
      const std::unique_lock lock(alike_mutex_);
      alike_.add(job, unsettled.image, *unsettled.asked);
    }
    if (job >= kAsked) {
      answers_[job - kAsked] = result;
      return;
    }
    explored_.records[job].result = result;
    explored_.records[job].alike = other.has_value();
    ++settled_;
    recovered_ += other ? 0U : 1U;
  }

  [[nodiscard]] ResultId result_of(std::uint64_t job) const {
    return job >= kAsked ? answers_.at(job - kAsked) : *explored_.records[job].result;
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
    const std::size_t scenes = explored_.scenes.size();
    for (std::uint32_t scene = 0; scene < scenes; ++scene) {
      if (explored_.scenes[scene].depth + 1 == depth) {
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
      if (timeline->ops().empty() || explored_.records.size() >= options_.max_states) {
        continue;  // it changed nothing, or there is no room for what it would add
      }
      explored_.scenes.push_back({std::move(timeline), std::move(points), depth, parent, {}});
      produce(static_cast<std::uint32_t>(explored_.scenes.size() - 1));
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
      for (std::uint32_t number = 0; number < explored_.records.size(); ++number) {
        const Sighting& first = explored_.records[number].sightings.front();
        if (first.scene == scene && first.kind == kind) {
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
    CrashModel model(explored_.scenes[scene].timeline, explored_.profile_of(kind));
    for (const auto& [point, numbers] : wanted) {
      model.advance(explored_.scenes[scene].points[point].position);
      std::size_t left = numbers.size();
      for_each_state(model, explored_.state_options(), [&, &all = numbers](CrashState&& state) {
        const auto known = explored_.number_of(explored_.key_of(state.digest, scene, kind, model));
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
    for (std::uint32_t number = 0; number < explored_.records.size(); ++number) {
      const Record& record = explored_.records[number];
      std::map<CrashKind, std::vector<PointRange>> points;
      for (const auto& [kind, range] : explored_.judged_at(number)) {
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
        account.alike += record.alike ? 1 : 0;
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

  // Gives some of the states back, evenly chosen from those of the run itself.
  void keep_some() {
    std::vector<std::uint32_t> candidates;
    for (std::uint32_t number = 0; number < explored_.records.size(); ++number) {
      if (explored_.records[number].sightings.front().scene == 0) {
        candidates.push_back(number);
      }
    }
    const std::uint64_t wanted = std::min<std::uint64_t>(options_.kept_max, candidates.size());
    std::map<CrashKind, std::map<std::uint32_t, std::vector<std::uint32_t>>> by_point;
    for (std::uint64_t i = 0; i < wanted; ++i) {
      const std::uint32_t number = candidates[candidates.size() * i / wanted];
      const Sighting& first = explored_.records[number].sightings.front();
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

  // Recovers those directories now that were not recovered before.
  std::vector<ResultId> results_of(std::span<const crash::CrashImage> images) {
    const auto known_result = [this](const Digest& digest) -> std::optional<ResultId> {
      const auto known = explored_.number_of(digest);
      return known ? explored_.records[*known].result : std::nullopt;
    };
    for (const crash::CrashImage& image : images) {
      const Digest digest = image.digest();
      const std::uint64_t number = asked_.size();
      if (known_result(digest) || !asked_.try_emplace(digest, number).second) {
        continue;
      }
      const std::optional<std::uint64_t> other =
          options_.prune == Prune::kNone ? std::nullopt : alike_.find(image);
      if (other) {
        answers_[number] = result_of(*other);
      } else {
        pool_.recover(kAsked + number, image);
        ++exploration_.explaining;
      }
    }
    pool_.drain();
    const std::lock_guard lock(mutex_);
    for (const auto& [job, unsettled] : unsettled_) {
      settle(job, unsettled);
    }
    unsettled_.clear();
    std::vector<ResultId> results;
    for (const crash::CrashImage& image : images) {
      const Digest digest = image.digest();
      const std::optional<ResultId> known = known_result(digest);
      results.push_back(known ? *known : answers_.at(asked_.at(digest)));
    }
    return results;
  }

  void finish(Clock::time_point begin) {
    for (const Finding& finding : exploration_.findings) {
      ++accounts_.at(finding.kind).findings;
    }
    for (auto& [kind, account] : accounts_) {
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

  // Numbers of jobs that a cause asked for, beyond those of records.
  static constexpr std::uint64_t kAsked = std::uint64_t{1} << 40;

  const ExploreOptions& options_;
  const ExploreTick& tick_;
  Explored explored_;  // its records grow only under mutex_
  std::vector<crash::CrashPoint> points_;
  RecoveredStates results_;
  std::map<CrashKind, StateAccount> accounts_;
  Representatives representatives_;
  std::unordered_set<Digest> beyond_max_;
  std::vector<Violation> violations_;
  std::unordered_map<Digest, std::uint64_t> asked_;  // numbers of their jobs
  Exploration exploration_;

  std::mutex mutex_;                              // of what workers write
  std::map<std::uint64_t, Unsettled> unsettled_;  // recovered before a state that comes first
  std::uint64_t next_settled_ = 0;
  std::uint64_t settled_ = 0;
  std::uint64_t recovered_ = 0;  // of those: not alike
  Alike alike_;                  // grows only under mutex_ and this
  std::shared_mutex alike_mutex_;
  std::map<std::uint64_t, ResultId> answers_;
  std::map<std::uint32_t, trace::Trace> recordings_;

  RecoveryPool pool_;  // last: its workers use the above
};

}  // namespace

Exploration explore(std::shared_ptr<const trace::Trace> trace, const oracle::Judge& judge,
                    const recovery::RecovererFactory& factory, const ExploreOptions& options,
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

}  // namespace crashpoint::explore
