// Faults armed in one run: counts how often each one's place is passed and says when it strikes.
// Doing it is the tracer's part. All in the tracer's thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "harness/base/random.h"
#include "harness/fault/fault.h"
#include "harness/trace/event.h"
#include "harness/trace/syscalls.h"
#include "harness/trace/trace.h"

namespace crashpoint::fault {

// What is to be done at an event. Delays of several faults add up; of all other actions the first
// fault in order that strikes is done.
struct Strike {
  int fault = -1;  // index of the fault that acts, else of the first that delays; -1: none strikes
  std::optional<FaultAction> action;  // no delay
  Phase phase = Phase::kBefore;       // of the action
  std::int64_t delay_before_ns = 0;
  std::int64_t delay_after_ns = 0;

  // The action, if it is of this kind.
  template <typename Action>
  [[nodiscard]] const Action* as() const {
    return action.has_value() ? std::get_if<Action>(&*action) : nullptr;
  }
};

// Whether an event of this call is one that a fault at `place` counts, whatever else it asks for (an offset, a
// child that lives).
[[nodiscard]] bool counts(const Place& place, const trace::Event& event,
                          const trace::Syscall& syscall);

class ArmedFaults {
 public:
  // `faults` outlive this.
  ArmedFaults(const std::vector<Fault>& faults, std::uint64_t seed);

  // Is there a fault at a place where an event of `op` can be?
  [[nodiscard]] bool watches(trace::Op op) const {
    return (ops_ >> static_cast<unsigned>(op) & 1U) != 0;
  }

  // Of children that live now, with how many.
  using Purposes = std::map<trace::Name, std::uint32_t>;

  // `syscall` is null at a failpoint.
  Strike at(const trace::Event& event, const trace::Syscall* syscall, const Purposes& purposes);

  // Faults at a moment that has come, not returned before. Workload time in ms; negative: not
  // begun.
  [[nodiscard]] std::vector<std::size_t> due(std::uint64_t acked, std::int64_t ms,
                                             const Purposes& purposes);
  // The next moment in workload ms that due() waits for, if nothing but time passes.
  [[nodiscard]] std::optional<std::int64_t> next_ms(const Purposes& purposes) const;

  void arm_step(std::size_t step);

  // The disk budget, if there is one: its index and bytes.
  [[nodiscard]] std::optional<std::pair<std::size_t, std::uint64_t>> budget() const;

  void passed(std::size_t fault) { ++reports_[fault].passed; }
  // `where` is kept from the first time.
  void fired(std::size_t fault, trace::Position position, std::int64_t at_ns,
             const std::string& where);

  // What became of each; for one that never fired, the nearest places in `trace` that did occur.
  [[nodiscard]] std::vector<FaultReport> reports(const trace::Trace& trace) const;

 private:
  struct State {
    std::map<std::string, std::uint64_t> counts;  // by what Place::count_per says
    bool done = false;                            // a moment that was returned
  };

  [[nodiscard]] bool matches(std::size_t fault, const trace::Event& event,
                             const trace::Syscall* syscall) const;

  const std::vector<Fault>& faults_;
  std::vector<std::optional<Place>> places_;  // of a Libfiu fault too: its points are failpoints
  std::vector<State> states_;
  std::vector<FaultReport> reports_;
  std::vector<trace::Name> said_;  // Place::syscall
  Random random_;
  std::uint64_t ops_ = 0;
};

// "main", "child 2 (rewrite)", "thread 1".
[[nodiscard]] std::string describe(const trace::Role& role);
// "fdatasync(appendonlydir/appendonly.aof.1.incr.aof) by main"
[[nodiscard]] std::string describe(const trace::Event& event);

}  // namespace crashpoint::fault
