// How the engine reads what clients send, black box.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "engine/testing/test_server.h"

namespace engine::server {
namespace {

using testing::eventually;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::TestClient;
using testing::TestServer;

class Requests : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server_.is_ready()) << server_.log(); }

  TempDirectory directory_;
  TestServer server_{directory_, {"--save", ""}};
};

TEST_F(Requests, PipelinedRepliesComeInOrder) {
  TestClient client = server_.client();
  std::string requests;
  for (int i = 0; i < 10000; ++i) {
    requests += TestClient::encode({"INCR", "n"});
  }
  const std::jthread sender([&] { client.send(requests); });
  for (int i = 1; i <= 10000; ++i) {
    ASSERT_EQ(client.read_reply(), ":" + std::to_string(i));
  }
}

TEST_F(Requests, MayBeSplitAtEveryByte) {
  TestClient client = server_.client();
  const std::string request =
      TestClient::encode({"SET", "k", std::string("v\r\n\0x", 5)}) + "GET k\r\n";
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    TestClient other = server_.client();
    ASSERT_TRUE(client.send(request.substr(0, cut)));
    ASSERT_EQ(other("PING"), "+PONG");  // a turn of the loop separates the two parts
    ASSERT_TRUE(client.send(request.substr(cut)));
    ASSERT_EQ(client.read_reply(), "+OK") << "cut at " << cut;
    ASSERT_EQ(client.read_reply(), std::string("v\r\n\0x", 5)) << "cut at " << cut;
  }
}

TEST_F(Requests, MayComeByteByByte) {
  TestClient client = server_.client();
  for (const char byte : TestClient::encode({"ECHO", "hello"})) {
    ASSERT_TRUE(client.send({&byte, 1}));
  }
  EXPECT_EQ(client.read_reply(), "hello");
}

// A page in a browser can make it send a form to this port; the commands in its body must not run.
TEST_F(Requests, OfHttpCloseTheConnection) {
  for (const std::string request :
       {"POST / HTTP/1.1\r\nSET k v\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nSET k v\r\n",
        "host: x\r\nSET k v\r\n"}) {
    TestClient client = server_.client();
    client.send(request);
    EXPECT_EQ(client.read_reply(), "(closed)") << request;
  }
  EXPECT_EQ(server_.client()("GET", "k"), "(nil)");
  EXPECT_TRUE(server_.logged("Possible SECURITY ATTACK detected"));
}

TEST_F(Requests, MayBeInline) {
  TestClient client = server_.client();
  client.send("SET  key \"a \\x41\\n\"\r\n\r\nGET key\nPING\r\n");
  EXPECT_EQ(client.read_reply(), "+OK");
  EXPECT_EQ(client.read_reply(), "a A\n");
  EXPECT_EQ(client.read_reply(), "+PONG");
}

TEST_F(Requests, ValuesOfManyMegabytesPass) {
  TestClient client = server_.client();
  const std::string value(24 << 20, 'x');
  EXPECT_EQ(client("SET", "big", value), "+OK");
  EXPECT_EQ(client("GET", "big"), value);
}

TEST_F(Requests, AReplyThatTheClientDoesNotReadHoldsUpNobodyElse) {
  TestClient slow = server_.client();
  ASSERT_EQ(slow("SET", "big", std::string(1 << 20, 'x')), "+OK");
  for (int i = 0; i < 50; ++i) {
    slow.send(TestClient::encode({"GET", "big"}));
  }
  TestClient other = server_.client();
  EXPECT_EQ(other("PING"), "+PONG");
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(slow.read_reply().size(), std::size_t{1} << 20);
  }
}

struct Hostile {
  const char* name;
  std::string bytes;
  const char* error;
};
std::ostream& operator<<(std::ostream& out, const Hostile& hostile) {
  return out << hostile.name;
}

class HostileRequests : public Requests, public ::testing::WithParamInterface<Hostile> {};

TEST_P(HostileRequests, CostOnlyTheirOwnConnection) {
  TestClient bystander = server_.client();
  TestClient client = server_.client();
  client.send(GetParam().bytes);
  EXPECT_THAT(client.read_until_closed(), StartsWith(GetParam().error));
  EXPECT_EQ(bystander("PING"), "+PONG");
  EXPECT_EQ(server_.client()("PING"), "+PONG");
}

