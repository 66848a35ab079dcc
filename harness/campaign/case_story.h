// The story of a case for people: its run up to the crash, and what came of the recovery.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "harness/ptrace/tracer.h"
#include "harness/recovery/recovery_checks.h"
#include "harness/report/result.h"
#include "harness/workload/history.h"
#include "harness/workload/plan.h"

namespace crashpoint::campaign {

class CaseStory {
 public:
  // When each step began, on the clock of traces and histories.
  using Steps = std::vector<std::pair<std::int64_t, std::size_t>>;

  // Of several cycles the last: of the one that failed, if one did. `end` says how the run ended.
  void tell_run(const ptrace::Run& traced, const workload::History& history,
                const std::vector<fault::Fault>& faults, const workload::Plan& plan,
                const Steps& steps, const std::string& end);

  // Of several recoveries the last that is told. `damage` names the crash state where the case has
  // several; `began_ns` is when the target was started.
  void tell_recovery(const workload::History& history, const recovery::Recovery& recovery,
                     const std::string& damage, std::int64_t began_ns);

  // A start that `recovery.faults` struck, before the recovery that is told next.
  void tell_struck_start(const workload::History& history, const std::string& damage,
                         const std::vector<std::string>& struck, std::int64_t began_ns);

  [[nodiscard]] std::vector<report::Moment> take() { return std::move(moments_); }

 private:
  void tell(const workload::History& history, std::int64_t at_ns, std::string what);
  void forget_recovery();

  std::vector<report::Moment> moments_;
  bool struck_ = false;  // a struck start is told, and its recovery not yet
};

// Now, on the clock of traces and histories.
[[nodiscard]] std::int64_t now_ns();

}  // namespace crashpoint::campaign
