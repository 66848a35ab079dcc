#include "harness/recovery/program.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <regex>
#include <string_view>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/scenario/command_paths.h"
#include "harness/target/process.h"

namespace crashpoint::recovery {
namespace {

namespace fs = std::filesystem;

// A busy machine may wake the engine's sync thread late: no broken promise of the engine.
constexpr double kLateWakeUpSeconds = 0.5;

bool is_executable(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

// Why a command's program cannot be started.
std::string why_not_found(const fs::path& name) {
  std::error_code error;
  if (!name.has_parent_path()) {
    return "no such program on PATH";
  }
  if (fs::exists(name, error)) {
    return scenario::why_not_executable(name);
  }
  return name.is_absolute() ? "no such program"
                            : "no such program, neither seen from the current directory nor from "
                              "that of the scenario";
}

std::optional<fs::path> on_path(const std::string& name) {
  const std::string found = target::find_program(name);
  return found.empty() ? std::nullopt : std::optional<fs::path>(found);
}

// A program named by the environment must be there; no other is taken in its place.
std::optional<fs::path> from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') {
    return std::nullopt;
  }
  if (!is_executable(value)) {
    throw UsageError(fmt::format("{} is '{}', which is no executable file", variable, value));
  }
  return fs::absolute(value);
}

fs::path find_engine() {
  if (const auto chosen = from_environment("CRASHPOINT_ENGINE")) {
    return *chosen;
  }
  const fs::path here = fs::read_symlink("/proc/self/exe").parent_path();
  const std::array<fs::path, 2> places = {here / "crashpoint-engine",
                                          here / ".." / "engine" / "crashpoint-engine"};
  for (const fs::path& place : places) {
    if (is_executable(place)) {
      return fs::canonical(place);
    }
  }
  if (const auto found = on_path("crashpoint-engine")) {
    return *found;
  }
  throw UsageError(fmt::format(
      "target 'engine': there is no crashpoint-engine in {}, in {} or on PATH; build it, "
      "or set CRASHPOINT_ENGINE to where it is",
      here.string(), (here.parent_path() / "engine").string()));
}

// redis-check-rdb is the same binary as redis-server; what it is called decides what it does.
fs::path as_server(const fs::path& binary, const fs::path& links) {
  if (binary.filename() != "redis-check-rdb") {
    return binary;
  }
  const fs::path link = links / "redis-server";
  std::error_code error;
  fs::create_symlink(fs::canonical(binary), link, error);
  if (error && error != std::errc::file_exists) {
    throw EnvironmentError(fmt::format("cannot make {}: {}", link.string(), error.message()));
  }
  return link;
}

fs::path find_redis(const fs::path& links) {
  if (const auto chosen = from_environment("CRASHPOINT_REDIS")) {
    return as_server(*chosen, links);
  }
  for (const char* const name : {"redis-server", "redis-check-rdb"}) {
    if (const auto found = on_path(name)) {
      return as_server(*found, links);
    }
  }
  throw UsageError(
      "target 'redis': there is neither redis-server nor redis-check-rdb on PATH; install the "
      "package redis-server or redis-tools, or set CRASHPOINT_REDIS to where the server is");
}

// "v=7.0.15" of what the program prints for --version; empty when it prints no such thing.
std::string ask_version(const fs::path& binary) {
  const std::string text = output_of(binary.string(), "--version");
  std::smatch match;
  return std::regex_search(text, match, std::regex(R"(v=([0-9]\S*))")) ? match[1].str() : "";
}

// The first that looks like one: "3.40.1" of "3.40.1 2022-12-28 14:03:47", "2.39.5" of "git version 2.39.5".
std::string version_in(const std::string& text) {
  std::smatch match;
  return std::regex_search(text, match, std::regex(R"([0-9]+(\.[0-9A-Za-z_-]+)+)")) ? match.str()
                                                                                    : "";
}

std::uint16_t free_port() {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (!socket.valid() ||
      ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw EnvironmentError(
        fmt::format("no free port on the loopback interface: {}", error_text(errno)));
  }
  return ntohs(address.sin_port);
}

// Until a target listens on its port, another one may be given the same, and its data be read in place of
// this one's. An abstract socket of that name is the lock: it goes with the process, whatever ends that.
Fd lock_port(std::uint16_t port) {
  Fd lock(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = fmt::format("crashpoint-port-{}", port);
  name.copy(address.sun_path + 1, name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const bool locked =
      lock.valid() && ::bind(lock.get(), reinterpret_cast<sockaddr*>(&address), size) == 0;
  return locked ? std::move(lock) : Fd();
}

void take_port(Instance& instance) {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries && !instance.port_lock.valid(); ++i) {
    instance.endpoint.port = free_port();
    instance.port_lock = lock_port(instance.endpoint.port);
  }
  if (!instance.port_lock.valid()) {
    throw EnvironmentError("every free port on the loopback interface is that of another target");
  }
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

bool mentions(const std::vector<std::string>& command, std::string_view word) {
  return std::any_of(command.begin(), command.end(), [&](const std::string& argument) {
    return argument.find(word) != std::string::npos;
  });
}

// `path` as redis.conf has it: in quotes where it needs them.
std::string quoted(const std::string& path) {
  constexpr std::string_view kBare =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%=";
  if (path.find_first_not_of(kBare) == std::string::npos) {
    return path;
  }
  std::string out = "\"";
  for (const char c : path) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < ' ') {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// What the harness sets comes last, so it is what counts.
void write_configuration(const fs::path& file, const scenario::Target& target, const fs::path& data,
                         const target::Endpoint& endpoint) {
  std::ofstream out(file, std::ios::trunc);
  for (const auto& [name, values] : target.config) {
    for (const std::string& value : values) {
      out << name << ' ' << (value.empty() ? "\"\"" : value) << '\n';
    }
  }
  out << "dir " << quoted(data.string()) << '\n' << "daemonize no\n";
  if (endpoint.unix_path.empty()) {
    out << "bind 127.0.0.1\nport " << endpoint.port << '\n';
  } else {
    out << "port 0\nunixsocket " << quoted(endpoint.unix_path) << '\n';
  }
  if (!out.flush()) {
    throw EnvironmentError(fmt::format("cannot write {}", file.string()));
  }
}

}  // namespace

std::string output_of(const std::string& program, const std::string& option) {
  return output_of(std::vector<std::string>{program, option});
}

std::string output_of(std::span<const std::string> words) {
  if (words.empty()) {
    return {};
  }
  std::string command;
  for (const std::string& word : words) {
    command += shell_quote(word) + " ";
  }
  command += "2>/dev/null </dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
  std::string text;
  std::array<char, 4096> piece{};
  while (output) {
    const std::size_t size = std::fread(piece.data(), 1, piece.size(), output.get());
    if (size == 0) {
      break;
    }
    text.append(piece.data(), size);
  }
  return text;
}

Program find_program(const scenario::Target& target, const fs::path& links) {
  Program program;
  program.use = target.use;
  if (target.use == "engine") {
    const fs::path binary = find_engine();
    program.command = {binary.string(), "{config}"};
    program.version = ask_version(binary);
    program.everysec_loss = oracle::kEngineEverysecLoss;
    program.everysec_loss.power_loss += kLateWakeUpSeconds;
  } else if (target.use == "redis") {
    const fs::path binary = find_redis(links);
    program.command = {binary.string(), "{config}"};
    program.version = ask_version(binary);
  } else if (target.use == "program") {
    program.use = target.command.front();  // its name; its commands are those of the case
    program.command = {program.use};
    program.version = version_in(output_of(std::span(target.command).subspan(1)));
  } else {
    program.command = target.command;
    const fs::path name = program.command.front();
    const auto found = on_path(name.string());
    if (!found) {
      throw UsageError(
          fmt::format("target '{}': {}", printable(name.string()), why_not_found(name)));
    }
    if (const std::string why = scenario::why_not_executable(*found); !why.empty()) {
      throw UsageError(fmt::format("target '{}': {}", printable(name.string()), why));
    }
    program.use = name.filename().string();
    program.command.front() = fs::canonical(*found).string();
    program.version = ask_version(*found);
  }
  return program;
}

bool takes_config(const Program& program, const scenario::Target& target) {
  return mentions(program.command, "{config}") || mentions(target.arguments, "{config}");
}

SocketPath socket_path_in(const fs::path& folder) {
  std::string path = folder / "socket";
  if (path.size() < sizeof(sockaddr_un::sun_path)) {
    return {.path = std::move(path), .held = {}};
  }
  Fd held(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!held.valid()) {
    throw EnvironmentError(fmt::format("{}: {}", folder.string(), error_text(errno)));
  }
  path = fmt::format("/proc/{}/fd/{}/socket", ::getpid(), held.get());
  return {.path = std::move(path), .held = std::move(held)};
}

Instance prepare_instance(const Program& program, const scenario::Target& target,
                          const fs::path& data, const fs::path& folder) {
  Instance instance;
  instance.environment = target.environment;
  if (mentions(program.command, "{port}") || mentions(target.arguments, "{port}")) {
    take_port(instance);
  } else {
    SocketPath socket = socket_path_in(folder);
    instance.endpoint.unix_path = std::move(socket.path);
    instance.socket_folder = std::move(socket.held);
  }
  const fs::path config = folder / "target.conf";
  write_configuration(config, target, data, instance.endpoint);
  instance.command = program.command;
  instance.command.insert(instance.command.end(), target.arguments.begin(), target.arguments.end());
  for (std::string& argument : instance.command) {
    argument = replace_all(argument, "{dir}", data.string());
    argument = replace_all(argument, "{config}", config.string());
    argument = replace_all(argument, "{socket}", instance.endpoint.unix_path);
    argument = replace_all(argument, "{port}", std::to_string(instance.endpoint.port));
  }
  return instance;
}

}  // namespace crashpoint::recovery
