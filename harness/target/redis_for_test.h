// A real redis-server for tests: Debian's redis-check-rdb is the server when started under that
// name. It lives in a temporary folder of its own, listens on a Unix socket alone, and dies with
// the test.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "harness/target/resp_client.h"

namespace crashpoint::target {

class RedisForTest {
 public:
  static bool is_installed() { return std::filesystem::exists(kBinary); }

  explicit RedisForTest(std::vector<std::string> directives = {"--appendonly", "no", "--save", ""})
      : directives_(std::move(directives)) {
    std::string name = (std::filesystem::temp_directory_path() / "crashpoint-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("mkdtemp failed");
    }
    directory_ = name;
    std::filesystem::create_symlink(kBinary, directory_ / "redis-server");
    start();
  }
  ~RedisForTest() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  RedisForTest(const RedisForTest&) = delete;
  RedisForTest& operator=(const RedisForTest&) = delete;

  [[nodiscard]] Endpoint endpoint() const {
    return {.unix_path = (directory_ / "redis.sock").string()};
  }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

  void kill() {
    if (pid_ <= 0) {
      return;
    }
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    // Children that save outlive it.
    for (int i = 0; i < 1000 && ::kill(-pid_, SIGKILL) == 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    pid_ = -1;
  }

  void start() {
    std::vector<std::string> arguments = {(directory_ / "redis-server").string(),
                                          "--port",
                                          "0",
                                          "--unixsocket",
                                          endpoint().unix_path,
                                          "--dir",
                                          directory_.string(),
                                          "--logfile",
                                          (directory_ / "log").string()};
    arguments.insert(arguments.end(), directives_.begin(), directives_.end());
    std::vector<char*> argv;
    for (std::string& argument : arguments) {
      argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    std::filesystem::remove(endpoint().unix_path);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    ::setpgid(pid_, 0);  // in both, so that it is done whoever runs first
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) {
        ::_exit(1);
      }
      ::execv(argv.front(), argv.data());
      ::_exit(127);
    }
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      try {
        Client client(endpoint());
        if (!client.call({"PING"}).is_error()) {
          return;
        }
      } catch (const ConnectionLost&) {
        // It does not listen yet.
      }
      std::this_thread::yield();
    }
    throw std::runtime_error("redis-server did not start");
  }

 private:
  static constexpr const char* kBinary = "/usr/bin/redis-check-rdb";
  std::vector<std::string> directives_;
  std::filesystem::path directory_;
  pid_t pid_ = -1;
};

}  // namespace crashpoint::target
