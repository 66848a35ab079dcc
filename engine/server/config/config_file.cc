#include "engine/server/config/config_file.h"

#include <fmt/format.h>
#include <glob.h>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>

#include "engine/base/text.h"
#include "engine/base/version.h"

namespace engine::server {
namespace {

constexpr int kIncludeDepthMax = 16;

std::string fatal(std::string_view detail) {
  return fmt::format("\n*** FATAL CONFIG FILE ERROR (Redis {}) ***\n{}", kRedisVersion, detail);
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(
        fmt::format("Fatal error, can't open config file '{}': {}", path, error_text(errno)));
  }
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad()) {
    return fail(fmt::format("Fatal error, can't read config file '{}'", path));
  }
  return text;
}

std::vector<std::string> files_matching(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos) {
    return {pattern};
  }
  glob_t found = {};
  const std::unique_ptr<glob_t, decltype(&::globfree)> guard(&found, &::globfree);
  if (::glob(pattern.c_str(), 0, nullptr, &found) != 0) {
    return {};
  }
  return {found.gl_pathv, found.gl_pathv + found.gl_pathc};
}

std::string_view trim(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) {
    return {};
  }
  return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

class Loader {
 public:
  Loader(Config& config, const RenameCommand& rename) : config_(config), rename_(rename) {}

  Status load(std::string_view text, int depth) {
    int line_number = 0;
    std::istringstream lines{std::string(text)};
    for (std::string raw; std::getline(lines, raw);) {
      ++line_number;
      const std::string_view line = trim(raw);
      if (line.empty() || line.front() == '#') {
        continue;
      }
      const auto words = split_words(line);
      Status done = words ? (words->empty() ? Status{} : obey(*words, depth))
                          : Status(fail("Unbalanced quotes in configuration line"));
      if (!done) {
        return line_named_ ? done : at_line(line_number, line, done.error());
      }
    }
    return {};
  }

  Status finish() {
    if (default_user_has_hash_ && config_.text("requirepass").empty()) {
      return fail(fatal("user default: a password hash alone is not supported; set requirepass"));
    }
    if (Status entered = enter_directory(config_); !entered) {
      return fail(fatal(
          fmt::format("Can't chdir to '{}': {}", config_.text("dir"), entered.error().message)));
    }
    const std::string& log_file = config_.text("logfile");
    if (!log_file.empty() && !std::ofstream(log_file, std::ios::app)) {
      return fail(fatal(fmt::format("Can't open the log file: {}", error_text(errno))));
    }
    return {};
  }

 private:
  Status at_line(int number, std::string_view line, const Error& error) {
    line_named_ = true;  // the innermost file names its line, those around it pass it on
    if (error.message.starts_with("Fatal error")) {
      return fail(error.message);
    }
    return fail(fatal(fmt::format("Reading the configuration file, at line {}\n>>> '{}'\n{}",
                                  number, line, error.message)));
  }

  Status obey(const std::vector<std::string>& words, int depth) {
    const std::string name = to_lower(words[0]);
    const std::span<const std::string> arguments(words.begin() + 1, words.end());
    if (name == "include" && arguments.size() == 1) {
      return include(arguments[0], depth);
    }
    if (name == "user") {
      return set_user(arguments);
    }
    if (name == "loadmodule") {
      return fail("modules are not supported");
    }
    if (name == "rename-command" && arguments.size() == 2) {
      return rename_(arguments[0], arguments[1]);
    }
    return config_.set_from_file(name, arguments);
  }

  Status include(const std::string& pattern, int depth) {
    if (depth >= kIncludeDepthMax) {
      return fail(fmt::format("include: more than {} files deep", kIncludeDepthMax));
    }
    for (const std::string& path : files_matching(pattern)) {
      const auto text = read_file(path);
      if (!text) {
        return tl::unexpected(text.error());
      }
      if (Status done = load(*text, depth + 1); !done) {
        return done;
      }
    }
    return {};
  }

  // Only the default user exists. Its rules are accepted in the form in which redis-server's CONFIG
  // REWRITE writes them: everything allowed, and the password of requirepass.
  Status set_user(std::span<const std::string> arguments) {
    if (arguments.empty() || arguments[0] != "default") {
      return fail("only the user 'default' is supported");
    }
    for (const std::string& rule : arguments.subspan(1)) {
      if (rule.starts_with('#')) {
        default_user_has_hash_ = true;
      } else if (rule.starts_with('>')) {
        const std::string password = rule.substr(1);
        if (Status done = config_.set_from_file("requirepass", {&password, 1}); !done) {
          return done;
        }
      } else if (rule != "on" && rule != "nopass" && rule != "sanitize-payload" && rule != "~*" &&
                 rule != "allkeys" && rule != "&*" && rule != "allchannels" && rule != "+@all" &&
                 rule != "allcommands") {
        return fail(fmt::format("user rule '{}' is not supported", rule));
      }
    }
    return {};
  }

  Config& config_;
  const RenameCommand& rename_;
  bool line_named_ = false;
  bool default_user_has_hash_ = false;
};

bool is_option(const std::string& argument) {
  return argument.starts_with("--");
}

}  // namespace

// As redis-server 7.0: the argument after an option's name is its value, whatever it looks like;
// only a lone `--save` means `save ""`.
ConfigSources parse_command_line(const std::vector<std::string>& arguments) {
  ConfigSources sources;
  std::size_t next = 0;
  if (!arguments.empty() && !arguments[0].starts_with('-')) {
    sources.file = arguments[next++];
  }
  bool value_expected = false;
  for (; next < arguments.size(); ++next) {
    const std::string& argument = arguments[next];
    const bool is_last = next + 1 == arguments.size();
    if (argument == "-" && (next == 0 || is_last)) {
      sources.read_stdin = true;
      continue;
    }
    if (value_expected || !is_option(argument)) {
      sources.options += quote(argument) + " ";
      value_expected = false;
      continue;
    }
    if (!sources.options.empty()) {
      sources.options += "\n";
    }
    sources.options += argument.substr(2) + " ";
    const auto words = split_words(argument);
    value_expected = words && words->size() == 1;  // else "--port 6380" in one argument
    if (value_expected && equals_ignoring_case(argument, "--save") &&
        (is_last || is_option(arguments[next + 1]))) {
      sources.options += "\"\"";
      value_expected = false;
    }
  }
  return sources;
}

Status load_config(const ConfigSources& sources, Config& config, const RenameCommand& rename) {
  std::string text;
  if (!sources.file.empty()) {
    auto file = read_file(sources.file);
    if (!file) {
      return tl::unexpected(file.error());
    }
    text = *std::move(file);
  }
  if (sources.read_stdin) {
    text.append(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  if (!sources.options.empty()) {
    text += "\n" + sources.options;
  }
  Loader loader(config, rename);
  if (Status done = loader.load(text, 0); !done) {
    return done;
  }
  return loader.finish();
}

}  // namespace engine::server
