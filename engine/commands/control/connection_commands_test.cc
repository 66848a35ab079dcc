#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "engine/commands/dispatch/executor_for_test.h"
#include "engine/commands/dispatch/reply_text_for_test.h"

namespace engine::commands {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(Auth, NothingButAFewCommandsRunBeforeIt) {
  TestExecutor test;
  test.server.required_password = "secret";
  EXPECT_EQ(test.run("GET k"), "-NOAUTH Authentication required.\r\n");
  EXPECT_THAT(test.run("HELLO 3"), StartsWith("-NOAUTH HELLO must be called"));
  EXPECT_EQ(test.run("AUTH wrong"),
            "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_EQ(test.run("AUTH other secret"),
            "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  EXPECT_EQ(test.run("AUTH secret"), "+OK\r\n");
  EXPECT_EQ(test.run("GET k"), "$-1\r\n");
  EXPECT_EQ(test.run("RESET"), "+RESET\r\n");
  EXPECT_EQ(test.run("GET k"), "-NOAUTH Authentication required.\r\n");
  EXPECT_EQ(test.run("AUTH default secret"), "+OK\r\n");
}

TEST(Auth, WithoutAPasswordSaysSo) {
  TestExecutor test;
  EXPECT_THAT(test.run("AUTH secret"), StartsWith("-ERR AUTH <password> called without any"));
}

TEST(Hello, SwitchesTheProtocolAndTellsWhoWeAre) {
  TestExecutor test;
  EXPECT_EQ(reply_text(test.run("HELLO 3 SETNAME me")),
            "%[\"server\" => \"redis\", \"version\" => \"7.0.15\", \"proto\" => :3, \"id\" => :1, "
            "\"mode\" => \"standalone\", \"role\" => \"master\", \"modules\" => *[]]");
  EXPECT_EQ(test.run("GET k"), "_\r\n");
  EXPECT_EQ(test.run("CLIENT GETNAME"), "$2\r\nme\r\n");
  EXPECT_THAT(test.run("HELLO 2"), StartsWith("*14\r\n"));
  EXPECT_EQ(test.run("GET k"), "$-1\r\n");
  EXPECT_EQ(test.run("HELLO 4"), "-NOPROTO unsupported protocol version\r\n");
  EXPECT_EQ(test.run("HELLO x"), "-ERR Protocol version is not an integer or out of range\r\n");
  EXPECT_EQ(test.run("HELLO 3 NOPE"), "-ERR Syntax error in HELLO option 'NOPE'\r\n");
}

TEST(Reset, MakesTheConnectionAsNew) {
  TestExecutor test;
  for (const char* line :
       {"HELLO 3", "SELECT 3", "CLIENT SETNAME me", "SUBSCRIBE ch", "WATCH k", "MULTI"}) {
    test.run(line);
  }
  EXPECT_EQ(test.run("RESET"), "+RESET\r\n");
  Session& session = test.default_session();
  EXPECT_EQ(session.database, 0);
  EXPECT_EQ(session.name, "");
  EXPECT_FALSE(session.in_transaction);
  EXPECT_FALSE(session.subscribed());
  EXPECT_EQ(test.executor.pubsub_channels(), 0u);
  EXPECT_EQ(test.run("GET k"), "$-1\r\n");
}

TEST(ClientCommand, ListsAndKillsConnections) {
  TestExecutor test;
  Session& me = test.default_session();
  Session& other = test.connect();
  other.address = "127.0.0.1:5000";
  test.run(other, "CLIENT SETNAME other");
  EXPECT_THAT(test.run("CLIENT LIST"), HasSubstr("addr=127.0.0.1:5000"));
  EXPECT_THAT(test.run("CLIENT LIST ID 2"), HasSubstr("name=other"));
  EXPECT_THAT(test.run("CLIENT INFO"), HasSubstr("cmd=client|info"));
  EXPECT_EQ(test.run("CLIENT KILL 1.2.3.4:5"), "-ERR No such client\r\n");
  EXPECT_EQ(test.run("CLIENT KILL ID 2"), ":1\r\n");
  EXPECT_TRUE(other.closing);
  EXPECT_EQ(test.run("CLIENT KILL ID 1"), ":0\r\n") << "skips itself";
  EXPECT_EQ(test.run("CLIENT KILL ID 1 SKIPME no"), ":1\r\n");
  EXPECT_TRUE(me.close_after_reply);
  EXPECT_EQ(test.run("CLIENT SETNAME \"a b\""),
            "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
}

TEST(PubSub, DeliversToChannelsAndPatterns) {
  TestExecutor test;
  Session& channel = test.connect();
  Session& pattern = test.connect();
  EXPECT_EQ(reply_text(test.run(channel, "SUBSCRIBE news")), "*[\"subscribe\", \"news\", :1]");
  test.run(pattern, "HELLO 3");
  EXPECT_EQ(reply_text(test.run(pattern, "PSUBSCRIBE n*")), ">[\"psubscribe\", \"n*\", :1]");
  EXPECT_EQ(test.run("PUBLISH news hello"), ":2\r\n");
  EXPECT_EQ(reply_text(test.take_output(channel)), "*[\"message\", \"news\", \"hello\"]");
  EXPECT_EQ(reply_text(test.take_output(pattern)), ">[\"pmessage\", \"n*\", \"news\", \"hello\"]");
  EXPECT_EQ(reply_text(test.run("PUBSUB CHANNELS")), "*[\"news\"]");
  EXPECT_EQ(reply_text(test.run("PUBSUB NUMSUB news other")), "*[\"news\", :1, \"other\", :0]");
  EXPECT_EQ(test.run("PUBSUB NUMPAT"), ":1\r\n");
  test.executor.forget(pattern);
  EXPECT_EQ(reply_text(test.run(channel, "UNSUBSCRIBE")), "*[\"unsubscribe\", \"news\", :0]");
  EXPECT_EQ(reply_text(test.run(channel, "UNSUBSCRIBE")), "*[\"unsubscribe\", $-1, :0]");
  EXPECT_EQ(test.run("PUBLISH news hello"), ":0\r\n");
}

TEST(PubSub, ASubscriberOfResp2CanDoLittleElse) {
  TestExecutor test;
  test.run("SUBSCRIBE ch");
  EXPECT_EQ(test.run("GET k"),
            "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / "
            "RESET are allowed in this context\r\n");
  EXPECT_EQ(reply_text(test.run("PING")), "*[\"pong\", \"\"]");
  test.run("UNSUBSCRIBE");
  EXPECT_EQ(test.run("PING"), "+PONG\r\n");
}

TEST(Monitor, ShowsEveryCommandButAdministrativeOnes) {
  TestExecutor test;
  Session& watching = test.connect();
  test.run(watching, "MONITOR");
  test.run("SET \"a b\" 1");
  test.run("CONFIG GET save");
  EXPECT_EQ(test.take_output(watching), "+1700000000.000000 [0 ] \"SET\" \"a b\" \"1\"\r\n");
  test.run(watching, "RESET");
  test.run("GET k");
  EXPECT_EQ(test.take_output(watching), "");
}

}  // namespace
}  // namespace engine::commands
