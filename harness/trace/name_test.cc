#include "harness/trace/name.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace crashpoint::trace {
namespace {

TEST(Name, ReadsAsTheTextItWasMadeOf) {
  const Name name = std::string("appendonlydir/x.aof");
  const std::string& text = name;
  EXPECT_EQ(text, "appendonlydir/x.aof");
  EXPECT_EQ(name, "appendonlydir/x.aof");
  EXPECT_NE(name, "y");
  EXPECT_EQ(std::string_view(name).substr(0, 6), "append");
}

TEST(Name, EqualTextIsTheSameObject) {
  EXPECT_EQ(Name("dump.rdb"), Name(std::string("dump.rdb")));
  EXPECT_EQ(&Name("dump.rdb").str(), &Name("dump.rdb").str());
  EXPECT_LT(Name("a"), Name("b"));
}

TEST(Name, OfNothingIsEmpty) {
  EXPECT_TRUE(Name().empty());
  EXPECT_TRUE(Name("").empty());
  EXPECT_EQ(Name(), Name(""));
  EXPECT_EQ(Name().str(), "");
}

}  // namespace
}  // namespace crashpoint::trace
