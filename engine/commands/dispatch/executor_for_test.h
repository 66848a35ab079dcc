// For tests: an Executor with everything it needs, which takes command lines as its input.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/clock_for_test.h"
#include "engine/base/memory.h"
#include "engine/base/text.h"
#include "engine/commands/dispatch/executor.h"

namespace engine::commands {

// Keeps each step as text: "0:SET a 1", several effects joined by " | ".
class KeptEffects final : public keyspace::EffectLog {
 public:
  void log_step(std::span<const keyspace::Effect> effects_of_step, std::uint64_t changes) override {
    std::string step;
    std::vector<std::pair<int, std::vector<std::string>>> effects;
    for (const keyspace::Effect& effect : effects_of_step) {
      step += step.empty() ? "" : " | ";
      step += std::to_string(effect.db) + ":";
      for (std::size_t i = 0; i < effect.argv.size(); ++i) {
        step += (i == 0 ? "" : " ") + std::string(effect.argv[i]);
      }
      argvs.emplace_back(effect.db,
                         std::vector<std::string>(effect.argv.begin(), effect.argv.end()));
    }
    steps.push_back(std::move(step));
    total_changes += changes;
  }

  std::vector<std::string> steps;
  std::vector<std::pair<int, std::vector<std::string>>> argvs;
  std::uint64_t total_changes = 0;
};

// A server that permits everything and does nothing; a test sets what must be refused.
class QuietServer final : public ServerControl {
 public:
  std::string_view loading_refusal() override { return loading; }
  std::string_view write_refusal() override { return write_error; }
  std::size_t used_memory_bytes() override { return used_memory.value_or(memory::used_bytes()); }
  bool may_evict() override { return loading.empty(); }
  std::string_view debug_refusal(const Session&) override { return ""; }
  LatencyMonitor& latency() override { return latency_monitor; }
  std::string_view password() override { return required_password; }
  std::vector<std::pair<std::string, std::string>> config_get(
      std::span<const std::string_view>) override {
    return {};
  }
  Status config_set(std::span<const std::pair<std::string_view, std::string_view>>, bool) override {
    return {};
  }
  Status config_rewrite() override { return {}; }
  void reset_statistics() override {}
  std::string info(std::span<const std::string_view>) override { return "# Server\r\n"; }
  Status save() override { return {}; }
  Result<std::string> background_save(bool schedule) override {
    return schedule ? "Background saving scheduled" : "Background saving started";
  }
  Result<std::string> rewrite_append_only_file(bool) override {
    return "Background append only file rewriting started";
  }
  std::int64_t last_save_time_s() override { return 0; }
  void flushed_all() override {}
  Status shutdown(const ShutdownOptions&) override { return {}; }
  Result<std::string> debug(std::span<const std::string_view>) override { return "OK"; }
  void for_each_session(const std::function<void(Session&)>& fn) override {
    for (Session* session : sessions) {
      fn(*session);
    }
  }
  void session_changed(Session& session) override { changed.push_back(&session); }
  void pause_clients(std::int64_t, bool) override {}
  void unpause_clients() override {}

  ManualClock clock;
  LatencyMonitor latency_monitor{clock};
  std::string loading;
  std::string write_error;
  std::optional<std::size_t> used_memory;  // none: what is used
  std::string required_password;
  std::vector<Session*> sessions;
  std::vector<Session*> changed;
};

// Payloads are names for values kept here.
class KeepingCodec final : public ValueCodec {
 public:
  std::string dump(const keyspace::Object& value) const override {
    kept_.push_back(std::make_unique<keyspace::Object>(value.clone()));
    return "payload-" + std::to_string(kept_.size() - 1);
  }
  Result<keyspace::Object> restore(std::string_view payload,
                                   const keyspace::EncodingLimits&) const override {
    constexpr std::string_view kPrefix = "payload-";
    const auto index =
        payload.starts_with(kPrefix) ? parse_int64(payload.substr(kPrefix.size())) : std::nullopt;
    if (!index) {
      return fail("ERR DUMP payload version or checksum are wrong");
    }
    return kept_.at(static_cast<std::size_t>(*index))->clone();
  }

 private:
  mutable std::vector<std::unique_ptr<keyspace::Object>> kept_;
};

class TestExecutor {
 public:
  TestExecutor() : executor(keyspace, effects, server, codec, clock) {}
  ~TestExecutor() {
    for (const auto& session : sessions_) {
      executor.forget(*session);
    }
  }
  TestExecutor(const TestExecutor&) = delete;
  TestExecutor& operator=(const TestExecutor&) = delete;

  Session& connect() {
    sessions_.push_back(std::make_unique<Session>(sessions_.size() + 1));
    Session& session = *sessions_.back();
    session.authenticated = server.required_password.empty();
    server.sessions.push_back(&session);
    return session;
  }
  // Executes, and returns what the session was sent, taken out of its output.
  std::string run(Session& session, const std::vector<std::string>& words) {
    const std::vector<std::string_view> argv(words.begin(), words.end());
    executor.begin_turn();
    executor.execute(session, argv);
    return take_output(session);
  }
  // The words of a line as redis-cli reads them.
  std::string run(Session& session, std::string_view line) {
    return run(session, split_words(line).value());
  }
  std::string run(std::string_view line) { return run(default_session(), line); }
  std::string take_output(Session& session) {
    std::string sent(session.output.view());
    session.output.clear();
    return sent;
  }
  Session& default_session() {
    if (default_session_ == nullptr) {
      default_session_ = &connect();
    }
    return *default_session_;
  }

  keyspace::Keyspace keyspace;
  KeptEffects effects;
  QuietServer server;
  KeepingCodec codec;
  ManualClock clock;
  Executor executor;

 private:
  std::vector<std::unique_ptr<Session>> sessions_;
  Session* default_session_ = nullptr;
};

}  // namespace engine::commands
