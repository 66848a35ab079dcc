#include "harness/campaign/recorded_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <regex>

#include "harness/base/error.h"
#include "harness/campaign/live_run.h"
#include "harness/campaign/program_run.h"
#include "harness/campaign/workspace.h"
#include "harness/fault/armed_faults.h"
#include "harness/fault/fault.h"
#include "harness/recovery/program.h"
#include "harness/trace/syscalls.h"

namespace crashpoint::campaign {
namespace {

namespace fs = std::filesystem;
using scenario::Call;
using scenario::CallsWanted;

const trace::Syscall* syscall_of(const trace::Event& event) {
  for (const trace::Syscall& syscall : trace::syscalls()) {
    if (syscall.name == event.syscall) {
      return &syscall;
    }
  }
  return nullptr;
}

// What a child is for shows only in what it does: until then its number is all that is known of it.
std::string role_of(const trace::Role& role) {
  switch (role.kind) {
    case trace::RoleKind::kMain:
      return "main";
    case trace::RoleKind::kChild:
      return fmt::format("child:{}", role.ordinal);
    case trace::RoleKind::kThread:
      return fmt::format("thread:{}", role.ordinal);
  }
  return {};
}

// "temp-rewriteaof-*.aof": the number is that of a process.
std::string glob_of(const std::string& path) {
  static const std::regex kNumber("[0-9]{3,}");
  return std::regex_replace(fs::path(path).filename().string(), kNumber, "*");
}

}  // namespace

std::vector<Call> calls_in(const trace::Trace& trace, const CallsWanted& wanted) {
  std::vector<Call> calls;
  for (const trace::Event& event : trace.events) {
    const trace::Syscall* syscall = syscall_of(event);
    if (syscall == nullptr) {
      continue;
    }
    for (const std::string& name : wanted.of) {
      fault::Place place;
      place.syscall = name;
      place.path = wanted.path;
      place.role = wanted.role;
      if (!fault::counts(place, event, *syscall)) {
        continue;
      }
      Call call{.syscall = name, .path = "", .role = role_of(event.role), .nth = 0};
      if (event.inside) {
        call.path = glob_of(event.path.str());
      }
      place.path = call.path;
      place.role = call.role;
      for (const trace::Event& earlier : trace.events) {
        const trace::Syscall* of = syscall_of(earlier);
        call.nth += of != nullptr && fault::counts(place, earlier, *of) ? 1U : 0U;
        if (&earlier == &event) {
          break;
        }
      }
      calls.push_back(std::move(call));
    }
  }
  return calls;
}

namespace {

std::vector<Call> record_once(const scenario::Case& of, const CallsWanted& wanted) {
  const Workspace workspace = Workspace::open();
  const fs::path data = workspace.path() / "data";
  if (of.program) {
    fs::create_directories(data);
    run_setup(of, data, workspace.path() / "setup", {});
    const ProgramRun run = record_steps(of, data, workspace.path() / "steps", {});
    if (!run.trouble.empty()) {
      throw EnvironmentError(
          fmt::format("{}: the calls of the steps cannot be listed: {}", of.name, run.trouble));
    }
    return calls_in(run.trace, wanted);
  }
  const recovery::Program program = recovery::find_program(of.target, workspace.path());
  const LiveRun run = run_live(of, program, 1, data, workspace.path() / "life");
  if (!run.start.ready()) {
    throw EnvironmentError(fmt::format(
        "{}: the calls of the target cannot be listed, because it does not start: {}", of.name,
        run.log.substr(run.log.size() - std::min<std::size_t>(run.log.size(), 400))));
  }
  if (!wanted.of_recovery) {
    return calls_in(run.traced.trace, wanted);
  }
  return calls_in(strike_start(of, program, data, workspace.path() / "recovery").trace, wanted);
}

}  // namespace

std::vector<Call> record_calls(const scenario::Case& of, const CallsWanted& wanted) {
  std::vector<Call> calls = record_once(of, wanted);
  const std::vector<Call> again = record_once(of, wanted);
  std::erase_if(calls, [&again](const Call& call) {
    return std::find(again.begin(), again.end(), call) == again.end();
  });
  return calls;
}

}  // namespace crashpoint::campaign