INSTANTIATE_TEST_SUITE_P(
    Resp, HostileRequests,
    ::testing::Values(
        Hostile{"NegativeBulkLength", "*1\r\n$-5\r\n", "-ERR Protocol error: invalid bulk length"},
        Hostile{"HugeBulkLength", "*1\r\n$2000000000000\r\n",
                "-ERR Protocol error: invalid bulk length"},
        Hostile{"HugeArrayLength", "*2147483648\r\n",
                "-ERR Protocol error: invalid multibulk length"},
        Hostile{"NoNumber", "*abc\r\n", "-ERR Protocol error: invalid multibulk length"},
        Hostile{"NestedArray", "*1\r\n*1\r\n$4\r\nPING\r\n",
                "-ERR Protocol error: expected '$', got '*'"},
        Hostile{"UnbalancedQuotes", "SET \"a\r\n",
                "-ERR Protocol error: unbalanced quotes in request"},
        Hostile{"EndlessInlineLine", std::string(70000, 'a'),
                "-ERR Protocol error: too big inline request"},
        Hostile{"EndlessHeader", "*" + std::string(70000, '1'),
                "-ERR Protocol error: too big mbulk count string"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(Requests, ABulkThatIsAnnouncedButNeverComesTakesNoMemory) {
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<TestClient>(server_.socket()));
    clients.back()->send("*2\r\n$3\r\nGET\r\n$500000000\r\nabc");
  }
  TestClient client = server_.client();
  EXPECT_EQ(client("PING"), "+PONG");
  std::ifstream statm("/proc/" + std::to_string(server_.pid()) + "/statm");
  std::size_t total_pages = 0;
  std::size_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  EXPECT_LT(resident_pages * 4096, std::size_t{200} << 20);
}

TEST_F(Requests, BeyondTheQueryBufferLimitCloseTheConnection) {
  ASSERT_EQ(server_.client()("CONFIG", "SET", "client-query-buffer-limit", "1mb"), "+OK");
  TestClient client = server_.client();
  client.send("*2\r\n$3\r\nGET\r\n$3000000\r\n");
  client.send(std::string(2000000, 'x'));
  EXPECT_EQ(client.read_reply(), "(closed)");
  EXPECT_TRUE(server_.logged("max query buffer length"));
}

TEST_F(Requests, MoreClientsThanMaxclientsAreRefusedWithAReason) {
  TestClient first = server_.client();
  ASSERT_TRUE(eventually([&] {  // those that waited for the start are gone
    return first("INFO", "clients").find("connected_clients:1\r") != std::string::npos;
  }));
  ASSERT_EQ(first("CONFIG", "SET", "maxclients", "2"), "+OK");
  TestClient second = server_.client();
  ASSERT_EQ(second("PING"), "+PONG");
  EXPECT_EQ(server_.client().read_reply(), "-ERR max number of clients reached");
  EXPECT_EQ(first("PING"), "+PONG");
}

TEST_F(Requests, AnIdleClientIsClosedAfterTimeout) {
  TestClient idle = server_.client();
  ASSERT_EQ(idle("CONFIG", "SET", "timeout", "1"), "+OK");
  EXPECT_EQ(idle.read_reply(), "(closed)");
}

TEST_F(Requests, AClientOverItsOutputLimitIsClosed) {
  TestClient admin = server_.client();
  ASSERT_EQ(admin("CONFIG", "SET", "client-output-buffer-limit", "normal 1mb 0 0"), "+OK");
  ASSERT_EQ(admin("SET", "big", std::string(900 << 10, 'x')), "+OK");
  TestClient greedy = server_.client();
  std::string requests;
  for (int i = 0; i < 20; ++i) {
    requests += TestClient::encode({"GET", "big"});
  }
  greedy.send(requests);
  EXPECT_LT(greedy.read_until_closed().size(), std::size_t{20} * (900 << 10));
  EXPECT_TRUE(server_.logged("overcoming of output buffer limits"));
  EXPECT_EQ(admin("PING"), "+PONG");
}

TEST_F(Requests, BehindQuitAreNotExecuted) {
  TestClient client = server_.client();
  client.send("SET a 1\r\nQUIT\r\nSET a 2\r\n");
  EXPECT_EQ(client.read_until_closed(), "+OK\r\n+OK\r\n");
  EXPECT_EQ(server_.client()("GET", "a"), "1");
}

TEST_F(Requests, OfPausedClientsWaitAndThenRunInOrder) {
  TestClient admin = server_.client();
  TestClient writer = server_.client();
  ASSERT_EQ(admin("CLIENT", "PAUSE", "100000", "WRITE"), "+OK");
  writer.send("PING\r\nSET a 1\r\nGET a\r\n");
  EXPECT_EQ(writer.read_reply(), "+PONG");
  EXPECT_EQ(admin("EXISTS", "a"), ":0");
  ASSERT_EQ(admin("CLIENT", "UNPAUSE"), "+OK");
  EXPECT_EQ(writer.read_reply(), "+OK");
  EXPECT_EQ(writer.read_reply(), "1");
}

}  // namespace
}  // namespace engine::server
