#include "harness/recovery/live_recoverer.h"

#include <fmt/format.h>

#include <chrono>
#include <regex>
#include <string_view>
#include <utility>

#include "harness/base/text.h"
#include "harness/oracle/resp/judge.h"
#include "harness/recovery/live_target.h"
#include "harness/target/state_dump.h"

namespace crashpoint::recovery {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// Every start has the folder for itself: a log that is appended to would name old troubles.
fs::path fresh_instance(const fs::path& folder) {
  fs::path instance = folder / "instance";
  fs::remove_all(instance);
  return instance;
}

std::string trouble_of(const StartOutcome& outcome, std::int64_t deadline_ms,
                       const std::string& log) {
  return outcome.kind == StartOutcome::Kind::kTimeout
             ? fmt::format("it did not serve within {} ms; {}", deadline_ms, last_words(log))
             : fmt::format("it {}; {}", describe_status(outcome.status), last_words(log));
}

}  // namespace

std::string last_words(std::string_view log) {
  while (!log.empty() && (log.back() == '\n' || log.back() == '\r')) {
    log.remove_suffix(1);
  }
  if (log.empty()) {
    return "it printed nothing";
  }
  const std::size_t newline = log.rfind('\n');
  const std::string line(newline == std::string_view::npos ? log : log.substr(newline + 1));
  static const std::regex kPrefix(R"(^\d+:[A-Z] \d+ \w+ \d+ [\d:.]+ [.\-*#] )");
  return fmt::format("its last line: {}", escape(std::regex_replace(line, kPrefix, "")));
}

LiveRecoverer::LiveRecoverer(const Program& program, const scenario::Case& scenario,
                             fs::path folder, bool observe)
    : program_(program), scenario_(scenario), folder_(std::move(folder)), observe_(observe) {}

Recovered LiveRecoverer::recover(const fs::path& directory) {
  observations_ = {};
  timed_out_ = false;
  Recovered recovered = recover_once(directory);
  if (recovered.started && scenario_.oracle.idempotent) {
    const std::string promise = "a second start on the recovered directory gives the same data";
    const Recovered second = recover_once(directory);
    recovered.start_ms += second.start_ms;
    recovered.load_ms += second.load_ms;
    if (second.started) {
      recovered.checks.push_back(
          oracle::judge_same(recovered.state, second.state, "idempotent", promise));
    } else {
      oracle::Verdict broken;
      broken.outcome = oracle::Outcome::kViolation;
      broken.check = "idempotent";
      broken.promise = promise;
      broken.summary = second.trouble;
      recovered.checks.push_back(std::move(broken));
    }
  }
  // How long a recovery takes depends on more than the directory.
  if (observe_ && !timed_out_ && observations_.gave_up().empty()) {
    recovered.asked = observations_.questions();
  }
  return recovered;
}

Recovered LiveRecoverer::recover_once(const fs::path& directory) {
  const std::int64_t deadline_ms = scenario_.recovery.deadline_ms;
  ptrace::TracerOptions options = guard_only();
  options.observations = observe_ ? &observations_ : nullptr;
  LiveTarget target(program_, scenario_.target, directory, fresh_instance(folder_),
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
  const Clock::time_point began = Clock::now();
  try {
    recovered.state = target::dump_state(target.endpoint());
    recovered.started = true;
  } catch (const target::ConnectionLost&) {
    recovered.trouble = "it died while its data was read; " + last_words(target.log());
  }
  recovered.load_ms = std::chrono::duration<double, std::milli>(Clock::now() - began).count();
  return recovered;
}

std::optional<trace::Trace> LiveRecoverer::record(const fs::path& directory) {
  LiveTarget target(program_, scenario_.target, directory, fresh_instance(folder_), {});
  const StartOutcome outcome =
      target.wait_ready(std::chrono::milliseconds(scenario_.recovery.deadline_ms));
  target.tracer().kill_tree();
  ptrace::Run run = target.tracer().finish();
  if (!outcome.ready()) {
    return std::nullopt;  // what it did to the files of a state it refuses is of no consequence
  }
  return std::move(run.trace);
}

}  // namespace crashpoint::recovery
