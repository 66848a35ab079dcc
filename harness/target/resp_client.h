// RESP2 from the client's side: encoding, an incremental reply parser, and a pipelined connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "harness/target/resp_value.h"

namespace crashpoint::target {

// Where a server listens: a Unix socket when `unix_path` is set, else TCP.
struct Endpoint {
  std::string unix_path;
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;

  [[nodiscard]] std::string text() const;  // "127.0.0.1:6379" or the path
};

// Appends `arguments` as a multibulk request.
void encode_request(std::span<const std::string> arguments, std::string& out);
[[nodiscard]] std::string encode_reply(const RespValue& value);

// Turns bytes, in pieces of any size, into replies. Throws ProtocolError on what is no RESP2; the
// parser is then spent.
class ReplyParser {
 public:
  void feed(std::string_view bytes);
  // The next whole reply, if there is one.
  [[nodiscard]] std::optional<RespValue> next();
  // No byte of a further reply has come.
  [[nodiscard]] bool at_boundary() const { return position_ == buffer_.size(); }

 private:
  std::string buffer_;
  std::size_t position_ = 0;  // of the first unread byte
  std::size_t needed_ = 0;    // no reply can be whole before the buffer holds so many bytes
};

class ProtocolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The peer is gone: refused, reset or closed.
class ConnectionLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A connected non-blocking socket. Each binds to a name or port of its own, so that the target's
// side of it can be told apart. Movable; closes on destruction.
class Connection {
 public:
  // Throws ConnectionLost when nobody listens.
  explicit Connection(const Endpoint& endpoint);
  ~Connection();
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;

  [[nodiscard]] int fd() const { return fd_; }
  // As the target sees this client: "127.0.0.1:50312" or "@name".
  [[nodiscard]] const std::string& name() const { return name_; }

  void queue(std::span<const std::string> arguments);
  // Hands as much of what is queued to the kernel as it takes; true when nothing is left.
  // Throws ConnectionLost.
  bool flush();
  // Reads what has come, without waiting. False when the peer has closed. Throws ConnectionLost.
  bool receive();
  [[nodiscard]] std::optional<RespValue> next_reply() { return parser_.next(); }

 private:
  int fd_ = -1;
  std::string name_;
  std::string out_;
  std::size_t sent_ = 0;
  ReplyParser parser_;
};

// Blocking conveniences on top, for code that asks and waits. Throw ConnectionLost, ProtocolError,
// and EnvironmentError when `timeout_ms` passes.
class Client {
 public:
  explicit Client(const Endpoint& endpoint, std::int64_t timeout_ms = 10'000);
  [[nodiscard]] RespValue call(const std::vector<std::string>& arguments);
  // All are sent before the first reply is awaited.
  [[nodiscard]] std::vector<RespValue> pipeline(std::span<const std::vector<std::string>> commands);

 private:
  Connection connection_;
  std::int64_t timeout_ms_;
};

}  // namespace crashpoint::target
