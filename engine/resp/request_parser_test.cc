#include "engine/resp/request_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace engine::resp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::string_view_literals;
using Outcome = RequestParser::Outcome;
using Command = std::vector<std::string>;

std::string encode(const Command& command) {
  std::string bytes = "*" + std::to_string(command.size()) + "\r\n";
  for (const std::string& argument : command) {
    bytes += "$" + std::to_string(argument.size()) + "\r\n" + argument + "\r\n";
  }
  return bytes;
}

// A connection that receives pieces: the commands it makes of them, and the error that ended it.
struct Connection {
  RequestParser parser;
  RequestLimits limits;
  std::string buffer;
  std::vector<Command> commands;
  std::string error;

  void receive(std::string_view piece) {
    // A new string each time: the bytes move, as they may in a server.
    std::string moved = buffer;
    moved += piece;
    buffer = std::move(moved);
    while (error.empty()) {
      switch (parser.parse(buffer, limits)) {
        case Outcome::kIncomplete:
          return;
        case Outcome::kError:
          error = parser.error();
          return;
        case Outcome::kCommand:
          if (!parser.argv().empty()) {
            commands.emplace_back(parser.argv().begin(), parser.argv().end());
          }
          buffer.erase(0, parser.consumed());
      }
    }
  }
};

std::vector<Command> parse_all(std::string_view bytes) {
  Connection connection;
  connection.receive(bytes);
  EXPECT_EQ(connection.error, "");
  EXPECT_EQ(connection.buffer, "");
  return connection.commands;
}

std::string error_of(std::string_view bytes, RequestLimits limits = {}) {
  Connection connection;
  connection.limits = limits;
  connection.receive(bytes);
  return connection.error;
}

constexpr std::string_view kStream =
    "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$6\r\na\r\nb\0c\r\n*1\r\n$4\r\nPING\r\nGET k\r\n\r\n"
    "set \"a b\" 'c'\n*0\r\n*-1\r\n*2\r\n$4\r\nECHO\r\n$0\r\n\r\n"sv;

TEST(RequestParser, ReadsArraysInlineLinesAndEmptyOnes) {
  EXPECT_THAT(parse_all(kStream),
              ElementsAre(Command{"SET", "k", std::string("a\r\nb\0c", 6)}, Command{"PING"},
                          Command{"GET", "k"}, Command{"set", "a b", "c"}, Command{"ECHO", ""}));
}

TEST(RequestParser, ReadsTheSameWhereverTheStreamIsCut) {
  const std::vector<Command> whole = parse_all(kStream);
  for (std::size_t cut = 0; cut <= kStream.size(); ++cut) {
    Connection connection;
    connection.receive(kStream.substr(0, cut));
    connection.receive(kStream.substr(cut));
    EXPECT_EQ(connection.commands, whole) << "cut at " << cut;
  }
  Connection byte_by_byte;
  for (const char byte : kStream) {
    byte_by_byte.receive({&byte, 1});
  }
  EXPECT_EQ(byte_by_byte.commands, whole);
}

RC_GTEST_PROP(RequestParser, ReadsBackWhatWasEncoded, (const std::vector<Command>& commands)) {
  std::string stream;
  std::vector<Command> expected;
  for (const Command& command : commands) {
    stream += encode(command);
    if (!command.empty()) {
      expected.push_back(command);
    }
  }
  Connection connection;
  while (!stream.empty()) {
    const auto size = *rc::gen::inRange<std::size_t>(1, stream.size() + 1);
    connection.receive(std::string_view(stream).substr(0, size));
    stream.erase(0, size);
  }
  RC_ASSERT(connection.error.empty());
  RC_ASSERT(connection.commands == expected);
}

struct BadRequest {
  const char* name;
  std::string bytes;
  const char* error;
};
void PrintTo(const BadRequest& bad, std::ostream* out) {
  *out << bad.name;
}

class BadRequests : public testing::TestWithParam<BadRequest> {};

TEST_P(BadRequests, AreRefusedInRedissWords) {
  EXPECT_EQ(error_of(GetParam().bytes), std::string("ERR Protocol error: ") + GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    RequestParser, BadRequests,
    testing::Values(
        BadRequest{"CountNotANumber", "*x\r\n", "invalid multibulk length"},
        BadRequest{"CountWithPlus", "*+1\r\n", "invalid multibulk length"},
        BadRequest{"CountTooLarge", "*2147483648\r\n", "invalid multibulk length"},
        BadRequest{"CountBeyondInt64", "*99999999999999999999\r\n", "invalid multibulk length"},
        BadRequest{"CountWithoutEnd", "*" + std::string(70'000, '1'), "too big mbulk count string"},
        BadRequest{"NoDollar", "*1\r\n+OK\r\n", "expected '$', got '+'"},
        BadRequest{"NegativeLength", "*1\r\n$-1\r\n", "invalid bulk length"},
        BadRequest{"LengthNotANumber", "*1\r\n$a\r\n", "invalid bulk length"},
        BadRequest{"LengthTooLarge", "*1\r\n$536870913\r\n", "invalid bulk length"},
        BadRequest{"LengthWithoutEnd", "*1\r\n$" + std::string(70'000, '1'),
                   "too big bulk count string"},
        BadRequest{"InlineWithoutEnd", std::string(70'000, 'a'), "too big inline request"},
        BadRequest{"UnbalancedQuotes", "GET \"k\n", "unbalanced quotes in request"},
        BadRequest{"TextBehindQuotes", "GET \"k\"x\n", "unbalanced quotes in request"}),
    [](const auto& bad) { return bad.param.name; });

TEST(RequestParser, HoldsUnauthenticatedClientsToSmallCommands) {
  RequestLimits limits;
  limits.authenticated = false;
  EXPECT_EQ(error_of("*11\r\n", limits), "ERR Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(error_of("*1\r\n$16385\r\n", limits),
            "ERR Protocol error: unauthenticated bulk length");
  EXPECT_EQ(error_of("*10\r\n$16384\r\n", limits), "");
}

TEST(RequestParser, SaysHowMuchOfALargeStringIsMissing) {
  RequestParser parser;
  ASSERT_EQ(parser.parse("*1\r\n$1000000\r\nabc", {}), Outcome::kIncomplete);
  EXPECT_EQ(parser.missing_bytes(), 1'000'000 - 3 + 2u);
}

TEST(RequestParser, PointsIntoTheCallersBytes) {
  const std::string bytes = encode({"GET", "key"});
  RequestParser parser;
  ASSERT_EQ(parser.parse(bytes, {}), Outcome::kCommand);
  EXPECT_EQ(static_cast<const void*>(parser.argv()[1].data()), bytes.data() + bytes.find("key"));
}

TEST(RequestParser, AHugeCountAloneTakesNoMemory) {
  RequestParser parser;
  EXPECT_EQ(parser.parse("*2147483647\r\n", {}), Outcome::kIncomplete);
  EXPECT_THAT(parser.argv(), IsEmpty());
}

}  // namespace
}  // namespace engine::resp
