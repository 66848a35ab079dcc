// Recovers crash states of any target by starting it on each, as an operator would.
#pragma once

#include <filesystem>
#include <optional>

#include "harness/recovery/program.h"
#include "harness/recovery/recoverer.h"
#include "harness/scenario/scenario.h"
#include "harness/trace/observations.h"

namespace crashpoint::recovery {

class LiveRecoverer : public Recoverer {
 public:
  // Borrows `program` and `of`. `folder` exists and is for the instances of the target. `observe`: every
  // recovery reports what it asked of its directory.
  LiveRecoverer(const Program& program, const scenario::Case& of, std::filesystem::path folder,
                bool observe = false);

  // Starts the target, reads its state, kills it; a second time for a case that asks for `idempotent`.
  Recovered recover(const std::filesystem::path& directory) override;
  std::optional<oracle::Verdict> live_on(const std::filesystem::path& directory) override;
  std::optional<trace::Trace> record(const std::filesystem::path& directory) override;

 private:
  Recovered recover_once(const std::filesystem::path& directory);

  const Program& program_;
  const scenario::Case& case_;
  std::filesystem::path folder_;
  bool observe_;
  trace::Observations observations_;  // of the recovery in progress
  bool timed_out_ = false;            // the recovery in progress
};

}  // namespace crashpoint::recovery
