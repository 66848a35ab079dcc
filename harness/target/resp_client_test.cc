#include "harness/target/resp_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <thread>

namespace crashpoint::target {
namespace {

using Kind = RespValue::Kind;
using ::testing::HasSubstr;

RespValue simple(std::string text) {
  return {.kind = Kind::kSimple, .text = std::move(text)};
}
RespValue bulk(std::string text) {
  return {.kind = Kind::kBulk, .text = std::move(text)};
}
RespValue integer(std::int64_t value) {
  return {.kind = Kind::kInteger, .integer = value};
}
RespValue of_kind(Kind kind) {
  return {.kind = kind};
}
RespValue array(std::vector<RespValue> items) {
  return {.kind = Kind::kArray, .items = std::move(items)};
}

const std::string kStream =
    "+OK\r\n-ERR no such thing\r\n:-42\r\n$5\r\na\r\nbc\r\n$-1\r\n*-1\r\n*0\r\n"
    "*3\r\n$1\r\nx\r\n*2\r\n:1\r\n*1\r\n$0\r\n\r\n$-1\r\n";

std::vector<RespValue> stream_values() {
  RespValue error = simple("ERR no such thing");
  error.kind = Kind::kError;
  return {simple("OK"),
          error,
          integer(-42),
          bulk("a\r\nbc"),
          of_kind(Kind::kNull),
          of_kind(Kind::kNullArray),
          array({}),
          array({bulk("x"), array({integer(1), array({bulk("")})}), of_kind(Kind::kNull)})};
}

TEST(ReplyParser, ReadsTheSameRepliesHoweverTheBytesAreCut) {
  for (std::size_t piece = 1; piece <= kStream.size(); ++piece) {
    ReplyParser parser;
    std::vector<RespValue> found;
    for (std::size_t at = 0; at < kStream.size(); at += piece) {
      parser.feed(std::string_view(kStream).substr(at, piece));
      while (std::optional<RespValue> value = parser.next()) {
        found.push_back(std::move(*value));
      }
    }
    EXPECT_EQ(found, stream_values()) << "in pieces of " << piece;
  }
}

TEST(ReplyParser, HoldsBackAReplyUntilItsLastByte) {
  ReplyParser parser;
  parser.feed("*2\r\n+OK\r\n$3\r\nabc\r");
  EXPECT_EQ(parser.next(), std::nullopt);
  parser.feed("\n");
  EXPECT_EQ(parser.next(), array({simple("OK"), bulk("abc")}));
}

TEST(ReplyParser, RefusesWhatIsNotRespWithAReason) {
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"HTTP/1.1 400\r\n", "no reply begins with 'HTTP/1.1 400'"},
      {":12x\r\n", "expected a number, found '12x'"},
      {"$-2\r\n", "length -2 is outside"},
      {"*99999999999\r\n", "length 99999999999 is outside"},
      {"$2\r\nabcd\r\n", "does not end where its length says"},
      {"\r\n", "an empty line"},
  };
  for (const auto& [bytes, reason] : bad) {
    ReplyParser parser;
    parser.feed(bytes);
    try {
      (void)parser.next();
      ADD_FAILURE() << "accepted " << bytes;
    } catch (const ProtocolError& error) {
      EXPECT_THAT(error.what(), HasSubstr(reason));
    }
  }
}

TEST(ReplyParser, BoundsTheDepthOfNestedArrays) {
  ReplyParser parser;
  for (int depth = 0; depth < 100; ++depth) {
    parser.feed("*1\r\n");
  }
  EXPECT_THROW((void)parser.next(), ProtocolError);
}

TEST(EncodeRequest, IsBinarySafe) {
  std::string out;
  encode_request(std::vector<std::string>{"SET", "k\r\n", std::string("\0v", 2)}, out);
  EXPECT_EQ(out, std::string("*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$2\r\n\0v\r\n", 30));
}

// A server of one thread that takes one connection and runs `serve(fd)` on it.
class OneConnectionServer {
 public:
  template <typename Serve>
  explicit OneConnectionServer(Serve serve)
      : path_((std::filesystem::temp_directory_path() /
               ("crashpoint-resp-client-test-" + std::to_string(::getpid()) + ".sock"))
                  .string()) {
    std::filesystem::remove(path_);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 1), 0);
    thread_ = std::thread([this, serve] {
      sockaddr_un peer{};
      socklen_t size = sizeof peer;
      const int fd = ::accept(listener_, reinterpret_cast<sockaddr*>(&peer), &size);
      peer_ = "@" + std::string(peer.sun_path + 1, size - sizeof(sa_family_t) - 1);
      serve(fd);
      ::close(fd);
    });
  }
  ~OneConnectionServer() {
    join();
    ::close(listener_);
    std::filesystem::remove(path_);
  }
  OneConnectionServer(const OneConnectionServer&) = delete;
  OneConnectionServer& operator=(const OneConnectionServer&) = delete;

  void join() {
    if (thread_.joinable()) {
      thread_.join();
    }
  }
  [[nodiscard]] Endpoint endpoint() const { return {.unix_path = path_}; }
  [[nodiscard]] const std::string& peer() const { return peer_; }

 private:
  std::string path_;
  int listener_ = -1;
  std::string peer_;
  std::thread thread_;
};

TEST(Client, PipelinesMoreThanTheSocketBuffersHold) {
  OneConnectionServer server([](int fd) {
    // An echo: a request *1 $n .. is answered by $n .. (the first line is dropped).
    ReplyParser requests;
    std::string bytes(4096, '\0');
    for (ssize_t count; (count = ::read(fd, bytes.data(), bytes.size())) > 0;) {
      requests.feed({bytes.data(), static_cast<std::size_t>(count)});
      while (std::optional<RespValue> request = requests.next()) {
        const std::string& text = request->items.at(0).text;
        const std::string reply = "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
        for (std::size_t sent = 0; sent < reply.size();) {
          const ssize_t wrote = ::send(fd, reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL);
          if (wrote <= 0) {
            return;
          }
          sent += static_cast<std::size_t>(wrote);
        }
      }
    }
  });
  {
    Client client(server.endpoint());
    const std::vector<std::vector<std::string>> commands(64, {std::string(100'000, 'x')});
    const std::vector<RespValue> replies = client.pipeline(commands);
    ASSERT_EQ(replies.size(), commands.size());
    EXPECT_EQ(replies.back(), bulk(commands.back().front()));
  }
  server.join();
}

TEST(Client, ReportsAServerThatClosesBeforeItAnswers) {
  OneConnectionServer server([](int fd) {
    char byte = 0;
    EXPECT_EQ(::read(fd, &byte, 1), 1);
  });
  Client client(server.endpoint());
  EXPECT_THROW((void)client.call({"PING"}), ConnectionLost);
}

TEST(Connection, KnowsTheNameItsServerSees) {
  OneConnectionServer server([](int) {});
  Connection connection(server.endpoint());
  server.join();
  EXPECT_EQ(connection.name(), server.peer());
}

TEST(Connection, SaysWhereNobodyListens) {
  try {
    Connection connection({.unix_path = "/nonexistent/x.sock"});
    FAIL();
  } catch (const ConnectionLost& error) {
    EXPECT_THAT(error.what(), HasSubstr("/nonexistent/x.sock: No such file or directory"));
  }
}

}  // namespace
}  // namespace crashpoint::target
