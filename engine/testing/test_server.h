// Starts the engine, or Debian's redis-server 7.0, as a process of its own for one test.
//
// It listens on a Unix socket in the given directory only (no port is taken), logs to a file there,
// and dies with the test.
#pragma once

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/files_for_test.h"
#include "engine/testing/test_client.h"

namespace engine::testing {

// Until `condition` holds; false: it did not within `patience`.
inline bool eventually(const std::function<bool()>& condition,
                       std::chrono::seconds patience = std::chrono::seconds(20)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

class TestServer {
 public:
  enum class Kind { kEngine, kRedis };

  // `arguments` come after the socket's and the directory's; a first one that is no option is a
  // configuration file, and comes before them.
  TestServer(const TempDirectory& directory, std::vector<std::string> arguments,
             Kind kind = Kind::kEngine)
      : directory_(directory), kind_(kind) {
    argv_ = {program()};
    if (!arguments.empty() && !arguments[0].starts_with("-")) {
      argv_.push_back(arguments[0]);
      arguments.erase(arguments.begin());
    }
    for (const std::string& word :
         {std::string("--port"), std::string("0"), std::string("--unixsocket"), socket(),
          std::string("--dir"), directory.path()}) {
      argv_.push_back(word);
    }
    argv_.insert(argv_.end(), arguments.begin(), arguments.end());
    start();
  }
  ~TestServer() { kill(); }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  std::string socket() const { return directory_.file("socket"); }
  pid_t pid() const { return pid_; }
  // Standard output and error: the log.
  std::string log() const { return directory_.read("log"); }
  bool logged(const std::string& text) const { return log().find(text) != std::string::npos; }

  TestClient client() const { return TestClient(socket()); }

  // Waits until it answers; false when it ends or answers -LOADING too long instead.
  bool is_ready() {
    return eventually([this] { return !running() || answers("+PONG"); }) && running();
  }
  // Waits until it answers anything, -LOADING included.
  bool is_listening() {
    return eventually([this] { return !running() || answers(""); }) && running();
  }

  bool running() {
    if (pid_ > 0 && ::waitpid(pid_, &wait_status_, WNOHANG) == pid_) {
      pid_ = -1;
    }
    return pid_ > 0;
  }
  // The exit status, or minus the signal that ended it; nothing: it still runs.
  std::optional<int> wait_exit() {
    if (!eventually([this] { return !running(); })) {
      return std::nullopt;
    }
    return WIFEXITED(wait_status_) ? WEXITSTATUS(wait_status_) : -WTERMSIG(wait_status_);
  }

  void signal(int number) const { ::kill(pid_, number); }
  void kill() {
    if (running()) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, &wait_status_, 0);
      pid_ = -1;
    }
    // Children that save outlive redis-server.
    eventually([this] { return group_ <= 0 || ::kill(-group_, SIGKILL) != 0; },
               std::chrono::seconds(2));
    group_ = -1;
  }
  // Starts it again in the same directory, with a fresh log.
  void restart(const std::vector<std::string>& more_arguments = {}) {
    argv_.insert(argv_.end(), more_arguments.begin(), more_arguments.end());
    kill();
    start();
  }

 private:
  std::string program() const {
    if (kind_ == Kind::kEngine) {
      return CRASHPOINT_ENGINE_BINARY;
    }
    // redis-check-rdb is the server's binary; the name it is started by decides what it is.
    const std::string link = directory_.file("redis-server");
    static_cast<void>(::symlink("/usr/bin/redis-check-rdb", link.c_str()));
    return link;
  }

  void start() {
    std::vector<char*> argv;
    for (std::string& argument : argv_) {
      argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    const std::string log_path = directory_.file("log");
    ::unlink(socket().c_str());
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    ::setpgid(pid_, 0);  // in both, so that it is done whichever runs first
    if (pid_ != 0) {
      group_ = pid_;
      return;
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
      ::_exit(127);
    }
    const int log = ::open(log_path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0644);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }

  bool answers(std::string_view expected) const {
    try {
      return client()("PING").starts_with(expected);
    } catch (const std::runtime_error&) {
      return false;  // not listening yet
    }
  }

  const TempDirectory& directory_;
  Kind kind_;
  std::vector<std::string> argv_;
  pid_t pid_ = -1;
  pid_t group_ = -1;  // the server and its children
  int wait_status_ = 0;
};

}  // namespace engine::testing
