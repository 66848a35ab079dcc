// Carries out a plan against a live server and records its history.
//
// Threads  run() does everything in the calling thread; the hooks are called from it.
// Errors   EnvironmentError when no connection can be made at all. A target that dies, stalls or
//          closes a connection is no error: the history ends there and `end` says how.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "harness/target/resp_client.h"
#include "harness/workload/history.h"
#include "harness/workload/plan.h"

namespace crashpoint::workload {

// All optional.
struct Hooks {
  // Step `step` begins: nothing of it has been sent. Faults with `from_step` are armed here.
  std::function<void(std::size_t step)> step_began;
  // So many commands of the workload have been answered, as the clients see it.
  std::function<void(std::uint64_t acked)> acked;
  // Asked at least every 100 ms; true ends the run (Ctrl-C; a target that is held).
  std::function<bool()> stop;
};

enum class End : std::uint8_t {
  kCompleted,       // every step was carried out
  kTargetGone,      // every connection was closed, reset or refused by the target
  kConnectionLost,  // some were, and the others stayed open
  kUnreadable,      // what the target sent is no reply
  kStalled,         // no reply for `stall_ms`, or a background job that takes longer
  kStopped,         // `stop` said so
};

struct Run {
  History history;
  End end = End::kCompleted;
  std::string detail;  // "step 3: client 2: connection reset", empty when completed
  // What plan.resumes_within_ms asked for. `refused_still`: the error that a write still got at the end.
  std::optional<std::int64_t> resumed_after_ms = {};
  std::string refused_still = {};
};

[[nodiscard]] Run run(const Plan& plan, const target::Endpoint& endpoint, const Hooks& hooks = {});

}  // namespace crashpoint::workload
