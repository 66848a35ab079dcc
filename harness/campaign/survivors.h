// A case whose first life is not over when the next one begins. What lives of the first (recovery.beside) is
// held by the tracer while a new instance starts on its directory and takes writes; then it acts, and then
// all are killed.
//
//   held       from the strike of the fault on, so that it is certain what the survivors do after the writes
//              of the new instance and not before. An instance that goes on serving is not held
//   act        orphans end their work, in bounded time; an instance ends its children's work, and saves
//              once more as its own schedule might (BGREWRITEAOF, or BGSAVE without a log)
//   history    of the new instance: what it served is where it begins, what it acknowledged goes on from
//              there, and what comes back after the crash of all is held against it
//   refusal    a target that exits with an error instead of starting beside the survivors keeps its
//              promise. What then comes back is held against the first life
//   seen       where nothing lived on, or nothing that lived on changed a file, nothing is proved: that is
//              inconclusive. What a child did not survive because its parent had ended is the target's
//              own care, and a pass
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/campaign/live_run.h"
#include "harness/oracle/verdict.h"
#include "harness/ptrace/tracer.h"
#include "harness/recovery/program.h"
#include "harness/scenario/scenario.h"
#include "harness/target/state.h"
#include "harness/trace/trace.h"
#include "harness/workload/history.h"

namespace crashpoint::campaign {

// The life of the new instance.
struct LifeSince {
  target::State base;  // what it served at its start
  workload::History history;
  // The case as what comes back after it is judged: with the promise of that life, and without what the
  // scenario expects of the first.
  scenario::Case judged_as;
};

struct LifeBeside {
  LiveRun run;                          // the first life, with what its survivors did
  std::optional<LifeSince> since;       // nothing: no new instance served
  std::vector<oracle::Verdict> checks;  // what can be told before the last recovery
  std::vector<std::string> notes;
};

// `of` has recovery.beside. `folder` is for this run alone. Throws UsageError, EnvironmentError.
[[nodiscard]] LifeBeside live_beside(const scenario::Case& of, const recovery::Program& program,
                                     const std::filesystem::path& data,
                                     const std::filesystem::path& folder);

// What became of a process that was held until `let_go_ns`.
enum class Fate : std::uint8_t {
  kActed,          // it changed the directory
  kEndedByItself,  // killed by its parent's end, or it gave up: it changed nothing any more
  kHadNothingLeftToDo,
};
[[nodiscard]] Fate fate_of(const ptrace::Survivor& survivor, const trace::Trace& trace,
                           std::int64_t let_go_ns);

}  // namespace crashpoint::campaign
