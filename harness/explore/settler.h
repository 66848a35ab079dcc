// Turns recoveries, which end in any order, into results in the order of their jobs.
//
// A recovery that says what it asked of its directory stands for all directories that give the same
// answers (recovery_equivalence.h). Which recovery stands for which depends on the order in which they
// are looked at, so jobs are settled in their own order: the counts are the same for any number of
// workers, even if some of them recovered a directory for nothing.
//
//   kState   settled as soon as every state before it is
//   kTrial   settled by settle_trials(), so that what is known while trials are made does not change
//
// Threads    is_needed() and add() from any thread; the rest as well, but a result is there only after
//            the job is settled.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "harness/crash/image/image.h"
#include "harness/explore/job_id.h"
#include "harness/explore/recovered_states.h"
#include "harness/explore/recovery_equivalence.h"

namespace crashpoint::explore {

class Settler {
 public:
  struct Settled {
    ResultId result = 0;
    bool equivalent = false;  // to another job, whose result this is
  };
  struct Counts {
    std::uint64_t settled = 0;    // states
    std::uint64_t recovered = 0;  // of those: not equivalent to another
  };

  // Borrows `results`. `share`: a recovery may stand for the equivalent ones.
  Settler(RecoveredStates& results, bool share) : results_(results), share_(share) {}

  // False: a settled recovery stands for this state, and add() may be called without another. True for
  // every trial: settle_if_known() has been asked.
  [[nodiscard]] bool is_needed(JobId job, const crash::CrashImage& image) const;

  // From now on no recovery stands for another: what is asked of a directory then goes beyond recovery.
  void stop_sharing();

  // The job has ended; `recovered` is nothing if it was not needed. Once for each job.
  void add(JobId job, crash::CrashImage image, std::optional<recovery::Recovered> recovered);

  // Settles a trial without a recovery, if a settled one stands for it.
  bool settle_if_known(JobId trial, const crash::CrashImage& image);

  // Settles all trials added; every state is settled by now.
  void settle_trials();

  // Of a settled job.
  [[nodiscard]] Settled result(JobId job) const;
  [[nodiscard]] Counts counts() const;

 private:
  struct Ended {
    crash::CrashImage image;
    std::optional<ResultId> result;  // nothing: it was not needed
    std::optional<std::vector<trace::Question>> asked;
  };

  // The result of the job that stands for a directory. All with the lock held.
  [[nodiscard]] std::optional<ResultId> known(const crash::CrashImage& image) const;
  [[nodiscard]] Settled settle(JobId job, const Ended& ended);
  [[nodiscard]] Settled settled(JobId job) const;

  RecoveredStates& results_;
  bool share_;
  mutable std::shared_mutex mutex_;  // of all below
  std::map<JobId, Ended> ended_;     // and not settled
  RecoveryEquivalence equivalence_;  // of settled jobs
  std::vector<Settled> states_;      // settled, by number
  std::map<std::uint64_t, Settled> trials_;
  std::uint64_t recovered_ = 0;
};

}  // namespace crashpoint::explore
