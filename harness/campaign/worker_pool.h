// Runs numbered jobs in worker processes, one job a worker at a time.
//
// Processes, not threads: ptrace ties a target to one thread, a harness bug in one case must not
// take the others with it, and a killed worker takes its targets along (PTRACE_O_EXITKILL).
// A worker dies with its parent, whatever ends the parent. It is in a session of its own, so Ctrl-C and
// a signal to the process group reach the parent alone. What a killed worker leaves running is ended.
//
// Threads    Call from a process that has no other threads: workers are forked from it.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace crashpoint::campaign {

// In a worker, in any thread: false once the run is being stopped. A job that asks returns soon then, with
// what it has.
using GoOn = std::function<bool()>;

// Runs in a worker: does job `index` and returns its result as bytes.
using Job = std::function<std::string(std::size_t index, const GoOn& go_on)>;

// Runs in the parent, in order of completion. `result` is what the job returned; if the worker died
// instead, `result` is empty and `died` says how ("killed by SIGSEGV").
using Done = std::function<void(std::size_t index, std::string result, const std::string& died)>;

// Called in the parent about every 200 ms, after each result and after a signal; returning false stops
// the run: no further job is started. A job that has asked whether to go on has six seconds to end,
// any other half a second; then its worker is killed.
using Tick = std::function<bool()>;

// Runs jobs 0..count-1 on `workers` processes (at least 1). Returns false when `tick` stopped it.
// Throws EnvironmentError if no worker can be forked.
bool run_in_workers(std::size_t count, unsigned workers, const Job& job, const Done& done,
                    const Tick& tick);

}  // namespace crashpoint::campaign
