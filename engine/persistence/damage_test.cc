// Every file that a start reads, damaged at every byte: a bit flipped, the file cut there, a byte
// inserted. Whatever the damage, the start neither crashes nor hangs, and
//   - where it refuses, it says why and has changed nothing;
//   - where it starts, it does not invent keys, and the next start gives the same state;
//   - `--check` has said beforehand which of the two it will be.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <ostream>
#include <string>

#include "engine/persistence/check.h"
#include "engine/persistence/engine_for_test.h"

namespace engine::persistence {
namespace {

using State = std::map<std::string, std::string>;
using Files = std::map<std::string, std::string>;

const State kWhole = {{"a", "1"}, {"b", "[2,3]"}, {"c", "4"}};

struct DamageCase {
  const char* name;
  const char* file;
  bool appendonly;
  bool checksum;
  bool any_state_of_ours;  // a start shows whole values only: a checksum covers each
};

void PrintTo(const DamageCase& c, std::ostream* out) {
  *out << c.name;
}

class Damage : public EngineTest, public ::testing::WithParamInterface<DamageCase> {
 protected:
  Settings settings() const {
    Settings settings = GetParam().appendonly ? aof_settings() : rdb_settings();
    settings.aof_checksum = GetParam().checksum;
    settings.aof_use_rdb_preamble = std::string_view(GetParam().file).ends_with(".rdb");
    return settings;
  }
  // a in the base, b and c in the increment; all of it in the snapshot.
  Files make_files() {
    auto engine = start(settings());
    engine->set("a", "1");
    if (GetParam().appendonly) {
      EXPECT_TRUE(engine->persistence.bgrewriteaof(false));
      wait_for_child(*engine);
    }
    engine->step({{"RPUSH", "b", "2", "3"}, {"SET", "c", "4"}});
    EXPECT_TRUE(engine->persistence.before_sleep());
    if (!GetParam().appendonly) {
      EXPECT_TRUE(engine->persistence.save());
    }
    engine.reset();
    return contents();
  }
  void lay_out(const Files& files) const {
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      std::filesystem::remove_all(entry.path());
    }
    for (const auto& [name, text] : files) {
      std::filesystem::create_directories(
          std::filesystem::path(directory_.file(name)).parent_path());
      write_test_file(directory_.file(name), text);
    }
  }
  bool check_says_good() const {
    keyspace::Keyspace keyspace;
    TestTarget target(keyspace);
    Settings checked = settings();
    checked.directory = directory_.path();
    std::FILE* out = std::fopen("/dev/null", "w");
    const int exit_code = check_directory(checked, keyspace, target, out);
    std::fclose(out);
    return exit_code == 0;
  }
  void expect_sound_start(const Files& files);
};

void Damage::expect_sound_start(const Files& files) {
  lay_out(files);
  const bool good = check_says_good();
  ASSERT_EQ(contents(), files) << "--check has changed files";
  auto engine = make(settings());
  const Status recovered = engine->persistence.recover();
  ASSERT_EQ(recovered.has_value(), good) << "--check said otherwise";
  if (!recovered) {
    EXPECT_FALSE(recovered.error().message.empty());
    EXPECT_EQ(engine->log.lines.back(), recovered.error().message);
    engine.reset();
    EXPECT_EQ(contents(), files) << "refusing has changed files";
    return;
  }
  const State state = engine->state();
  if (GetParam().any_state_of_ours) {
    for (const auto& [key, value] : state) {
      ASSERT_TRUE(kWhole.contains(key) && kWhole.at(key) == value) << key << " = " << value;
    }
    EXPECT_EQ(state.contains("b"), state.contains("c")) << "half a transaction";
  }
  restart(engine);
  EXPECT_EQ(engine->state(), state) << "the second start gives another state";
}

TEST_P(Damage, AtAnyByteIsRefusedOrSurvived) {
  const Files whole = make_files();
  ASSERT_TRUE(whole.contains(GetParam().file)) << "the damaged file is not there";
  const std::string text = whole.at(GetParam().file);
  expect_sound_start(whole);
  for (std::size_t at = 0; at < text.size() && !HasFailure(); ++at) {
    SCOPED_TRACE("byte " + std::to_string(at) + " of " + std::to_string(text.size()));
    Files files = whole;
    std::string& damaged = files[GetParam().file];
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    expect_sound_start(files);
    damaged = text.substr(0, at);
    expect_sound_start(files);
    damaged = text.substr(0, at) + static_cast<char>('0' + at % 10) + text.substr(at);
    expect_sound_start(files);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, Damage,
    ::testing::Values(
        DamageCase{"Snapshot", "dump.rdb", false, true, true},
        DamageCase{"RdbBase", "appendonlydir/appendonly.aof.2.base.rdb", true, true, true},
        DamageCase{"CommandBase", "appendonlydir/appendonly.aof.2.base.aof", true, true, true},
        DamageCase{"Increment", "appendonlydir/appendonly.aof.2.incr.aof", true, true, true},
        DamageCase{"IncrementWithoutChecksums", "appendonlydir/appendonly.aof.2.incr.aof", true,
                   false, false},
        DamageCase{"Manifest", "appendonlydir/appendonly.aof.manifest", true, true, true}),
    [](const auto& damage) { return damage.param.name; });

}  // namespace
}  // namespace engine::persistence
