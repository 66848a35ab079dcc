#include "harness/target/resp_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "harness/base/error.h"
#include "harness/base/text.h"

namespace crashpoint::target {
namespace {

constexpr std::size_t kDepthMax = 32;
constexpr std::int64_t kBulkMax = std::int64_t{4} << 30;  // proto-max-bulk-len may be raised so far
constexpr std::size_t kLineMax = std::size_t{1} << 20;
constexpr int kConnectTimeoutSeconds = 10;
constexpr std::int64_t kStopPollMs = 100;

std::string error_text(int error) {
  return std::error_code(error, std::system_category()).message();
}

std::int64_t parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw ProtocolError("RESP: expected a number, found '" + shorten(text) + "'");
  }
  return value;
}

std::int64_t parse_length(std::string_view text, std::int64_t max) {
  const std::int64_t length = parse_integer(text);
  if (length < -1 || length > max) {
    throw ProtocolError(fmt::format("RESP: length {} is outside -1..{}", length, max));
  }
  return length;
}

}  // namespace

std::string Endpoint::text() const {
  return unix_path.empty() ? fmt::format("{}:{}", host, port) : unix_path;
}

void encode_request(std::span<const std::string> arguments, std::string& out) {
  fmt::format_to(std::back_inserter(out), "*{}\r\n", arguments.size());
  for (const std::string& argument : arguments) {
    fmt::format_to(std::back_inserter(out), "${}\r\n", argument.size());
    out.append(argument);
    out.append("\r\n");
  }
}

std::string encode_reply(const RespValue& value) {
  switch (value.kind) {
    case RespValue::Kind::kSimple:
      return fmt::format("+{}\r\n", value.text);
    case RespValue::Kind::kError:
      return fmt::format("-{}\r\n", value.text);
    case RespValue::Kind::kInteger:
      return fmt::format(":{}\r\n", value.integer);
    case RespValue::Kind::kBulk:
      return fmt::format("${}\r\n{}\r\n", value.text.size(), value.text);
    case RespValue::Kind::kNull:
      return "$-1\r\n";
    case RespValue::Kind::kNullArray:
      return "*-1\r\n";
    case RespValue::Kind::kArray:
      break;
  }
  std::string text = fmt::format("*{}\r\n", value.items.size());
  for (const RespValue& item : value.items) {
    text += encode_reply(item);
  }
  return text;
}

void ReplyParser::feed(std::string_view bytes) {
  if (position_ == buffer_.size()) {
    buffer_.clear();
    position_ = searched_ = 0;
  } else if (position_ > buffer_.size() / 2) {
    buffer_.erase(0, position_);
    searched_ -= position_;
    position_ = 0;
  }
  buffer_.append(bytes);
}

std::optional<std::string_view> ReplyParser::take_line() {
  const std::size_t end = buffer_.find("\r\n", searched_);
  if (end == std::string::npos) {
    searched_ = std::max(position_, buffer_.empty() ? 0 : buffer_.size() - 1);
    if (buffer_.size() - position_ > kLineMax) {
      throw ProtocolError("RESP: a line without an end");
    }
    return std::nullopt;
  }
  const std::string_view line(buffer_.data() + position_, end - position_);
  position_ = searched_ = end + 2;
  return line;
}

