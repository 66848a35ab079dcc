// crashpoint: parses the command line, runs the command, turns errors into exit codes.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <system_error>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/cli/commands.h"
#include "harness/cli/print.h"

#include <CLI/CLI.hpp>

namespace {

namespace cli = crashpoint::cli;

constexpr const char* kExitCodes =
    "\nExit codes: 0 all cases passed, 1 violation, 2 usage error or invalid scenario, 3 "
    "inconclusive.";

// The command or option nearest to the first unknown word; empty if none is near.
std::string suggestion(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands({})) {
    commands.push_back(command->get_name());
  }
  if (argc < 2) {
    return {};
  }
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  if (chosen.empty()) {
    return crashpoint::nearest(argv[1], commands);
  }
  std::vector<std::string> options;
  for (const CLI::Option* option : chosen.front()->get_options()) {
    for (const std::string& name : option->get_lnames()) {
      options.push_back("--" + name);
    }
  }
  for (int i = 2; i < argc; ++i) {
    const std::string word(argv[i]);
    const std::string name = word.substr(0, word.find('='));
    if (name.starts_with("--") &&
        std::find(options.begin(), options.end(), name) == options.end()) {
      return crashpoint::nearest(name, options);
    }
  }
  return {};
}

int usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  const bool unknown_command = app.get_subcommands().empty() && argc > 1 && argv[1][0] != '-';
  cli::print_error("crashpoint: {}\n", unknown_command ? fmt::format("unknown command '{}'",
                                                                     crashpoint::shorten(argv[1]))
                                                       : std::string(error.what()));
  if (const std::string name = suggestion(app, argc, argv); !name.empty()) {
    cli::print_error("Did you mean '{}'?\n", name);
  }
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  cli::print_error("See 'crashpoint{}{} --help'.\n", chosen.empty() ? "" : " ",
                   chosen.empty() ? "" : chosen.front()->get_name());
  return cli::kUsage;
}

// Numbers 0 to 2 must not become those of files of ours, into which a program would then write. They are
// closed again at its exec.
void occupy_closed_streams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) {
      (void)::open("/dev/null", O_RDWR | O_CLOEXEC);  // the lowest number that is free
    }
  }
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): of what comes before the command, only a lack of memory
int main(int argc, char** argv) {
  occupy_closed_streams();
  CLI::App app{
      "crashpoint tests whether a storage program keeps its durability promises: it runs the "
      "program, "
      "crashes it,\nrestarts it on what is left on disk, and judges the recovered state.\n",
      "crashpoint"};
  app.require_subcommand(1);
  app.footer(kExitCodes);
  app.set_version_flag("--version", fmt::format("crashpoint {}", crashpoint::version()));
  cli::Action action;
  cli::add_commands(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version
      return app.exit(error);
    }
    return usage_error(app, error, argc, argv);
  }
  try {
    const int exit_code = action();
    // The stream remembers what an earlier flush could not write.
    const bool lost = std::ferror(stdout) != 0;
    if ((std::fflush(stdout) != 0 || lost) && exit_code == cli::kPassed) {
      throw crashpoint::EnvironmentError(
          lost ? "cannot write all of it to standard output"
               : fmt::format("cannot write to standard output: {}", crashpoint::error_text(errno)));
    }
    return exit_code;
  } catch (const crashpoint::UsageError& error) {
    cli::print_error("crashpoint: {}\n", error.what());
    return cli::kUsage;
  } catch (const crashpoint::EnvironmentError& error) {
    cli::print_error("crashpoint: inconclusive: {}\n", error.what());
    return cli::kCouldNotTell;
  } catch (const std::system_error& error) {  // of the output, of a file
    cli::print_error("crashpoint: inconclusive: {}\n", error.what());
    return cli::kCouldNotTell;
  } catch (const std::exception& error) {
    cli::print_error("crashpoint: internal error, please report it: {}\n", error.what());
    return cli::kCouldNotTell;
  }
}
