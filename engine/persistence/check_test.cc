#include "engine/persistence/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "engine/persistence/engine_for_test.h"

namespace engine::persistence {
namespace {

using ::testing::HasSubstr;

class CheckTest : public EngineTest {
 protected:
  struct Verdict {
    int exit_code = 0;
    std::string text;
  };
  Verdict check() const {
    keyspace::Keyspace keyspace;
    TestTarget target(keyspace);
    Settings settings = aof_settings();
    settings.directory = directory_.path();
    const auto before = contents();
    char* text = nullptr;
    std::size_t size = 0;
    std::FILE* out = ::open_memstream(&text, &size);
    Verdict verdict;
    verdict.exit_code = check_directory(settings, keyspace, target, out);
    std::fclose(out);
    verdict.text.assign(text, size);
    std::free(text);
    EXPECT_EQ(contents(), before) << "it has changed files";
    return verdict;
  }
};

TEST_F(CheckTest, AnEmptyDirectoryWouldStart) {
  EXPECT_EQ(check().exit_code, 0);
}

TEST_F(CheckTest, GoodFilesWouldStart) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.save());
  engine.reset();
  const Verdict verdict = check();
  EXPECT_EQ(verdict.exit_code, 0);
  EXPECT_THAT(verdict.text, HasSubstr("GOOD: 1 keys would be loaded"));
}

TEST_F(CheckTest, ATornTailIsNamedAndWouldStart) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  engine.reset();
  std::string increment = read_test_file(aof_file("appendonly.aof.1.incr.aof"));
  increment.pop_back();
  write_test_file(aof_file("appendonly.aof.1.incr.aof"), increment);
  const Verdict verdict = check();
  EXPECT_EQ(verdict.exit_code, 0);
  EXPECT_THAT(verdict.text, HasSubstr("it ends inside a command"));
}

TEST_F(CheckTest, DamageIsNamedWithItsPlace) {
  auto engine = start(aof_settings());
  engine->set("a", "1");
  ASSERT_TRUE(engine->persistence.cron());
  ASSERT_TRUE(engine->persistence.save());
  engine.reset();
  std::string increment = read_test_file(aof_file("appendonly.aof.1.incr.aof"));
  increment[80] = static_cast<char>(increment[80] ^ 1);
  write_test_file(aof_file("appendonly.aof.1.incr.aof"), increment);
  const Verdict verdict = check();
  EXPECT_EQ(verdict.exit_code, 1);
  EXPECT_THAT(verdict.text, HasSubstr("REFUSED: The append only file"));
  EXPECT_THAT(verdict.text, HasSubstr("checksum mismatch"));
  EXPECT_THAT(verdict.text, HasSubstr("GOOD: 1 keys would be loaded")) << "the snapshot";
}

TEST_F(CheckTest, ADirectoryThatIsNoneIsRefused) {
  keyspace::Keyspace keyspace;
  TestTarget target(keyspace);
  Settings settings;
  settings.directory = directory_.file("missing");
  std::FILE* out = std::fopen("/dev/null", "w");
  EXPECT_EQ(check_directory(settings, keyspace, target, out), 1);
  std::fclose(out);
}

}  // namespace
}  // namespace engine::persistence
