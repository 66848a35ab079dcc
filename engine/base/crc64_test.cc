#include "engine/base/crc64.h"

#include <gtest/gtest.h>

#include <string>

#include <boost/crc.hpp>

namespace engine {
namespace {

using Reference = boost::crc_optimal<64, 0xad93d23594c935a9, 0, 0, true, true>;

TEST(Crc64, HasRedisCheckValue) {
  EXPECT_EQ(crc64(0, "123456789"), 0xe9c6d914c4b8d9caU);
}

TEST(Crc64, EqualsTheBitwiseDefinitionAtEveryLengthAndSplit) {
  std::string bytes;
  for (int i = 0; i < 100; ++i) {
    bytes += static_cast<char>(i * 37 + 11);
    Reference reference;
    reference.process_bytes(bytes.data(), bytes.size());
    EXPECT_EQ(crc64(0, bytes), reference.checksum()) << "length " << bytes.size();
    const std::size_t half = bytes.size() / 3;
    const std::string_view view = bytes;
    EXPECT_EQ(crc64(crc64(0, view.substr(0, half)), view.substr(half)), reference.checksum());
  }
}

}  // namespace
}  // namespace engine
