// Recovers crash states through `crashpoint-engine --recovery-server`: the recovery of a normal start,
// without the cost of starting a process for each.
#pragma once

#include <filesystem>
#include <memory>

#include "harness/recovery/live_recoverer.h"

namespace crashpoint::recovery {

class EngineRecoverer : public LiveRecoverer {
 public:
  EngineRecoverer(const Program& program, const scenario::Case& scenario,
                  std::filesystem::path folder);
  ~EngineRecoverer() override;

 protected:
  Recovered recover_once(const std::filesystem::path& directory) override;

 private:
  class Server;
  std::unique_ptr<Server> server_;  // started when it is needed, and anew after a hang
};

}  // namespace crashpoint::recovery
