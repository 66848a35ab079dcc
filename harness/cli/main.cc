// crashpoint: parses the command line, runs the verb, turns errors into exit codes.
#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include "harness/base/error.h"
#include "harness/base/nearest.h"
#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/cli/commands.h"

#include <CLI/CLI.hpp>

namespace {

namespace cli = crashpoint::cli;

constexpr const char* kExitCodes =
    "\nExit codes: 0 all passed, 1 violations, 2 usage or a bad scenario, 3 the harness could not "
    "tell.";

// The verb or option that the first unknown word was meant to be; empty when none is near.
std::string meant(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> verbs;
  for (const CLI::App* verb : app.get_subcommands({})) {
    verbs.push_back(verb->get_name());
  }
  if (argc < 2) {
    return {};
  }
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  if (chosen.empty()) {
    return crashpoint::nearest(argv[1], verbs);
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
  const bool unknown_verb = app.get_subcommands().empty() && argc > 1 && argv[1][0] != '-';
  fmt::print(stderr, "crashpoint: {}\n",
             unknown_verb ? fmt::format("there is no verb '{}'", crashpoint::shorten(argv[1]))
                          : std::string(error.what()));
  if (const std::string name = meant(app, argc, argv); !name.empty()) {
    fmt::print(stderr, "Did you mean '{}'?\n", name);
  }
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  fmt::print(stderr, "See 'crashpoint{}{} --help'.\n", chosen.empty() ? "" : " ",
             chosen.empty() ? "" : chosen.front()->get_name());
  return cli::kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "crashpoint finds out whether a storage program keeps its durability promises: it runs it, "
      "crashes it,\nstarts it again on what the disk would hold, and judges what comes back.\n",
      "crashpoint"};
  app.require_subcommand(1);
  app.footer(kExitCodes);
  app.set_version_flag("--version", fmt::format("crashpoint {}", crashpoint::version()));
  cli::Action action;
  cli::add_verbs(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version
      return app.exit(error);
    }
    return usage_error(app, error, argc, argv);
  }
  try {
    return action();
  } catch (const crashpoint::UsageError& error) {
    fmt::print(stderr, "crashpoint: {}\n", error.what());
    return cli::kUsage;
  } catch (const crashpoint::EnvironmentError& error) {
    fmt::print(stderr, "crashpoint: could not tell: {}\n", error.what());
    return cli::kCouldNotTell;
  } catch (const std::exception& error) {
    fmt::print(stderr, "crashpoint: a bug of crashpoint itself: {}\n", error.what());
    return cli::kCouldNotTell;
  }
}
