#include "engine/aof/command_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/base/files_for_test.h"

namespace engine::aof {
namespace {

// What the reader makes of a file: "C:a,b" for a command, "A:line" for an annotation, then how it
// ends and where.
std::string read_all(const std::string& content) {
  const TempDirectory directory;
  write_test_file(directory.file("f"), content);
  const io::File file = io::File::open(directory.file("f"), io::OpenMode::kRead).value();
  CommandReader reader(file, 0, content.size());
  std::string text;
  for (;;) {
    const Result<Item> item = reader.next();
    if (!item) {
      return text + "error " + item.error().message;
    }
    switch (item->kind) {
      case Item::Kind::kCommand:
        text += "C:";
        for (const std::string_view argument : item->argv) {
          text += argument;
          text += ',';
        }
        text.back() = ' ';
        break;
      case Item::Kind::kAnnotation:
        text += "A:" + std::string(item->line) + " ";
        break;
      case Item::Kind::kEnd:
        return text + "end";
      case Item::Kind::kCut:
        return text + "cut at " + std::to_string(item->begin);
      case Item::Kind::kBadFormat:
        return text + "bad at " + std::to_string(item->begin);
    }
  }
}

const std::string kSet = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\n\r\n\r\n";  // the value is a line end

TEST(CommandReader, ReadsCommandsAndAnnotations) {
  EXPECT_EQ(read_all(""), "end");
  EXPECT_EQ(read_all("#TS:1\r\n*1\r\n$4\r\nPING\r\n#x\n*1\r\n$0\r\n\r\n"),
            "A:#TS:1 C:PING A:#x C: end");
}

TEST(CommandReader, TellsACutFromABadFormatAtEveryByte) {
  const std::string first = "*1\r\n$4\r\nPING\r\n";
  for (std::size_t size = 1; size < kSet.size(); ++size) {
    EXPECT_EQ(read_all(first + kSet.substr(0, size)), "C:PING cut at 14") << size;
  }
  for (const std::string bad :
       {"PING\r\n", "*0\r\n", "*-1\r\n", "*x\r\n", "*1\n$1\r\na\r\n", "*1\r\n+1\r\n",
        "*1\r\n$-1\r\n", "*1\r\n$1\r\naXX", "*99999999999999999999\r\n", "*1\r\n$1x\r\na\r\n"}) {
    EXPECT_EQ(read_all(first + bad), "C:PING bad at 14") << bad;
  }
  EXPECT_EQ(read_all(first + std::string(100, '\0')), "C:PING bad at 14");
  EXPECT_EQ(read_all(first + "#" + std::string(2000, 'x') + "\r\n"), "C:PING bad at 14");
}

TEST(CommandReader, BelievesNoLengthBeyondTheEndOfTheFile) {
  EXPECT_EQ(read_all("*1\r\n$999999999999999999\r\nabc"), "cut at 0");
  EXPECT_EQ(read_all("*999999999999999999\r\n$1\r\na\r\n"), "cut at 0");
}

TEST(CommandReader, ReadsItemsLargerThanItsWindow) {
  const std::string big(3 << 20, 'v');
  const std::string command =
      "*2\r\n$3\r\nGET\r\n$" + std::to_string(big.size()) + "\r\n" + big + "\r\n";
  EXPECT_EQ(read_all(command + "*1\r\n$1\r\nx\r\n"), "C:GET," + big + " C:x end");
}

TEST(CommandReader, PeeksWithoutMoving) {
  const TempDirectory directory;
  write_test_file(directory.file("f"), "#a\r\n" + kSet);
  const io::File file = io::File::open(directory.file("f"), io::OpenMode::kRead).value();
  CommandReader reader(file, 0, 4 + kSet.size());
  ASSERT_EQ(reader.next()->line, "#a");
  EXPECT_EQ(*reader.peek(kSet.size()), kSet);
  EXPECT_EQ(*reader.peek(1 << 30), kSet);
  EXPECT_EQ(reader.next()->argv.size(), 3U);
}

}  // namespace
}  // namespace engine::aof
