// Crash states that a recovery could not tell apart: they answer alike all that one recovery asked of the
// directory (trace/observations.h), so it does the same on both and need be made once.
//
// What recoveries asked is kept as a tree: at each node a question, a branch for each answer met so far, at
// the end the state that was recovered.
//
// Threads    Several may look at once while none adds.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>

#include "harness/crash/image/image.h"
#include "harness/trace/observations.h"

namespace crashpoint::explore {

// What the image says to that; equal: the same.
[[nodiscard]] crash::Digest answer(const crash::CrashImage& image, const trace::Question& question);

class Alike {
 public:
  // The state from which a recovery could not tell this one, if there is one.
  [[nodiscard]] std::optional<std::uint64_t> find(const crash::CrashImage& image) const;

  // The recovery of `state`, of this image, asked this and nothing else.
  void add(std::uint64_t state, const crash::CrashImage& image,
           std::span<const trace::Question> questions);

 private:
  struct Node {
    std::optional<std::uint64_t> state;  // nothing more to ask
    trace::Question question;
    std::map<crash::Digest, std::unique_ptr<Node>> answers;
  };
  std::unique_ptr<Node> root_;
};

}  // namespace crashpoint::explore
