#include "harness/base/written_files.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "harness/base/temporary_directory.h"

namespace crashpoint {
namespace {

std::string format_of_text(const std::string& text) {
  const TemporaryDirectory directory;
  std::ofstream(directory.path() / "f.json") << text;
  return format_of(directory.path() / "f.json");
}

TEST(FormatOf, IsTheFirstKeyOfTheFile) {
  EXPECT_EQ(format_of_text("{\n \"format\": \"crashpoint-report\",\n \"x\": 1"),
            "crashpoint-report");
  EXPECT_EQ(format_of_text("{\"format\":\"a\"}"), "a");
}

TEST(FormatOf, IsEmptyForWhateverElse) {
  EXPECT_EQ(format_of_text(""), "");
  EXPECT_EQ(format_of_text("   "), "");
  EXPECT_EQ(format_of_text("{\"version\": 1, \"format\": \"crashpoint-report\"}"), "");
  EXPECT_EQ(format_of_text("{\"format\": 3}"), "");
  EXPECT_EQ(format_of("/nowhere/at/all"), "");
  EXPECT_EQ(format_of("/proc"), "") << "a directory";
}

TEST(IsBundle, AsksTheContent) {
  const TemporaryDirectory directory;
  EXPECT_FALSE(is_bundle(directory.path()));
  std::ofstream(directory.path() / "bundle.json") << "{\"version\": 1}";
  EXPECT_FALSE(is_bundle(directory.path())) << "a scenario of this name";
  std::ofstream(directory.path() / "bundle.json") << "{\"format\": \"crashpoint-bundle\"}";
  EXPECT_TRUE(is_bundle(directory.path()));
}

}  // namespace
}  // namespace crashpoint
