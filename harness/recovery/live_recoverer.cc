#include "harness/recovery/live_recoverer.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <utility>

#include "harness/base/clock.h"
#include "harness/recovery/continuation.h"
#include "harness/recovery/idempotence.h"
#include "harness/recovery/last_line.h"
#include "harness/recovery/live_target.h"
#include "harness/recovery/starter.h"
#include "harness/scenario/restarted.h"
#include "harness/target/state_dump.h"

namespace crashpoint::recovery {
namespace {

namespace fs = std::filesystem;

// A new folder for every start: a log that is appended to would report old errors.
fs::path fresh_instance(const fs::path& folder) {
  fs::path instance = folder / "instance";
  fs::remove_all(instance);
  return instance;
}

std::string trouble_of(const StartOutcome& outcome, std::int64_t deadline_ms,
                       const std::string& log) {
  return outcome.kind == StartOutcome::Kind::kTimeout
             ? fmt::format("it did not serve within {} ms; {}", deadline_ms, last_line(log))
             : fmt::format("it {}; {}", describe_status(outcome.status), last_line(log));
}

}  // namespace

LiveRecoverer::LiveRecoverer(const Program& program, const scenario::Case& of, fs::path folder,
                             bool observe)
    : program_(program), case_(of), folder_(std::move(folder)), observe_(observe) {}

Recovered LiveRecoverer::recover(const fs::path& directory) {
  observations_ = {};
  timed_out_ = false;
  Recovered recovered = recover_once(directory);
  if (recovered.started && case_.oracle.idempotent) {
    check_idempotence(recovered, recover_once(directory));
  }
  // Whether a recovery is in time depends on more than the directory.
  if (observe_ && !timed_out_ && observations_.gave_up().empty()) {
    recovered.asked = observations_.questions();
  }
  return recovered;
}

Recovered LiveRecoverer::recover_once(const fs::path& directory) {
  const std::int64_t deadline_ms = case_.recovery.deadline_ms;
  ptrace::TracerOptions options = guard_only();
  options.observations = observe_ ? &observations_ : nullptr;
  LiveTarget target(program_, scenario::restarted(case_), directory, fresh_instance(folder_),
                    std::move(options));
  const StartOutcome outcome = target.wait_ready(std::chrono::milliseconds(deadline_ms));
  if (outcome.kind == StartOutcome::Kind::kTimeout) {
    timed_out_ = true;
  }
  Recovered recovered;
  recovered.start_ms = outcome.ms;
  if (!outcome.ready()) {
    recovered.trouble = trouble_of(outcome, deadline_ms, target.log());
    return recovered;
  }
  const SteadyClock::time_point began = SteadyClock::now();
  try {
    recovered.state = target::dump_state(target.endpoint());
    recovered.started = true;
  } catch (const target::ConnectionLost&) {
    recovered.trouble = "it died while its data was read; " + last_line(target.log());
  }
  recovered.load_ms = ms_since(began);
  return recovered;
}

std::optional<oracle::Verdict> LiveRecoverer::live_on(const fs::path& directory) {
  LiveStarter starter(program_, case_, folder_);
  return continue_and_judge(case_, program_, starter, directory).verdict;
}

std::optional<trace::Trace> LiveRecoverer::record(const fs::path& directory) {
  LiveTarget target(program_, scenario::restarted(case_), directory, fresh_instance(folder_), {});
  const StartOutcome outcome =
      target.wait_ready(std::chrono::milliseconds(case_.recovery.deadline_ms));
  target.tracer().kill_tree();
  ptrace::Run run = target.tracer().finish();
  if (!outcome.ready()) {
    return std::nullopt;  // what it does to a directory that it refuses is not explored
  }
  return std::move(run.trace);
}

}  // namespace crashpoint::recovery
