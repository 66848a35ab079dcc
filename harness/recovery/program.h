// The program under test made concrete: which binary, which command line, where it listens.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "harness/base/fd.h"
#include "harness/oracle/derive_guarantee.h"
#include "harness/scenario/scenario.h"
#include "harness/target/resp_client.h"

namespace crashpoint::recovery {

struct Program {
  std::string use;                   // "engine", "redis" or the first word of the command
  std::vector<std::string> command;  // with {dir}, {port}, {socket}, {config} still to fill in
  std::string version;               // "7.0.15"; empty where the program does not tell
  oracle::EverysecLoss everysec_loss = oracle::kRedisEverysecLoss;
};

// Finds the program of `target`: the engine beside this executable (or $CRASHPOINT_ENGINE),
// redis-server on PATH (or $CRASHPOINT_REDIS; else redis-check-rdb, which is the same binary, under
// a link of that name made in `links`), or the command as given. Throws UsageError where it is
// missing, saying where it was sought and which package brings it.
Program find_program(const scenario::Target& target, const std::filesystem::path& links);

// What `words`, a command, prints on stdout; empty where it cannot be run.
std::string output_of(std::span<const std::string> words);
// What `program option` prints on stdout; empty where it cannot be run. For --version and the like.
std::string output_of(const std::string& program, const std::string& option);

// Whether it is started with the configuration of the scenario, which then says what it promises.
bool takes_config(const Program& program, const scenario::Target& target);

// One start of a program on one data directory.
struct Instance {
  std::vector<std::string> command;
  std::map<std::string, std::string> environment;
  target::Endpoint endpoint;
  Fd port_lock = {};      // while it lives, no other instance gets the port of `endpoint`
  Fd socket_folder = {};  // of the socket of `endpoint`, where that is named by it
};

// A Unix socket has a path of 107 characters at most; that of one in `folder`, where it would be longer, leads
// through `held`, and is good while that lives. Throws EnvironmentError.
struct SocketPath {
  std::string path;
  Fd held;
};
SocketPath socket_path_in(const std::filesystem::path& folder);

// Writes the configuration to `folder`/target.conf and fills in the command line. `folder` holds
// everything of this instance that is not data: configuration, socket. It must exist. Call it anew
// for each start: a TCP port is free now and may be taken later.
Instance prepare_instance(const Program& program, const scenario::Target& target,
                          const std::filesystem::path& data, const std::filesystem::path& folder);

}  // namespace crashpoint::recovery
