// Recovers crash states of any target by starting it on each, as an operator would.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "harness/recovery/program.h"
#include "harness/recovery/recoverer.h"
#include "harness/scenario/scenario.h"
#include "harness/trace/observations.h"

namespace crashpoint::recovery {

class LiveRecoverer : public Recoverer {
 public:
  // Borrows both. `folder` exists and is for the instances of the target. `observe`: tells what each
  // recovery asked of its directory.
  LiveRecoverer(const Program& program, const scenario::Case& scenario,
                std::filesystem::path folder, bool observe = false);

  // Holds the recovery against the scenario's `expect` and, by a second one on the same directory,
  // against `idempotent`.
  Recovered recover(const std::filesystem::path& directory) final;
  std::optional<trace::Trace> record(const std::filesystem::path& directory) final;

 protected:
  // One start, state read, killed.
  virtual Recovered recover_once(const std::filesystem::path& directory);

  [[nodiscard]] const Program& program() const { return program_; }
  [[nodiscard]] const scenario::Case& scenario() const { return scenario_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

 private:
  const Program& program_;
  const scenario::Case& scenario_;
  std::filesystem::path folder_;
  bool observe_;
  trace::Observations observations_;  // of the recovery being made
  bool timed_out_ = false;            // it
};

// The last line of a log, without the process id and the time that Redis puts before each: the same
// for the same trouble.
[[nodiscard]] std::string last_words(std::string_view log);

}  // namespace crashpoint::recovery
