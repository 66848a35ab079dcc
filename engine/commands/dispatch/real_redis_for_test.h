// For tests: a redis-server of their own.
#pragma once

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/files_for_test.h"
#include "engine/commands/dispatch/reply_text_for_test.h"

namespace engine::commands {

// redis-server 7.0 (the program redis-check-rdb under that name) on a Unix socket in a directory of
// its own. Ends with this object, or with the test program.
class RealRedis {
 public:
  using Command = std::vector<std::string>;

  RealRedis() {
    const std::string program = directory_.file("redis-server");
    std::filesystem::create_symlink("/usr/bin/redis-check-rdb", program);
    const std::string socket = directory_.file("socket");
    std::vector<std::string> words = {program,
                                      "--port",
                                      "0",
                                      "--unixsocket",
                                      socket,
                                      "--dir",
                                      directory_.path(),
                                      "--save",
                                      "",
                                      "--enable-debug-command",
                                      "yes",
                                      "--logfile",
                                      directory_.file("log")};
    std::vector<char*> argv;
    for (std::string& word : words) {
      argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    connect_when_ready(socket);
  }
  ~RealRedis() {
    ::close(socket_);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  RealRedis(const RealRedis&) = delete;
  RealRedis& operator=(const RealRedis&) = delete;

  // The replies, as reply_text_for_test.h writes them; of those for which has_no_order holds,
  // sorted.
  std::vector<std::string> run(const std::vector<Command>& commands,
                               const std::function<bool(const Command&)>& has_no_order) {
    // All at once: redis-server keeps what we have yet to read, so neither side can wait forever.
    std::string bytes;
    for (const Command& command : commands) {
      bytes += encode(command);
    }
    send(bytes);
    std::vector<std::string> replies;
    for (const Command& command : commands) {
      replies.push_back(receive(has_no_order(command)));
    }
    return replies;
  }
  std::string run(const Command& command) {
    send(encode(command));
    return receive(false);
  }

 private:
  void connect_when_ready(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    socket_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
    while (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      ::usleep(1000);
    }
  }
  static std::string encode(const Command& command) {
    std::string bytes = "*" + std::to_string(command.size()) + "\r\n";
    for (const std::string& word : command) {
      bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    }
    return bytes;
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(count, 0);
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  std::string receive(bool sorted) {
    for (;;) {
      std::string_view bytes = received_;
      if (const std::optional<std::string> text = take_reply(bytes, sorted)) {
        received_.erase(0, received_.size() - bytes.size());
        return *text;
      }
      char buffer[16 << 10];
      const ssize_t count = ::recv(socket_, buffer, sizeof(buffer), 0);
      if (count <= 0) {
        ADD_FAILURE() << "redis-server is gone: " << read_test_file(directory_.file("log"));
        return "";
      }
      received_.append(buffer, static_cast<std::size_t>(count));
    }
  }

  TempDirectory directory_;
  pid_t pid_ = -1;
  int socket_ = -1;
  std::string received_;
};

}  // namespace engine::commands
