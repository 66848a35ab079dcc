// For tests: a keyspace with a persistence of its own and the few commands that tests need.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock_for_test.h"
#include "engine/base/files_for_test.h"
#include "engine/keyspace/keyspace.h"
#include "engine/persistence/persistence.h"

namespace engine::persistence {

// SET, DEL and RPUSH on a keyspace.
class TestTarget final : public aof::ReplayTarget {
 public:
  explicit TestTarget(keyspace::Keyspace& keyspace) : keyspace_(keyspace) {}
  keyspace::Replayed replay(int db, std::span<const std::string_view> argv) override {
    keyspace::Database& database = keyspace_.database(db);
    if (argv[0] == "SET") {
      database.put(argv[1], keyspace::Object::string(argv[2]));
    } else if (argv[0] == "DEL") {
      database.erase(argv[1]);
    } else if (argv[0] == "PEXPIREAT") {
      if (keyspace::KeyEntry* entry = database.find(argv[1])) {
        database.set_expire(*entry, std::stoll(std::string(argv[2])));
      }
    } else if (argv[0] == "RPUSH") {
      keyspace::KeyEntry* entry = database.find(argv[1]);
      if (entry == nullptr) {
        entry =
            &database.insert(argv[1], keyspace::Object::list(std::make_unique<keyspace::List>()));
      }
      for (const std::string_view element : argv.subspan(2)) {
        entry->object.list().push(keyspace::ListEnd::kBack, element, keyspace_.limits);
      }
    } else {
      return keyspace::Replayed::kUnknown;
    }
    return keyspace::Replayed::kDone;
  }

 private:
  keyspace::Keyspace& keyspace_;
};

using Command = std::vector<std::string>;

class TestEngine {
 public:
  TestEngine(const std::string& directory, Settings settings, const Clock& clock)
      : target(keyspace),
        latency(clock),
        persistence(with_directory(std::move(settings), directory), keyspace, target, clock, log,
                    latency, Callbacks{}) {}

  // Executes commands as one atomic step on database `db`, as a client's transaction would be.
  void step(const std::vector<Command>& commands, int db = 0) {
    std::vector<std::vector<std::string_view>> views;
    std::vector<keyspace::Effect> effects;
    for (const Command& command : commands) {
      views.emplace_back(command.begin(), command.end());
    }
    for (const std::vector<std::string_view>& argv : views) {
      ASSERT_EQ(target.replay(db, argv), keyspace::Replayed::kDone) << argv[0];
      effects.push_back({db, argv});
    }
    persistence.log_step(effects, commands.size());
  }
  // A step of one SET, and the end of its turn: what a client then has acknowledged.
  void set(const std::string& key, const std::string& value, int db = 0) {
    step({{"SET", key, value}}, db);
    ASSERT_TRUE(persistence.before_sleep());
  }

  // "key" or "db:key" of other databases -> value; lists as "[a,b]".
  std::map<std::string, std::string> state() const {
    std::map<std::string, std::string> all;
    for (int db = 0; db < keyspace.count(); ++db) {
      keyspace.database(db).for_each(
          [&](std::string_view key, const keyspace::Object& value, std::int64_t) {
            std::string name = db == 0 ? "" : std::to_string(db) + ":";
            name += key;
            if (value.type() == keyspace::Type::kString) {
              all[name] = value.text().str();
            } else if (value.type() == keyspace::Type::kList) {
              std::string text = "[";
              value.list().for_each([&](std::string_view element) {
                text += text.size() > 1 ? "," : "";
                text += element;
              });
              all[name] = text + "]";
            } else {
              all[name] = std::string(value.encoding_name());
            }
          });
    }
    return all;
  }

  keyspace::Keyspace keyspace;
  TestTarget target;
  KeptLog log;
  LatencyMonitor latency;
  Persistence persistence;

 private:
  static Settings with_directory(Settings settings, const std::string& directory) {
    settings.directory = directory;
    return settings;
  }
};

// All files below `directory` but those that are only locked.
inline std::vector<std::string> data_files(const TempDirectory& directory) {
  std::vector<std::string> names = directory.files();
  std::erase_if(names, [](const std::string& name) { return name.ends_with(".lock"); });
  return names;
}

// A directory and the engines that are started in it, one after another.
class EngineTest : public ::testing::Test {
 protected:
  static Settings aof_settings(FsyncPolicy policy = FsyncPolicy::kAlways) {
    Settings settings;
    settings.appendonly = true;
    settings.appendfsync = policy;
    settings.save.clear();
    return settings;
  }
  static Settings rdb_settings() {
    Settings settings;
    settings.save.clear();
    return settings;
  }
  std::unique_ptr<TestEngine> make(const Settings& settings) {
    return std::make_unique<TestEngine>(directory_.path(), settings, clock());
  }
  std::unique_ptr<TestEngine> start(const Settings& settings) {
    std::unique_ptr<TestEngine> engine = make(settings);
    const Status recovered = engine->persistence.recover();
    EXPECT_TRUE(recovered) << recovered.error().message;
    return engine;
  }
  // Starts another engine in the place of `engine`, which ends as by a kill.
  void restart(std::unique_ptr<TestEngine>& engine) {
    const Settings settings = engine->persistence.settings();
    engine.reset();
    engine = start(settings);
  }
  // Why a start is refused. Refusing changes no file, and is repeated at the next start.
  std::string refusal(const Settings& settings) {
    const std::map<std::string, std::string> before = contents();
    std::string reason;
    for (int attempt = 1; attempt <= 2; ++attempt) {
      std::unique_ptr<TestEngine> engine = make(settings);
      const Status recovered = engine->persistence.recover();
      EXPECT_FALSE(recovered) << "it starts at attempt " << attempt;
      if (recovered) {
        return "";
      }
      EXPECT_TRUE(attempt == 1 || reason == recovered.error().message);
      reason = recovered.error().message;
      EXPECT_EQ(engine->log.lines.back(), reason) << "the reason is the last line of the log";
    }
    EXPECT_EQ(contents(), before) << "refusing has changed files";
    return reason;
  }
  std::map<std::string, std::string> contents() const {
    std::map<std::string, std::string> all;
    for (const std::string& name : directory_.files()) {
      all[name] = read_test_file(directory_.file(name));
    }
    return all;
  }
  static void wait_for_child(TestEngine& engine) {
    while (engine.persistence.has_child()) {
      wait_for_event(engine);
    }
  }
  static void wait_for_event(TestEngine& engine) {
    pollfd ready = {engine.persistence.event_fd(), POLLIN, 0};
    ASSERT_GT(::poll(&ready, 1, 20'000), 0) << "nothing happens";
    ASSERT_TRUE(engine.persistence.on_event());
  }
  std::string aof_file(const std::string& name) const {
    return directory_.file("appendonlydir/" + name);
  }
  virtual const Clock& clock() const { return system_clock_; }

  TempDirectory directory_;
  SystemClock system_clock_;
};

}  // namespace engine::persistence
