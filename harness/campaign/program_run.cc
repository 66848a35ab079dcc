#include "harness/campaign/program_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/glob.h"
#include "harness/base/text.h"
#include "harness/recovery/live_target.h"
#include "harness/recovery/program_commands.h"

namespace crashpoint::campaign {
namespace {

namespace fs = std::filesystem;
using trace::Event;
using trace::Op;
using trace::RoleKind;

// A setup or a workload of commands that end: longer than any that is explored to the end.
constexpr std::chrono::seconds kDeadline{120};
constexpr std::size_t kNameMax = 80;

recovery::CommandLimits limits() {
  recovery::CommandLimits limits;
  limits.deadline = kDeadline;
  return limits;
}

// On one line, and as it is typed.
std::string name_of(const scenario::Command& command) {
  std::string name = to_string(command);
  std::replace(name.begin(), name.end(), '\n', ' ');
  if (name.size() > kNameMax) {
    name = name.substr(0, kNameMax) + "...";
  }
  return printable(name);
}

// The steps as one process that runs them one after another, each in a process of its own, until one fails. It
// prints nothing and changes nothing. A single step needs none.
std::vector<std::string> argv_of_steps(const scenario::Case& of,
                                       const recovery::CommandPlaces& places) {
  const std::vector<scenario::RunStep>& steps = of.program->steps;
  if (steps.size() == 1) {
    return recovery::argv_of(steps.front().run, places);
  }
  std::string script;
  for (const scenario::RunStep& step : steps) {
    script += "(exec";
    for (const std::string& word : recovery::argv_of(step.run, places)) {
      script += " " + shell_quote(word);
    }
    script += ") || exit\n";
  }
  return {"sh", "-c", script + "exit 0\n"};
}

// Which step each process belongs to.
class Steps {
 public:
  Steps(const trace::Trace& trace, std::size_t count) {
    std::size_t begun = 0;
    for (const Event& event : trace.events) {
      if (count == 1) {
        if (event.role.kind == RoleKind::kMain) {
          main_.emplace(event.pid, 0);
        }
        step_of_.emplace(event.pid, 0);
      } else if (event.op == Op::kFork && event.performed > 0) {
        const auto child = static_cast<pid_t>(event.performed);
        const auto parent = step_of_.find(event.pid);
        if (parent != step_of_.end()) {
          step_of_.insert_or_assign(child, parent->second);
        } else if (event.role.kind == RoleKind::kMain && begun < count) {
          step_of_.insert_or_assign(child, begun);
          main_.insert_or_assign(child, begun++);
        }
      }
    }
  }

  // Of a step's own process: its number.
  [[nodiscard]] const std::size_t* ended(const Event& event) const {
    const auto found = main_.find(event.pid);
    return found == main_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const std::size_t* of(const Event& event) const {
    const auto found = step_of_.find(event.pid);
    return found == step_of_.end() ? nullptr : &found->second;
  }

 private:
  std::map<pid_t, std::size_t> step_of_;
  std::map<pid_t, std::size_t> main_;
};

std::string why_it_failed(const scenario::Case& of, const recovery::CommandEnd& end,
                          std::size_t step) {
  return fmt::format("step {} ({}) {}", step + 1, name_of(of.program->steps[step].run),
                     trouble_of(end, limits()));
}

}  // namespace

void run_setup(const scenario::Case& of, const fs::path& data, const fs::path& folder,
               const std::function<bool()>& go_on) {
  fs::create_directories(folder / "run");
  for (const scenario::Command& command : of.program->setup) {
    const recovery::CommandEnd end = recovery::run_command(
        recovery::command_line(of, command, recovery::places_of(of, data, folder / "run")), folder,
        recovery::guard_only(), limits(), go_on);
    if (!end.succeeded()) {
      throw UsageError(
          fmt::format("the setup '{}' {}", name_of(command), trouble_of(end, limits())));
    }
  }
}

std::string run_step(const scenario::Case& of, std::size_t step, const fs::path& data,
                     const fs::path& folder, const std::function<bool()>& go_on) {
  fs::create_directories(folder / "run");
  const recovery::CommandPlaces places = recovery::places_of(of, data, folder / "run");
  const recovery::CommandEnd end =
      recovery::run_command(recovery::command_line(of, of.program->steps[step].run, places), folder,
                            recovery::guard_only(), limits(), go_on);
  return end.succeeded() ? "" : why_it_failed(of, end, step);
}

std::vector<StepAck> acks_of(const scenario::Case& of, const trace::Trace& trace) {
  const std::vector<scenario::RunStep>& steps = of.program->steps;
  const Steps processes(trace, steps.size());
  std::map<std::size_t, std::string> begun;  // by step: a line that has not ended
  std::vector<StepAck> acks;
  for (const Event& event : trace.events) {
    if (event.exit == trace::kNever) {
      continue;
    }
    if (event.op == Op::kExit) {
      const std::size_t* const step = processes.ended(event);
      if (step != nullptr && event.result == 0) {
        acks.push_back({.ack = {.position = event.exit,
                                .at_ns = event.exit_ns,
                                .what = name_of(steps[*step].run),
                                .promises = steps[*step].synced_lines.empty()},
                        .step = *step});
      }
    } else if (event.op == Op::kOutput && event.fd == STDOUT_FILENO) {
      const std::size_t* const step = processes.of(event);
      if (step == nullptr || steps[*step].acknowledging_lines.empty()) {
        continue;
      }
      std::string& line = begun[*step];
      for (const char c : trace.data(event)) {
        if (c != '\n') {
          line += c;
          continue;
        }
        const std::string& synced = steps[*step].synced_lines;
        const bool syncs = !synced.empty() && name_match(synced, line);
        if (syncs || name_match(steps[*step].acknowledging_lines, line)) {
          acks.push_back({.ack = {.position = event.exit,
                                  .at_ns = event.exit_ns,
                                  .what = fmt::format("line \"{}\"", shorten(line, kNameMax)),
                                  .promises = syncs || synced.empty()},
                          .step = *step,
                          .by_line = true,
                          .syncs = syncs});
        }
        line.clear();
      }
    }
  }
  std::stable_sort(acks.begin(), acks.end(), [](const StepAck& a, const StepAck& b) {
    return a.ack.position < b.ack.position;
  });
  return acks;
}

ProgramRun record_steps(const scenario::Case& of, const fs::path& data, const fs::path& folder,
                        const std::function<bool()>& go_on) {
  fs::create_directories(folder / "run");
  const recovery::CommandPlaces places = recovery::places_of(of, data, folder / "run");
  recovery::CommandLine command = {
      .argv = argv_of_steps(of, places), .directory = data, .environment = of.target.environment};
  ptrace::TracerOptions options;
  options.seed = of.seed;
  options.faults = of.faults;
  recovery::CommandEnd end =
      recovery::run_command(command, folder, std::move(options), limits(), go_on);
  ProgramRun run;
  run.trace = std::move(end.run.trace);
  run.faults = std::move(end.run.faults);
  run.ms = end.ms;
  run.left_running = end.left_running;
  run.began_ns = run.trace.events.empty() ? 0 : run.trace.events.front().enter_ns;
  run.acks = acks_of(of, run.trace);
  if (!end.succeeded()) {
    const auto done = static_cast<std::size_t>(std::count_if(
        run.acks.begin(), run.acks.end(), [](const StepAck& ack) { return !ack.by_line; }));
    run.failed_step = std::min(done, of.program->steps.size() - 1);
    run.trouble = why_it_failed(of, end, run.failed_step);
  }
  return run;
}

}  // namespace crashpoint::campaign
