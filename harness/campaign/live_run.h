// A target under the faults of a case: one workload up to the crash, and starts that faults strike.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/ptrace/tracer.h"
#include "harness/recovery/bounds.h"
#include "harness/recovery/live_target.h"
#include "harness/recovery/program.h"
#include "harness/scenario/scenario.h"
#include "harness/workload/plan.h"
#include "harness/workload/runner.h"

namespace crashpoint::campaign {

struct LiveRun {
  recovery::StartOutcome start;
  workload::Plan plan;     // with the seed of this cycle
  workload::Run workload;  // empty if the target did not start
  std::vector<std::pair<std::int64_t, std::size_t>>
      steps;  // when each began, on the clock of traces
  ptrace::Run traced;
  std::optional<int> ended_by_itself;  // the status, as from wait(2); nothing: it was killed
  // When the workload began, and at its end where the target still ran.
  std::optional<recovery::Holdings> held_before;
  std::optional<recovery::Holdings> held_after;
  std::string log;
  // What else the harness did, for the timeline: each with its moment, on the clock of traces.
  std::vector<std::pair<std::int64_t, std::string>> told;
  std::int64_t crashed_ns = 0;          // 0: when the history ended
  std::vector<std::string> unanswered;  // what reading the data of this target needs and it lacks
  double workload_ms = 0;
  double crash_ms = 0;

  [[nodiscard]] bool any_fault_fired() const;
  // A fault can make a server drop a client. What was acknowledged until then is judged.
  [[nodiscard]] bool dropped_by_fault() const;
  // When the replies of acknowledged operations were sent.
  [[nodiscard]] std::vector<trace::Position> acknowledged() const;
  // Whether an operation had been sent and was not acknowledged.
  [[nodiscard]] bool has_operation_in_flight() const;
};

// A run in its two steps, for those who have something to do between them.
class Life {
 public:
  // Starts the target on `data`. `folder` is for this run alone. `cycle` counts from 1. Borrows `of`.
  Life(const scenario::Case& of, const recovery::Program& program, std::uint32_t cycle,
       const std::filesystem::path& data, const std::filesystem::path& folder);

  // Runs the workload with the faults of the case in force, up to its end or that of the target; or until
  // the target is held, if the case has survivors.
  void live();
  // What is known of the run so far; of its trace and its faults nothing.
  [[nodiscard]] LiveRun& so_far() { return run_; }
  [[nodiscard]] recovery::LiveTarget& target() { return target_; }
  // Kills what lives.
  [[nodiscard]] LiveRun end();

 private:
  const scenario::Case& case_;
  LiveRun run_;
  recovery::LiveTarget target_;
};

// Starts the target on `data`, runs the workload of the case with its faults in force, and kills it.
// `folder` is for this run alone. `cycle` counts from 1.
[[nodiscard]] LiveRun run_live(const scenario::Case& of, const recovery::Program& program,
                               std::uint32_t cycle, const std::filesystem::path& data,
                               const std::filesystem::path& folder);

// Starts the target on `data` with `recovery.faults` in force, and kills it. What it then leaves is what
// the recovery that is judged gets.
[[nodiscard]] ptrace::Run strike_start(const scenario::Case& of, const recovery::Program& program,
                                       const std::filesystem::path& data,
                                       const std::filesystem::path& folder);

}  // namespace crashpoint::campaign
