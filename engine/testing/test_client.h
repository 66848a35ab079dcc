// A blocking client for tests: raw bytes in, replies out as text.
#pragma once

#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace engine::testing {

// A reply as one text: "+OK", "-ERR ...", ":5", a bulk string as it is, "(nil)", "[a, b]".
inline std::string reply_text(const redisReply& reply) {
  const auto string = [&reply] { return std::string(reply.str, reply.len); };
  switch (reply.type) {
    case REDIS_REPLY_STATUS:
      return "+" + string();
    case REDIS_REPLY_ERROR:
      return "-" + string();
    case REDIS_REPLY_INTEGER:
      return ":" + std::to_string(reply.integer);
    case REDIS_REPLY_NIL:
      return "(nil)";
    case REDIS_REPLY_ARRAY: {
      std::string text = "[";
      for (std::size_t i = 0; i < reply.elements; ++i) {
        text += (i == 0 ? "" : ", ") + reply_text(*reply.element[i]);
      }
      return text + "]";
    }
    default:
      return string();
  }
}

class TestClient {
 public:
  // Throws when no server listens there.
  explicit TestClient(const std::string& unix_socket)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, unix_socket.c_str(), sizeof(address.sun_path) - 1);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      const int error = errno;
      ::close(fd_);
      throw std::runtime_error("connect " + unix_socket + ": " + std::strerror(error));
    }
    const timeval patience{.tv_sec = 20, .tv_usec = 0};  // a hang must fail the test, not stop it
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  ~TestClient() { ::close(fd_); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  static std::string encode(const std::vector<std::string>& argv) {
    std::string bytes = "*" + std::to_string(argv.size()) + "\r\n";
    for (const std::string& argument : argv) {
      bytes += "$" + std::to_string(argument.size()) + "\r\n" + argument + "\r\n";
    }
    return bytes;
  }

  // False: the server has closed the connection.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return false;
      }
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // The next reply; "(closed)" when the server closes the connection instead, "(timeout)" when
  // nothing comes.
  std::string read_reply() {
    while (true) {
      void* parsed = nullptr;
      if (::redisReaderGetReply(reader_.get(), &parsed) != REDIS_OK) {
        return "(malformed)";
      }
      if (parsed != nullptr) {
        const std::unique_ptr<void, decltype(&::freeReplyObject)> guard(parsed, &::freeReplyObject);
        return reply_text(*static_cast<redisReply*>(parsed));
      }
      char bytes[16384];
      const ssize_t received = ::recv(fd_, bytes, sizeof(bytes), 0);
      if (received < 0 && errno == EAGAIN) {
        return "(timeout)";
      }
      if (received <= 0) {
        return "(closed)";
      }
      ::redisReaderFeed(reader_.get(), bytes, static_cast<std::size_t>(received));
    }
  }

  std::string command(const std::vector<std::string>& argv) {
    return send(encode(argv)) ? read_reply() : "(closed)";
  }
  template <typename... Words>
  std::string operator()(const Words&... words) {
    return command({std::string(words)...});
  }

  // Everything the server sends until it closes the connection.
  std::string read_until_closed() {
    std::string bytes;
    char buffer[16384];
    for (ssize_t received; (received = ::recv(fd_, buffer, sizeof(buffer), 0)) > 0;) {
      bytes.append(buffer, static_cast<std::size_t>(received));
    }
    return bytes;
  }
  // The raw bytes that have arrived; with `wait`, waits for some.
  std::string take_sent(bool wait) {
    std::string bytes;
    char buffer[16384];
    for (ssize_t received; (received = ::recv(fd_, buffer, sizeof(buffer),
                                              wait && bytes.empty() ? 0 : MSG_DONTWAIT)) > 0;) {
      bytes.append(buffer, static_cast<std::size_t>(received));
    }
    return bytes;
  }
  // Whether nothing has arrived so far.
  bool is_silent() const {
    char byte = 0;
    return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
  }

 private:
  int fd_;
  std::unique_ptr<redisReader, decltype(&::redisReaderFree)> reader_{::redisReaderCreate(),
                                                                     &::redisReaderFree};
};

}  // namespace engine::testing
