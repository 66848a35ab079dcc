// Reads the configuration at start: redis.conf, standard input, then the command line.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/server/config/config.h"

namespace engine::server {

// What the command line says about configuration.
struct ConfigSources {
  std::string file;         // empty: none
  bool read_stdin = false;  // "-"
  std::string options;      // `--directive value` arguments as lines of redis.conf
};

// `arguments` without the program's name: `[config-file] [-] [--directive value...]`.
ConfigSources parse_command_line(const std::vector<std::string>& arguments);

// What obeys `rename-command NAME NEW-NAME`; an empty new name removes the command.
using RenameCommand = std::function<Status(std::string_view name, std::string_view new_name)>;

// Sets in `config` what the sources say, later ones over earlier ones, and enters `dir`. The
// message of an error can be printed as it is: it names the line.
Status load_config(const ConfigSources& sources, Config& config, const RenameCommand& rename);

}  // namespace engine::server
