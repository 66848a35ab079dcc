// What every traced tree needs, whatever is done at its stops: the tree itself, the faults at a
// moment of the workload, the kills, and the report of its end. The handlers (guard_handler.h,
// observing_handler.h, recording_handler.h) share it.
// All in the tracer's thread, except where noted.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "harness/fault/armed_faults.h"
#include "harness/fault/fault.h"
#include "harness/ptrace/kernel/wakeup.h"
#include "harness/ptrace/tracees.h"
#include "harness/ptrace/tracer.h"
#include "harness/ptrace/tree.h"
#include "harness/trace/event.h"

namespace crashpoint::ptrace {

class Supervisor {
 public:
  struct Events {
    std::function<void(int status)> main_ended;  // the first process
    std::function<void()> all_held;
  };
  // Borrows all.
  Supervisor(const TracerOptions& options, Wakeup& wakeup, Events events);

  [[nodiscard]] Tracees& tracees() { return tracees_; }
  [[nodiscard]] fault::ArmedFaults& faults() { return faults_; }

  // From any thread. acked() returns when the faults that wait for this count have struck, and arm_step() when
  // those have that are due as the step begins: the workload cannot end before they do.
  void begin_workload();
  void arm_step(std::size_t step);
  void acked(std::uint64_t count);

  // From any thread: the tree is held soon, or goes on. See Tracer.
  void ask_to_hold();
  void ask_to_let_go();
  [[nodiscard]] bool is_holding() const { return holding_; }
  // At the end.
  [[nodiscard]] std::vector<Survivor> take_survivors() { return std::move(survivors_); }

  // Arms the faults of the step that has begun. Before a syscall is looked at, so that whatever the
  // step causes is seen with its faults armed.
  void arm_begun_step();
  // Strikes with the faults at a moment that has come; `now` is their position in the trace.
  void strike_due(const fault::ArmedFaults::Purposes& purposes, trace::Position now);
  // The Handler's on_wake(): arms, strikes, and has the next wake-up at the next moment or at
  // `next_ns` (CLOCK_MONOTONIC), whichever is earlier.
  void woken(std::optional<std::int64_t> next_ns, const fault::ArmedFaults::Purposes& purposes,
             trace::Position now);
  // on_wake() is called soon.
  void wake() { wakeup_.wake(); }

  // `pid` is at the place. Whether that process dies of it.
  bool kill(const fault::Kill& kill, pid_t pid);
  void process_ended(const Process& process, int status);

  // Nothing is left to supervise: nobody need wait for it any more.
  void end();

 private:
  void hold(pid_t dying);
  void let_go();
  [[nodiscard]] std::optional<std::int64_t> next_moment_ns(
      const fault::ArmedFaults::Purposes& purposes) const;

  const TracerOptions& options_;
  Wakeup& wakeup_;
  Events events_;
  Tracees tracees_;
  fault::ArmedFaults faults_;

  std::size_t steps_armed_ = 0;
  std::atomic<std::size_t> steps_begun_ = 0;
  std::atomic<std::size_t> steps_seen_ = 0;  // armed, and what was due has struck
  std::set<std::uint64_t> ack_counts_;       // that faults wait for
  std::atomic<std::uint64_t> acked_ = 0;
  std::atomic<std::uint64_t> acked_seen_ = 0;
  std::atomic<std::int64_t> workload_began_ns_ = 0;  // 0: not yet

  std::atomic<bool> asked_to_hold_ = false;
  std::atomic<bool> asked_to_let_go_ = false;
  std::atomic<bool> holding_ = false;
  std::vector<Survivor> survivors_;
};

}  // namespace crashpoint::ptrace
