// The timeline of a case for people: its run up to the crash, and the recovery.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "harness/campaign/live_run.h"
#include "harness/ptrace/tracer.h"
#include "harness/recovery/recovery_checks.h"
#include "harness/report/result.h"
#include "harness/workload/history.h"

namespace crashpoint::campaign {

class CaseStory {
 public:
  // Replaces what was recorded before: of several cycles, the last one counts.
  void record_run(const LiveRun& run, const std::vector<fault::Fault>& faults);

  // Replaces the recovery recorded before. `damage` names the crash state where the case has several;
  // `began_ns` is when the target was started.
  void record_recovery(const workload::History& history, const recovery::Recovery& recovery,
                       const std::string& damage, std::int64_t began_ns);

  // A start that `recovery.faults` struck, before the recovery that is recorded next.
  void record_struck_start(const workload::History& history, const std::string& damage,
                           const ptrace::Run& struck, std::int64_t began_ns);

  [[nodiscard]] std::vector<report::Moment> take() { return std::move(moments_); }

 private:
  void add(const workload::History& history, std::int64_t at_ns, std::string what);
  void forget_recovery();

  std::vector<report::Moment> moments_;
  bool struck_ = false;  // a struck start is recorded, and its recovery is not yet
};

}  // namespace crashpoint::campaign
