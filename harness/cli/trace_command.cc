// crashpoint trace: shows what a program does to its files and what it acknowledged too early.
#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
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
  std::vector<std::string> acks;
};

trace::Acks acks_of(const TraceOptions& options) {
  if (options.acks.empty()) {
    return {};
  }
  const auto wanted = [&](std::string_view kind) {
    return std::ranges::find(options.acks, kind) != options.acks.end();
  };
  return {.sends = wanted("send"),
          .output = wanted("stdout"),
          .errors = wanted("stderr"),
          .exit = wanted("exit")};
}

// As a shell reports it.
int exit_code(int wait_status) {
  constexpr int kSignalBase = 128;
  return WIFSIGNALED(wait_status) ? kSignalBase + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

volatile std::sig_atomic_t g_interrupts = 0;
volatile std::sig_atomic_t g_passed_on = 0;  // signal to send to the program

void on_interrupt(int /*signal*/) {
  g_interrupts = g_interrupts + 1;
}
void on_signal(int signal) {
  g_passed_on = signal;
}

// Set before the program starts, so that the trace is printed however the program ends.
void handle_signals() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGQUIT, on_interrupt);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGHUP, on_signal);
}

// The terminal sends Ctrl-C to the program too. A second one kills a program that ignores the first.
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
        fmt::format("-o {} is inside the data directory {}: write it elsewhere, or choose another "
                    "data directory with --dir",
                    options.output, directory));
  }
}

void print_trace(std::FILE* out, const trace::Trace& trace, const std::string& directory,
                 const TraceOptions& options) {
  const trace::Audit audit = trace::audit(trace, acks_of(options));
  fmt::print(out, "crashpoint trace: {} in {}\n", counted(trace.events.size(), "event", "events"),
             escape(directory));
  fmt::print(out, "\noperations (seconds, who, what)\n{}",
             report::operations_text(trace, options.lines));
  fmt::print(out, "\nfiles\n{}", report::files_text(audit));
  fmt::print(out, "\naudit\n{}", report::audit_text(audit, trace, directory));
  if (const std::string notes = report::notes_text(trace); !notes.empty()) {
    fmt::print(out, "\nnot seen in full\n{}", notes);
  }
}

int show_trace_file(const TraceOptions& options) {
  trace::TraceFile file = trace::read_trace_file(options.input);
  if (!file.complete) {
    file.trace.unseen.emplace_back(
        "what came after the trace was cut short, or was noted at its end");
  }
  print_trace(stdout, file.trace, file.directory, options);
  if (!file.complete) {
    fmt::print("\nThe trace is incomplete: crashpoint was killed while writing it.\n");
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
  handle_signals();
  ptrace::Tracer tracer(spec, tracer_options);
  wait_for_end(tracer);
  const ptrace::Run run = tracer.finish();

  // To stderr, like strace and time, which keeps the program's own output intact.
  std::fflush(stdout);
  print_trace(stderr, run.trace, tracer_options.data_directory, options);
  if (!options.output.empty()) {
    fmt::print(stderr, "\ntrace written to {} and {}.data\n", options.output, options.output);
  }
  return exit_code(run.status);
}

}  // namespace

void add_trace_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "trace", "Run any program; show its file operations and what it acknowledged too early");
  auto options = std::make_shared<TraceOptions>();
  command
      ->add_option("-o,--output", options->output,
                   "Also write the trace to FILE (one line of JSON per event) and FILE.data (the "
                   "bytes) while the program runs")
      ->type_name("FILE");
  command
      ->add_option("--read", options->input,
                   "Show a trace written by -o instead of running a program")
      ->type_name("FILE");
  command
      ->add_option("--dir", options->directory,
                   "The data directory: only operations below it are shown and audited")
      ->type_name("DIR")
      ->capture_default_str();
  command->add_option("--lines", options->lines, "Show at most N lines of operations")
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option(
          "--ack", options->acks,
          "What acknowledges, in the audit: a send on a socket, a line on standard output or "
          "standard error, the exit of the program with status 0. Several with commas; "
          "default: send,stdout")
      ->type_name("KIND")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"send", "stdout", "stderr", "exit"}));
  command->add_option("command", options->command, "The program and its arguments, after --")
      ->excludes("--read");
  command->footer(
      "\nExit codes: the program's own, or 128 + N if signal N killed it; 2 usage error, 3 "
      "crashpoint "
      "could not trace the program.");
  command->callback([options, &action] {
    action = [options] {
      return options->input.empty() ? trace_program(*options) : show_trace_file(*options);
    };
  });
}

}  // namespace crashpoint::cli
