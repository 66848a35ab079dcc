// A bundle carries everything that is needed to judge the crash state on another machine.
#include "harness/report/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "harness/base/error.h"
#include "harness/base/temporary_directory.h"
#include "harness/report/archive.h"
#include "harness/report/history_json.h"
#include "harness/report/report_json.h"
#include "harness/report/sample_run_for_test.h"

namespace crashpoint::report {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using trace::ImageEntry;

Bundle sample_bundle() {
  Bundle bundle;
  bundle.result = sample_violation();
  bundle.version = "0.1.0";
  bundle.target = "redis 7.0.15";
  bundle.scenario = "{\"version\": 1}\n";
  bundle.crash_state = "power loss at position 4711: the entry of dump.rdb is lost";
  bundle.guarantee = {oracle::Guarantee::Kind::kBuffered, 2, true};
  bundle.crash = {4711, 99};
  bundle.history.began_ns = 1;
  bundle.history.operations.resize(3);
  bundle.history.operations[0].arguments = {"SET", std::string("\0\xff", 2), "v"};
  bundle.base.entries[{0, "old"}] = {std::string("value"), std::nullopt};
  bundle.image["appendonlydir"] = {ImageEntry::Kind::kDirectory, 0755, "", 0};
  bundle.image["appendonlydir/a.aof"] = {ImageEntry::Kind::kFile, 0600, std::string("\0torn", 5),
                                         1};
  bundle.image["link"] = {ImageEntry::Kind::kSymlink, 0777, "nowhere", 0};
  bundle.recovery_log = "Bad file format\n";
  return bundle;
}

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class BundleTest : public testing::Test {
 protected:
  std::string refusal(const fs::path& folder) const {
    try {
      (void)read_bundle(folder);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "read";
  }

  TemporaryDirectory temp_;
  fs::path folder_ = temp_.path() / "bundles" / "b";
};

TEST_F(BundleTest, IsReadBackWhole) {
  const Bundle written = sample_bundle();
  write_bundle(written, folder_);
  const Bundle read = read_bundle(folder_);
  EXPECT_EQ(encode_case(read.result), encode_case(written.result));
  EXPECT_EQ(read.version, written.version);
  EXPECT_EQ(read.target, written.target);
  EXPECT_EQ(read.scenario, written.scenario);
  EXPECT_EQ(read.crash_state, written.crash_state);
  EXPECT_EQ(read.guarantee, written.guarantee);
  EXPECT_EQ(read.crash.position, 4711U);
  EXPECT_EQ(read.crash.at_ns, 99);
  EXPECT_EQ(encode_history(read.history), encode_history(written.history));
  EXPECT_EQ(encode_state(read.base), encode_state(written.base));
  EXPECT_EQ(read.recovery_log, written.recovery_log);
  ASSERT_EQ(read.image.size(), 3U);
  EXPECT_EQ(read.image.at("appendonlydir/a.aof").content, std::string("\0torn", 5));
  EXPECT_EQ(read.image.at("appendonlydir/a.aof").mode, 0600U);
  EXPECT_EQ(read.image.at("link").content, "nowhere");
}

TEST_F(BundleTest, OfAnyProgramHasItsDumps) {
  Bundle bundle = sample_bundle();
  bundle.path = "/dev/shm/x/data";
  bundle.dumps = {.expected = {std::string("a\0\xff", 3), "b\n"},
                  .acks = {{.position = 12, .at_ns = 5, .what = "line \"ok\""}},
                  .began_ns = 4,
                  .passing = {{.dump = "half\n", .acked = 1}}};
  write_bundle(bundle, folder_);
  const Bundle read = read_bundle(folder_);
  EXPECT_EQ(read.path, bundle.path);
  ASSERT_TRUE(read.dumps.has_value());
  EXPECT_EQ(read.dumps->expected, bundle.dumps->expected);
  EXPECT_EQ(read.dumps->began_ns, 4);
  ASSERT_EQ(read.dumps->acks.size(), 1U);
  EXPECT_EQ(read.dumps->acks[0].position, 12U);
  EXPECT_EQ(read.dumps->acks[0].what, "line \"ok\"");
  EXPECT_EQ(read.dumps->passing.at(0).dump, "half\n");
}

TEST_F(BundleTest, CrashAtTheEndOfTheHistoryIsReadBack) {
  Bundle bundle = sample_bundle();
  bundle.crash = {};
  write_bundle(bundle, folder_);
  const oracle::CrashMoment crash = read_bundle(folder_).crash;
  EXPECT_EQ(crash.position, oracle::CrashMoment{}.position);
  EXPECT_EQ(crash.at_ns, oracle::CrashMoment{}.at_ns);
}

TEST_F(BundleTest, CanBePackedIntoOneFile) {
  write_bundle(sample_bundle(), folder_);
  pack(folder_, temp_.path() / "b.tar.zst");
  fs::create_directory(temp_.path() / "there");
  const Bundle read = read_bundle(unpack(temp_.path() / "b.tar.zst", temp_.path() / "there"));
  EXPECT_EQ(read.image.at("appendonlydir/a.aof").content, std::string("\0torn", 5));
}

TEST_F(BundleTest, ReadmeSaysWhatIsWrongAndHowToSeeIt) {
  write_bundle(sample_bundle(), folder_);
  const std::string text = content(folder_ / "README.txt");
  EXPECT_THAT(text, HasSubstr("target redis 7.0.15, found by crashpoint 0.1.0"));
  EXPECT_THAT(text, HasSubstr("  found      31 acknowledged commands are gone"));
  EXPECT_THAT(text, HasSubstr("crash state: power loss at position 4711"));
  EXPECT_THAT(text, HasSubstr("\n    crashpoint reproduce .\n"));
}

TEST_F(BundleTest, IsWrittenAtomically) {
  std::ofstream(temp_.path() / "bundles") << "a file where the folder should be";
  EXPECT_THROW(write_bundle(sample_bundle(), folder_), EnvironmentError);
  EXPECT_EQ(std::distance(fs::directory_iterator(temp_.path()), fs::directory_iterator()), 1);
}

TEST_F(BundleTest, MissingOrDamagedFileIsNamed) {
  EXPECT_THAT(refusal(folder_), HasSubstr("bundle.json: cannot be read; a bundle is a directory"));
  write_bundle(sample_bundle(), folder_);
  fs::remove(folder_ / "scenario.json");
  EXPECT_THAT(refusal(folder_), HasSubstr("scenario.json: cannot be read"));
  std::ofstream(folder_ / "history.jsonl") << "{]";
  EXPECT_THAT(refusal(folder_), HasSubstr("history.jsonl: line 1: "));
  std::ofstream(folder_ / "bundle.json") << "{\"format\": \"other\"}";
  EXPECT_THAT(refusal(folder_),
              HasSubstr("bundle.json: the key \"format\" is not \"crashpoint-bundle\""));
}

TEST(BundleName, IsAPlainNameAndDistinctForEachCase) {
  CaseResult a = sample_pass();
  a.name = "aof/x[nth=1,mode=a b]";
  CaseResult b = a;
  b.name = "aof-x[nth=1,mode=a/b]";
  EXPECT_THAT(bundle_name(a), testing::StartsWith("aof-x-nth=1,mode=a-b--"));
  EXPECT_NE(bundle_name(a), bundle_name(b));
  EXPECT_EQ(bundle_name(a), bundle_name(a));
  a.name = std::string(5000, '/');
  EXPECT_LT(bundle_name(a).size(), 120U);
}

}  // namespace
}  // namespace crashpoint::report
