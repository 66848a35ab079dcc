#include "engine/resp/reply_writer.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

namespace engine::resp {
namespace {

std::string written(Protocol protocol, const std::function<void(ReplyWriter&)>& write) {
  ReplyBuffer buffer;
  ReplyWriter writer(buffer, protocol);
  write(writer);
  return std::string(buffer.view());
}

TEST(ReplyWriter, WritesEachKindInBothProtocols) {
  struct {
    std::function<void(ReplyWriter&)> write;
    const char* resp2;
    const char* resp3;
  } const kinds[] = {
      {[](auto& w) { w.ok(); }, "+OK\r\n", "+OK\r\n"},
      {[](auto& w) { w.simple("PONG"); }, "+PONG\r\n", "+PONG\r\n"},
      {[](auto& w) { w.error("ERR a\r\nb"); }, "-ERR a  b\r\n", "-ERR a  b\r\n"},
      {[](auto& w) { w.integer(-12); }, ":-12\r\n", ":-12\r\n"},
      {[](auto& w) { w.integer(std::numeric_limits<std::int64_t>::min()); },
       ":-9223372036854775808\r\n", ":-9223372036854775808\r\n"},
      {[](auto& w) { w.bulk(""); }, "$0\r\n\r\n", "$0\r\n\r\n"},
      {[](auto& w) { w.bulk("hello world"); }, "$11\r\nhello world\r\n", "$11\r\nhello world\r\n"},
      {[](auto& w) { w.bulk_integer(123); }, "$3\r\n123\r\n", "$3\r\n123\r\n"},
      {[](auto& w) { w.null(); }, "$-1\r\n", "_\r\n"},
      {[](auto& w) { w.null_array(); }, "*-1\r\n", "_\r\n"},
      {[](auto& w) { w.number(0.1); }, "$19\r\n0.10000000000000001\r\n",
       ",0.10000000000000001\r\n"},
      {[](auto& w) { w.number(3); }, "$1\r\n3\r\n", ",3\r\n"},
      {[](auto& w) { w.number(-std::numeric_limits<double>::infinity()); }, "$4\r\n-inf\r\n",
       ",-inf\r\n"},
      {[](auto& w) { w.boolean(true); }, ":1\r\n", "#t\r\n"},
      {[](auto& w) { w.verbatim("txt", "hi"); }, "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"},
      {[](auto& w) { w.big_number("123"); }, "$3\r\n123\r\n", "(123\r\n"},
      {[](auto& w) { w.array(10); }, "*10\r\n", "*10\r\n"},
      {[](auto& w) { w.map(2); }, "*4\r\n", "%2\r\n"},
      {[](auto& w) { w.set(2); }, "*2\r\n", "~2\r\n"},
      {[](auto& w) { w.push(3); }, "*3\r\n", ">3\r\n"},
  };
  for (const auto& kind : kinds) {
    EXPECT_EQ(written(Protocol::kResp2, kind.write), kind.resp2);
    EXPECT_EQ(written(Protocol::kResp3, kind.write), kind.resp3);
  }
}

TEST(ReplyWriter, PutsAHeaderBeforeElementsCountedLate) {
  EXPECT_EQ(written(Protocol::kResp3,
                    [](ReplyWriter& w) {
                      w.ok();
                      const std::size_t mark = w.mark();
                      w.integer(1);
                      w.integer(2);
                      w.close_array(mark, 2);
                    }),
            "+OK\r\n*2\r\n:1\r\n:2\r\n");
}

TEST(ReplyBuffer, KeepsOrderWhileConsumedAndGrown) {
  ReplyBuffer buffer;
  std::string sent;
  std::string all;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece = std::to_string(i) + ",";
    buffer.append(piece);
    all += piece;
    if (i % 3 == 0) {
      const std::size_t count = buffer.size() / 2;
      sent += buffer.view().substr(0, count);
      buffer.consume(count);
    }
  }
  sent += buffer.view();
  EXPECT_EQ(sent, all);
  buffer.consume(buffer.size());
  buffer.shrink(0);
  EXPECT_EQ(buffer.capacity(), 0u);
}

}  // namespace
}  // namespace engine::resp
