#include "harness/crash/cause/shape.h"

#include <gtest/gtest.h>

#include <string>

#include "harness/crash/states_for_test.h"
#include "harness/crash/trace_script_for_test.h"

namespace crashpoint::crash {
namespace {

// Of a file of that name that replaces another.
std::string shape_of_name(const std::string& path) {
  trace::Image initial{{"conf", file_entry("old")}};
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    initial[path.substr(0, slash)] = directory_entry();
  }
  const auto timeline = timeline_of(TraceScript(initial).create(path).rename(path, "conf"));
  return shape_of(*timeline, timeline->call(CallIndex(1))).path.str();
}

TEST(Shape, IsTheSameForNumbersAndForNamesThatAreMadeUp) {
  EXPECT_EQ(shape_of_name("temp-1234.rdb"), "temp-#.rdb");
  EXPECT_EQ(shape_of_name("sedYQ3fUo"), "sed#");
  EXPECT_EQ(shape_of_name(".conf.k3vX9a"), ".conf.#");
  EXPECT_EQ(shape_of_name("tmp_obj_abc1de"), "tmp_obj_#");
  EXPECT_EQ(shape_of_name(".git/objects/3f/786850e387550fdab836ed7e6dc881de23001b"),
            ".git/objects/#/#");
  EXPECT_EQ(shape_of_name(".git/objects/3f/tmp_obj_YXkOpJ"), ".git/objects/#/tmp_obj_#");
}

TEST(Shape, KeepsNamesThatSomebodyGave) {
  for (const char* name : {"README", "manifest", "index.lock", "appendonly.aof", "Config", "conf.d",
                           "MANIFEST", ".git/HEAD", "deadbeef", "ab/cd", "user_config"}) {
    EXPECT_EQ(shape_of_name(name), name);
  }
}

}  // namespace
}  // namespace crashpoint::crash
