// Recovers crash states through `crashpoint-engine --recovery-server`: the recovery of a normal start,
// without the cost of starting a process for each.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "harness/recovery/engine_service.h"
#include "harness/recovery/program.h"
#include "harness/recovery/recoverer.h"
#include "harness/recovery/starter.h"
#include "harness/scenario/scenario.h"

namespace crashpoint::recovery {

class EngineRecoverer : public Recoverer {
 public:
  // Borrows `program` and `of`. `folder` exists and is for this recoverer alone.
  EngineRecoverer(const Program& program, const scenario::Case& of, std::filesystem::path folder);
  ~EngineRecoverer() override;

  Recovered recover(const std::filesystem::path& directory) override;
  std::optional<oracle::Verdict> live_on(const std::filesystem::path& directory) override;
  // By a normal start: the recovery server cannot be recorded.
  std::optional<trace::Trace> record(const std::filesystem::path& directory) override;

 private:
  Recovered recover_once(const std::filesystem::path& directory);

  const Program& program_;
  const scenario::Case& case_;
  std::filesystem::path folder_;
  EngineStarter starter_;                  // of whole servers
  std::unique_ptr<EngineService> server_;  // started when it is needed, and again after a timeout
};

}  // namespace crashpoint::recovery
