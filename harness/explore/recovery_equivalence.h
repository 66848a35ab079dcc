// Directories that a recovery cannot tell apart: they give the same answers to everything that one
// recovery asked of its directory (trace/observations.h), so recovery does the same on both and needs to
// run only once.
//
// What recoveries asked is kept as a tree: a question at each node, a branch for each answer seen so far,
// and at each leaf the job that recovered such a directory.
//
// Threads    Concurrent find() is safe; add() needs exclusive access.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>

#include "harness/crash/image/image.h"
#include "harness/explore/job_id.h"
#include "harness/trace/observations.h"

namespace crashpoint::explore {

// A digest of the answer of the image: equal digests mean equal answers.
[[nodiscard]] crash::Digest answer(const crash::CrashImage& image, const trace::Question& question);

class RecoveryEquivalence {
 public:
  // A job whose recovery does the same on this image, if one is known.
  [[nodiscard]] std::optional<JobId> find(const crash::CrashImage& image) const;

  // The recovery of `job`, on this image, asked `questions` and nothing else.
  void add(JobId job, const crash::CrashImage& image, std::span<const trace::Question> questions);

 private:
  struct Node {
    std::optional<JobId> job;  // a leaf: nothing more to ask
    trace::Question question;
    std::map<crash::Digest, std::unique_ptr<Node>> answers;
  };
  std::unique_ptr<Node> root_;
};

}  // namespace crashpoint::explore
