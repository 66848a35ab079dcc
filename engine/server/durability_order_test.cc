// The promise of a turn of the loop: under `always` no reply precedes the fsync of what it
// acknowledges. The process is killed at failpoints around the write and the fsync.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/test_server.h"

namespace engine::server {
namespace {

using testing::eventually;
using testing::TestClient;
using testing::TestServer;

const std::vector<std::string> kAlways = {"--save",        "",      "--appendonly", "yes",
                                          "--appendfsync", "always"};

std::vector<std::string> always_with(std::vector<std::string> more) {
  more.insert(more.begin(), kAlways.begin(), kAlways.end());
  return more;
}

struct Moment {
  const char* failpoint;
  bool is_written;  // the batch has reached the kernel by then
};
std::ostream& operator<<(std::ostream& out, const Moment& moment) {
  return out << moment.failpoint;
}

class KilledAroundFsync : public ::testing::TestWithParam<Moment> {};

TEST_P(KilledAroundFsync, AcknowledgesNothingOfTheBatch) {
  TempDirectory directory;
  TestServer server(directory,
                    always_with({"--failpoint", std::string(GetParam().failpoint) + ":2:kill"}));
  ASSERT_TRUE(server.is_ready()) << server.log();
  TestClient client = server.client();
  ASSERT_EQ(client("SET", "first", "1"), "+OK");
  std::string batch;
  for (int i = 0; i < 100; ++i) {
    batch += TestClient::encode({"SET", "k" + std::to_string(i), "v"});
  }
  client.send(batch);
  EXPECT_EQ(client.read_until_closed(), "");
  ASSERT_EQ(server.wait_exit(), -SIGKILL);

  TestServer again(directory, kAlways);
  ASSERT_TRUE(again.is_ready()) << again.log();
  EXPECT_EQ(again.client()("GET", "first"), "1");
  EXPECT_EQ(again.client()("EXISTS", "k0", "k50", "k99"), GetParam().is_written ? ":3" : ":0");
}

INSTANTIATE_TEST_SUITE_P(Always, KilledAroundFsync,
                         ::testing::Values(Moment{"aof/append/before-write", false},
                                           Moment{"aof/append/after-write", true},
                                           Moment{"aof/append/before-fsync", true},
                                           Moment{"aof/append/after-fsync", true}));

// The same with the planted bug: the reply is out before the write, so the test above can fail.
TEST(PlantedReplyBeforeAppend, LosesAnAcknowledgedWrite) {
  TempDirectory directory;
  TestServer server(directory, always_with({"--failpoint", "planted/reply-before-append",
                                            "--failpoint", "aof/append/before-write:2:kill"}));
  ASSERT_TRUE(server.is_ready()) << server.log();
  TestClient client = server.client();
  ASSERT_EQ(client("SET", "first", "1"), "+OK");
  EXPECT_EQ(client("SET", "lost", "1"), "+OK");
  ASSERT_EQ(server.wait_exit(), -SIGKILL);

  TestServer again(directory, kAlways);
  ASSERT_TRUE(again.is_ready()) << again.log();
  EXPECT_EQ(again.client()("EXISTS", "lost"), ":0");
}

TEST(FailedFsync, UnderAlwaysEndsTheServerBeforeAnyReply) {
  TempDirectory directory;
  TestServer server(directory, always_with({"--failpoint", "aof/append/before-fsync:2:error=EIO"}));
  ASSERT_TRUE(server.is_ready()) << server.log();
  TestClient client = server.client();
  ASSERT_EQ(client("SET", "first", "1"), "+OK");
  EXPECT_EQ(client("SET", "second", "1"), "(closed)");
  EXPECT_EQ(server.wait_exit(), 1);
  EXPECT_TRUE(
      server.logged("Can't persist AOF for fsync error when the AOF fsync policy is "
                    "'always'"))
      << server.log();
}

TEST(FailedWrite, UnderAlwaysEndsTheServerBeforeAnyReply) {
  TempDirectory directory;
  TestServer server(directory,
                    always_with({"--failpoint", "aof/append/before-write:2:error=ENOSPC"}));
  ASSERT_TRUE(server.is_ready()) << server.log();
  TestClient client = server.client();
  ASSERT_EQ(client("SET", "first", "1"), "+OK");
  EXPECT_EQ(client("SET", "second", "1"), "(closed)");
  EXPECT_EQ(server.wait_exit(), 1);
  EXPECT_TRUE(server.logged("Can't recover from AOF write error")) << server.log();
}

// The child must not be forked between the commands of a transaction: it would hold some of what
// the log is then given as a whole.
TEST(EnabledInATransaction, TheLogHoldsEachOfItsCommandsOnce) {
  TempDirectory directory;
  TestServer server(directory, {"--save", "", "--appendonly", "no"});
  ASSERT_TRUE(server.is_ready()) << server.log();
  TestClient client = server.client();
  ASSERT_EQ(client("MULTI"), "+OK");
  client("INCR", "n");
  client("CONFIG", "SET", "appendonly", "yes");
  client("INCR", "n");
  EXPECT_EQ(client("EXEC"), "[:1, +OK, :2]");
  EXPECT_TRUE(
      eventually([&] { return server.logged("Background AOF rewrite finished successfully"); }));
  EXPECT_TRUE(server.logged("AOF was enabled during a transaction."));
  server.kill();
  TestServer again(directory, {"--save", "", "--appendonly", "yes"});
  ASSERT_TRUE(again.is_ready()) << again.log();
  EXPECT_EQ(again.client()("GET", "n"), "2");
}

class FullDisk : public ::testing::TestWithParam<const char*> {
 protected:
  std::vector<std::string> arguments(const std::string& failpoint) {
    return {"--save",        "",         "--appendonly", "yes",
            "--appendfsync", GetParam(), "--failpoint",  failpoint};
  }
  TempDirectory directory_;
};

TEST_P(FullDisk, HoldsRepliesBackUntilTheLogTakesWhatTheyAcknowledge) {
  TestServer server(directory_, arguments("aof/append/before-write:2:error=ENOSPC"));
  ASSERT_TRUE(server.is_ready()) << server.log();
  TestClient client = server.client();
  ASSERT_EQ(client("SET", "first", "1"), "+OK");
  EXPECT_EQ(client("SET", "second", "1"), "+OK");  // as soon as there is room again
  EXPECT_TRUE(server.logged("Error writing to the AOF file: No space left on device"))
      << server.log();
  EXPECT_TRUE(eventually([&] { return client("SET", "third", "1") == "+OK"; })) << server.log();
  server.restart();
  ASSERT_TRUE(server.is_ready()) << server.log();
  EXPECT_EQ(server.client()("EXISTS", "first", "second", "third"), ":3");
}

TEST_P(FullDisk, AcknowledgesNothingAndRefusesWritesWhileItLasts) {
  TestServer server(directory_, arguments("aof/append/before-write:error=ENOSPC"));
  ASSERT_TRUE(server.is_ready()) << server.log();
  TestClient writer = server.client();
  writer.send(TestClient::encode({"SET", "lost", "1"}) + TestClient::encode({"PING"}));
  ASSERT_TRUE(eventually([&] { return server.logged("Error writing to the AOF file"); }));
  TestClient other = server.client();
  EXPECT_EQ(other("SET", "a", "1"),
            "-MISCONF Errors writing to the AOF file: No space left on device");
  EXPECT_EQ(other("GET", "a"), "(nil)");
  EXPECT_TRUE(writer.is_silent());
  server.kill();
  TestServer again(directory_, {"--save", "", "--appendonly", "yes"});
  ASSERT_TRUE(again.is_ready()) << again.log();
  EXPECT_EQ(again.client()("EXISTS", "lost"), ":0");
}

INSTANTIATE_TEST_SUITE_P(Policies, FullDisk, ::testing::Values("everysec", "no"),
                         [](const auto& tested) { return std::string(tested.param); });

}  // namespace
}  // namespace engine::server
