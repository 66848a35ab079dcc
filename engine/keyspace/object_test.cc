#include "engine/keyspace/object.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace engine::keyspace {
namespace {

TEST(Object, ReportsAStringsEncodingAsRedisDoes) {
  EXPECT_EQ(Object::string("123").encoding_name(), "int");
  EXPECT_EQ(Object::string("-9223372036854775808").encoding_name(), "int");
  EXPECT_EQ(Object::string("9223372036854775808").encoding_name(), "embstr");
  EXPECT_EQ(Object::string("0123").encoding_name(), "embstr");
  EXPECT_EQ(Object::string(std::string(44, 'x')).encoding_name(), "embstr");
  EXPECT_EQ(Object::string(std::string(45, 'x')).encoding_name(), "raw");
  EXPECT_EQ(Object::verbatim_string("123").encoding_name(), "embstr");
}

TEST(Object, KeepsTextWhateverItIsAssigned) {
  Object object = Object::string("first");
  for (const std::string& text :
       {std::string("1"), std::string(1000, 'x'), std::string(), std::string("-5"),
        std::string("a\0b", 3), std::string(44, 'y')}) {
    object.assign(text);
    EXPECT_EQ(object.text().text(), text);
    EXPECT_EQ(object.size(), text.size());
    EXPECT_EQ(object.clone().text().text(), text);
    EXPECT_EQ(object.clone().encoding_name(), object.encoding_name());
  }
}

TEST(Object, ResizedIsRawAndFilledWithZeros) {
  Object object = Object::string("12");
  std::memcpy(object.resize(4) + 2, "34", 2);
  EXPECT_EQ(object.text().text(), "1234");
  EXPECT_EQ(object.encoding_name(), "raw");
  object.resize(6);
  EXPECT_EQ(object.text().text(), std::string("1234\0\0", 6));
  for (std::size_t size = 7; size < 5000; ++size) {
    object.resize(size)[size - 1] = 'x';
  }
  EXPECT_EQ(object.size(), 4999u);
}

TEST(Object, MovesAndFreesCollections) {
  auto list = std::make_unique<List>();
  list->push(ListEnd::kBack, "a", {});
  Object first = Object::list(std::move(list));
  Object second = std::move(first);
  EXPECT_EQ(second.type(), Type::kList);
  EXPECT_EQ(second.encoding_name(), "quicklist");
  Object copy = second.clone();
  second.list().push(ListEnd::kBack, "b", {});
  EXPECT_EQ(copy.size(), 1u);
  copy = Object::string("now a string");
  EXPECT_EQ(copy.type(), Type::kString);
}

}  // namespace
}  // namespace engine::keyspace
