// RESP2 from the client's side: encoding, an incremental reply parser, and a pipelined connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "harness/target/resp_value.h"

namespace crashpoint::target {

// Where a server listens: a Unix socket when `unix_path` is set, else TCP on an IPv4 address.
struct Endpoint {
  std::string unix_path;
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;

  [[nodiscard]] std::string text() const;  // "127.0.0.1:6379" or the path
};

// What came is no RESP2.
class ProtocolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The peer is gone: refused, reset or closed.
class ConnectionLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Appends `arguments` as a multibulk request.
void encode_request(std::span<const std::string> arguments, std::string& out);
[[nodiscard]] std::string encode_reply(const RespValue& value);

// Turns bytes, in pieces of any size, into replies, in time linear in the bytes. Throws
// ProtocolError on what is no RESP2; the parser is then spent.
class ReplyParser {
 public:
  void feed(std::string_view bytes);
  // The next whole reply, if there is one.
  [[nodiscard]] std::optional<RespValue> next();

 private:
  struct Frame {
    RespValue array;
    std::int64_t missing = 0;  // items still to come
  };

  [[nodiscard]] std::optional<std::string_view> take_line();

  std::string buffer_;
  std::size_t position_ = 0;        // of the first byte not yet taken
  std::size_t searched_ = 0;        // no line end lies before
  std::int64_t bulk_missing_ = -1;  // length of the bulk whose header was taken
  std::vector<Frame> open_;         // arrays begun and not yet whole, outermost first
};

// A connected non-blocking socket. Each has a local name or port of its own, so that the target's
// side of it can be told apart. Movable; closes on destruction.
class Connection {
 public:
  // Throws ConnectionLost when nobody listens, EnvironmentError when no socket can be made.
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
  // Reads what has come, without waiting; false once the peer has closed or reset. What came before
  // that can still be taken by next_reply().
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
// and EnvironmentError when no reply comes for `timeout_ms`, or `stop` says so meanwhile.
class Client {
 public:
  explicit Client(const Endpoint& endpoint, std::int64_t timeout_ms = 10'000,
                  std::function<bool()> stop = {});
  RespValue call(const std::vector<std::string>& arguments);
  // All are sent before the last reply is awaited; replies are read meanwhile, so neither side's
  // buffers can fill up.
  std::vector<RespValue> pipeline(std::span<const std::vector<std::string>> commands);

 private:
  void wait(short events);

  Connection connection_;
  std::int64_t timeout_ms_;
  std::function<bool()> stop_;
};

}  // namespace crashpoint::target
