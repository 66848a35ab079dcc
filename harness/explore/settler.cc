#include "harness/explore/settler.h"

#include <mutex>
#include <utility>

#include "harness/base/check.h"

namespace crashpoint::explore {

using crash::CrashImage;

bool Settler::is_needed(JobId job, const CrashImage& image) const {
  if (job.kind == JobId::Kind::kTrial) {
    return true;
  }
  const std::shared_lock lock(mutex_);
  return !known(image);
}

void Settler::stop_sharing() {
  const std::unique_lock lock(mutex_);
  share_ = false;
}

void Settler::add(JobId job, CrashImage image, std::optional<recovery::Recovered> recovered) {
  Ended ended{.image = std::move(image), .result = {}, .asked = {}};
  if (recovered) {
    ended.asked = std::move(recovered->asked);
    ended.result = results_.intern(*std::move(recovered));
  }
  const std::unique_lock lock(mutex_);
  HARNESS_CHECK(job.kind == JobId::Kind::kTrial || job.number >= states_.size(), job,
                states_.size());
  const bool is_new = ended_.emplace(job, std::move(ended)).second;
  HARNESS_CHECK(is_new, job);
  for (auto next = ended_.begin();
       next != ended_.end() && next->first == JobId::state(states_.size()); next = ended_.begin()) {
    const Settled settled = settle(next->first, next->second);
    states_.push_back(settled);
    recovered_ += settled.equivalent ? 0U : 1U;
    ended_.erase(next);
  }
}

bool Settler::settle_if_known(JobId trial, const CrashImage& image) {
  HARNESS_CHECK(trial.kind == JobId::Kind::kTrial, trial);
  const std::unique_lock lock(mutex_);
  const std::optional<ResultId> result = known(image);
  if (result) {
    trials_.emplace(trial.number, Settled{.result = *result, .equivalent = true});
  }
  return result.has_value();
}

void Settler::settle_trials() {
  const std::unique_lock lock(mutex_);
  for (const auto& [job, ended] : ended_) {
    HARNESS_CHECK(job.kind == JobId::Kind::kTrial, job, states_.size());
    const bool is_new = trials_.emplace(job.number, settle(job, ended)).second;
    HARNESS_CHECK(is_new, job);
  }
  ended_.clear();
}

Settler::Settled Settler::result(JobId job) const {
  const std::shared_lock lock(mutex_);
  return settled(job);
}

Settler::Counts Settler::counts() const {
  const std::shared_lock lock(mutex_);
  return {.settled = states_.size(), .recovered = recovered_};
}

std::optional<ResultId> Settler::known(const CrashImage& image) const {
  const std::optional<JobId> job = share_ ? equivalence_.find(image) : std::nullopt;
  return job ? std::optional(settled(*job).result) : std::nullopt;
}

Settler::Settled Settler::settle(JobId job, const Ended& ended) {
  if (const std::optional<ResultId> result = known(ended.image)) {
    return {.result = *result, .equivalent = true};
  }
  // is_needed() said no only because of a settled recovery, and that is still there.
  HARNESS_CHECK(ended.result.has_value(), job);
  if (share_ && ended.asked) {
    equivalence_.add(job, ended.image, *ended.asked);
  }
  return {.result = *ended.result};
}

// A job is in the equivalence a moment before its result is in `states_` or `trials_`, with the lock held.
Settler::Settled Settler::settled(JobId job) const {
  if (job.kind == JobId::Kind::kState) {
    HARNESS_CHECK(job.number < states_.size(), job, states_.size());
    return states_[job.number];
  }
  const auto trial = trials_.find(job.number);
  HARNESS_CHECK(trial != trials_.end(), job);
  return trial->second;
}

}  // namespace crashpoint::explore
