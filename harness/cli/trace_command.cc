// crashpoint trace: what does a program do to its files, and what has it acknowledged too early?
#include <fmt/format.h>
#include <sys/wait.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/cli/commands.h"
#include "harness/ptrace/tracer.h"
#include "harness/report/trace_text.h"
#include "harness/trace/audit.h"
#include "harness/trace/trace_file.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {
namespace {

struct TraceOptions {
  std::vector<std::string> command;
  std::string output;
  std::string input;
  std::string directory = ".";
  std::size_t lines = 200;
};

// As a shell tells it.
int exit_code(int wait_status) {
  constexpr int kSignalBase = 128;
  return WIFSIGNALED(wait_status) ? kSignalBase + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

volatile std::sig_atomic_t g_interrupts = 0;
volatile std::sig_atomic_t g_passed_on = 0;  // a signal for the program

void on_interrupt(int /*signal*/) {
  g_interrupts = g_interrupts + 1;
}
void on_signal(int signal) {
  g_passed_on = signal;
}

// The trace is told however the program ends: from before its start on.
void take_signals() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGQUIT, on_interrupt);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGHUP, on_signal);
}

// Ctrl-C reaches the program by itself; one that goes on is killed at the second.
void wait_for_end(ptrace::Tracer& tracer) {
  while (!tracer.wait_for_end(std::chrono::milliseconds(50))) {
    if (g_passed_on != 0) {
      tracer.signal_main(g_passed_on);
      g_passed_on = 0;
    }
    if (g_interrupts > 1) {
      tracer.kill_tree();
    }
  }
}

void check(const TraceOptions& options) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(options.directory)) {
    throw UsageError(fmt::format("--dir {}: no such directory", options.directory));
  }
  const std::string directory = fs::canonical(options.directory) / "";
  if (!options.output.empty() &&
      fs::weakly_canonical(fs::absolute(options.output)).string().starts_with(directory)) {
    throw UsageError(
        fmt::format("-o {} lies inside the data directory {}: write it elsewhere, or choose the "
                    "data directory with --dir",
                    options.output, directory));
  }
}

void tell(std::FILE* out, const trace::Trace& trace, const std::string& directory,
          std::size_t lines) {
  const trace::Audit audit = trace::audit(trace);
  const std::int64_t began_ns = trace.events.empty() ? 0 : trace.events.front().enter_ns;
  fmt::print(out, "crashpoint trace: {} in {}\n", counted(trace.events.size(), "event", "events"),
             directory);
  fmt::print(out, "\noperations (seconds, who, what)\n{}", report::operations_text(trace, lines));
  fmt::print(out, "\nfiles\n{}", report::files_text(audit));
  fmt::print(out, "\naudit\n{}", report::audit_text(audit, began_ns));
  if (!trace.notes.empty()) {
    fmt::print(out, "\nnot seen in full\n");
    for (const std::string& note : trace.notes) {
      fmt::print(out, "  {}\n", note);
    }
  }
}

int tell_file(const TraceOptions& options) {
  const trace::TraceFile file = trace::read_trace_file(options.input);
  tell(stdout, file.trace, file.directory, options.lines);
  if (!file.complete) {
    fmt::print("\nThe trace ends early: crashpoint was killed while it wrote it.\n");
  }
  return kPassed;
}

int trace_program(const TraceOptions& options) {
  if (options.command.empty()) {
    throw UsageError("a command is required: crashpoint trace -- COMMAND");
  }
  check(options);
  target::ProcessSpec spec;
  spec.argv = options.command;
  spec.interactive = true;
  ptrace::TracerOptions tracer_options;
  tracer_options.data_directory = std::filesystem::canonical(options.directory);
  tracer_options.trace_file = options.output;
  tracer_options.keep_initial_content = !options.output.empty();
  take_signals();
  ptrace::Tracer tracer(spec, tracer_options);
  wait_for_end(tracer);
  const ptrace::Run run = tracer.finish();

  // Like strace and time: the program's own output stays as it is.
  std::fflush(stdout);
  tell(stderr, run.trace, tracer_options.data_directory, options.lines);
  if (!options.output.empty()) {
    fmt::print(stderr, "\nthe whole trace: {} and {}.data\n", options.output, options.output);
  }
  return exit_code(run.status);
}

}  // namespace

void add_trace_command(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand(
      "trace",
      "Run any program and show what it does to its files, and what it acknowledged too early");
  auto options = std::make_shared<TraceOptions>();
  verb->add_option("-o,--output", options->output,
                   "Also write the trace to FILE (a line of JSON per event) and FILE.data (the "
                   "bytes), while the program runs")
      ->type_name("FILE");
  verb->add_option("--read", options->input, "Tell of a trace that -o has written; runs nothing")
      ->type_name("FILE");
  verb->add_option("--dir", options->directory,
                   "The data directory: what happens below it is shown and audited")
      ->type_name("DIR")
      ->capture_default_str();
  verb->add_option("--lines", options->lines, "Show at most this many lines of operations")
      ->capture_default_str();
  verb->add_option("command", options->command, "The program and its arguments, after --")
      ->excludes("--read");
  verb->footer(
      "\nThe exit code is the program's, 128 + the signal if one killed it; 2 and 3 as ever.");
  verb->callback([options, &action] {
    action = [options] {
      return options->input.empty() ? trace_program(*options) : tell_file(*options);
    };
  });
}

}  // namespace crashpoint::cli