std::optional<RespValue> ReplyParser::next() {
  using Kind = RespValue::Kind;
  for (;;) {
    RespValue value;
    if (bulk_missing_ >= 0) {
      const auto size = static_cast<std::size_t>(bulk_missing_);
      if (buffer_.size() - position_ < size + 2) {
        return std::nullopt;
      }
      if (buffer_.compare(position_ + size, 2, "\r\n") != 0) {
        throw ProtocolError("RESP: a bulk string does not end where its length says");
      }
      value.kind = Kind::kBulk;
      value.text = buffer_.substr(position_, size);
      position_ = searched_ = position_ + size + 2;
      bulk_missing_ = -1;
    } else {
      const std::optional<std::string_view> line = take_line();
      if (!line) {
        return std::nullopt;
      }
      if (line->empty()) {
        throw ProtocolError("RESP: an empty line where a reply should begin");
      }
      const std::string_view rest = line->substr(1);
      switch (line->front()) {
        case '+':
          value.kind = Kind::kSimple;
          value.text = rest;
          break;
        case '-':
          value.kind = Kind::kError;
          value.text = rest;
          break;
        case ':':
          value.kind = Kind::kInteger;
          value.integer = parse_integer(rest);
          break;
        case '$':
          bulk_missing_ = parse_length(rest, kBulkMax);
          if (bulk_missing_ >= 0) {
            continue;
          }
          value.kind = Kind::kNull;
          break;
        case '*': {
          const std::int64_t count = parse_length(rest, std::numeric_limits<std::int32_t>::max());
          value.kind = count < 0 ? Kind::kNullArray : Kind::kArray;
          if (count > 0) {
            if (open_.size() == kDepthMax) {
              throw ProtocolError("RESP: arrays nested too deep");
            }
            open_.push_back({.array = std::move(value), .missing = count});
            continue;
          }
          break;
        }
        default:
          throw ProtocolError("RESP: no reply begins with '" + shorten(*line) + "'");
      }
    }
    while (!open_.empty()) {
      Frame& frame = open_.back();
      // NOLINTNEXTLINE(bugprone-use-after-move): a value that became an array was left by `continue`
      frame.array.items.push_back(std::move(value));
      if (--frame.missing > 0) {
        break;
      }
      value = std::move(frame.array);
      open_.pop_back();
      if (open_.empty()) {
        return value;
      }
    }
    if (open_.empty()) {
      return value;  // NOLINT(bugprone-use-after-move): as above
    }
  }
}

Connection::Connection(const Endpoint& endpoint) {
  const bool is_unix = !endpoint.unix_path.empty();
  fd_ = ::socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    throw EnvironmentError("socket: " + error_text(errno));
  }
  const auto fail = [&](const std::string& what) -> std::string {
    std::string text = fmt::format("{} {}: {}", what, endpoint.text(), error_text(errno));
    ::close(std::exchange(fd_, -1));
    return text;
  };
  // Bounds connect() too: a stopped server's backlog can be full.
  const timeval timeout{.tv_sec = kConnectTimeoutSeconds, .tv_usec = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);

  sockaddr_storage storage{};
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  socklen_t size = 0;
  if (is_unix) {
    // Autobind: the kernel picks an abstract name that nobody else has.
    storage.ss_family = AF_UNIX;
    if (::bind(fd_, address, sizeof(sa_family_t)) != 0) {
      throw EnvironmentError(fail("bind for"));
    }
    auto* path = reinterpret_cast<sockaddr_un*>(&storage);
    if (endpoint.unix_path.size() >= sizeof path->sun_path) {
      errno = ENAMETOOLONG;
      throw EnvironmentError(fail("connect to"));
    }
    std::memcpy(path->sun_path, endpoint.unix_path.c_str(), endpoint.unix_path.size() + 1);
    size = sizeof(sockaddr_un);
  } else {
    auto* inet = reinterpret_cast<sockaddr_in*>(&storage);
    inet->sin_family = AF_INET;
    inet->sin_port = htons(endpoint.port);
    if (::inet_pton(AF_INET, endpoint.host.c_str(), &inet->sin_addr) != 1) {
      errno = EINVAL;
      throw EnvironmentError(fail("connect to"));
    }
    size = sizeof(sockaddr_in);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  if (::connect(fd_, address, size) != 0) {
    throw ConnectionLost(fail("connect to"));
  }
  if (::fcntl(fd_, F_SETFL, O_NONBLOCK) != 0) {
    throw EnvironmentError(fail("fcntl for"));
  }

  sockaddr_storage local{};
  socklen_t local_size = sizeof local;
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&local), &local_size);
  if (is_unix) {
    const auto* path = reinterpret_cast<const sockaddr_un*>(&local);
    name_ = "@" + std::string(path->sun_path + 1, local_size - sizeof(sa_family_t) - 1);
  } else {
    const auto* inet = reinterpret_cast<const sockaddr_in*>(&local);
    std::array<char, INET_ADDRSTRLEN> host{};
    ::inet_ntop(AF_INET, &inet->sin_addr, host.data(), host.size());
    name_ = fmt::format("{}:{}", host.data(), ntohs(inet->sin_port));
  }
}

