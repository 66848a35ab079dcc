#include "engine/base/line_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string_view>

namespace engine {
namespace {

class LineReaderTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::pipe(ends_), 0); }
  void TearDown() override { ::close(ends_[0]); }

  void write(std::string_view text) {
    ASSERT_EQ(::write(ends_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void end() { ::close(ends_[1]); }

  int ends_[2] = {-1, -1};
};

TEST_F(LineReaderTest, GivesLineByLineHoweverTheyArrive) {
  LineReader reader(ends_[0]);
  write("one\ntw");
  EXPECT_EQ(reader.next().value(), "one");
  write("o\n\n");
  EXPECT_EQ(reader.next().value(), "two");
  EXPECT_EQ(reader.next().value(), "");
  end();
  EXPECT_EQ(reader.next().value(), std::nullopt);
}

TEST_F(LineReaderTest, DropsALineThatWasCutOff) {
  LineReader reader(ends_[0]);
  write("one\ncut o");
  end();
  EXPECT_EQ(reader.next().value(), "one");
  EXPECT_EQ(reader.next().value(), std::nullopt);
}

TEST(LineReader, SaysWhyItCannotRead) {
  EXPECT_EQ(LineReader(-1).next().error().code, EBADF);
}

}  // namespace
}  // namespace engine