Connection::~Connection() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Connection::Connection(Connection&& other) noexcept {
  *this = std::move(other);
}

Connection& Connection::operator=(Connection&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(name_, other.name_);
  std::swap(out_, other.out_);
  std::swap(sent_, other.sent_);
  std::swap(parser_, other.parser_);
  return *this;
}

void Connection::queue(std::span<const std::string> arguments) {
  encode_request(arguments, out_);
}

bool Connection::flush() {
  while (sent_ < out_.size()) {
    const ssize_t count = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (count >= 0) {
      sent_ += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      return false;
    } else if (errno != EINTR) {
      throw ConnectionLost("send: " + error_text(errno));
    }
  }
  out_.clear();
  sent_ = 0;
  return true;
}

bool Connection::receive() {
  std::array<char, 65536> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init): hot
  for (;;) {
    const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (count > 0) {
      parser_.feed({bytes.data(), static_cast<std::size_t>(count)});
    } else if (count < 0 && errno == EAGAIN) {
      return true;
    } else if (count == 0 || errno != EINTR) {
      return false;
    }
  }
}

Client::Client(const Endpoint& endpoint, std::int64_t timeout_ms, std::function<bool()> stop)
    : connection_(endpoint), timeout_ms_(timeout_ms), stop_(std::move(stop)) {}

void Client::wait(short events) {
  pollfd poll{.fd = connection_.fd(), .events = events, .revents = 0};
  for (std::int64_t left_ms = timeout_ms_; left_ms > 0;) {
    const std::int64_t piece_ms = stop_ ? std::min(left_ms, kStopPollMs) : left_ms;
    const int ready = ::poll(&poll, 1, static_cast<int>(piece_ms));
    if (ready > 0 || (ready < 0 && errno == EINTR)) {
      return;
    }
    if (ready < 0) {
      throw EnvironmentError("poll: " + error_text(errno));
    }
    if (stop_ && stop_()) {
      throw EnvironmentError("no reply is waited for any more");
    }
    left_ms -= piece_ms;
  }
  throw EnvironmentError(fmt::format("no reply from the server for {} ms", timeout_ms_));
}

RespValue Client::call(const std::vector<std::string>& arguments) {
  return std::move(pipeline({&arguments, 1}).front());
}

std::vector<RespValue> Client::pipeline(std::span<const std::vector<std::string>> commands) {
  for (const std::vector<std::string>& command : commands) {
    connection_.queue(command);
  }
  std::vector<RespValue> replies;
  replies.reserve(commands.size());
  bool all_sent = connection_.flush();
  while (replies.size() < commands.size()) {
    if (std::optional<RespValue> reply = connection_.next_reply()) {
      replies.push_back(std::move(*reply));
      continue;
    }
    wait(static_cast<short>(POLLIN | (all_sent ? 0 : POLLOUT)));
    if (!all_sent) {
      all_sent = connection_.flush();
    }
    if (!connection_.receive()) {
      // The last replies may have come together with the end.
      while (std::optional<RespValue> reply = connection_.next_reply()) {
        replies.push_back(std::move(*reply));
      }
      if (replies.size() < commands.size()) {
        throw ConnectionLost("the server closed the connection");
      }
    }
  }
  return replies;
}

}  // namespace crashpoint::target
