#include "engine/server/offline.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "engine/aof/replay_target.h"
#include "engine/base/clock.h"
#include "engine/commands/dispatch/executor.h"
#include "engine/commands/services/server_control.h"
#include "engine/keyspace/effect.h"
#include "engine/keyspace/keyspace.h"
#include "engine/persistence/check.h"
#include "engine/persistence/recovery_server.h"
#include "engine/server/settings.h"
#include "engine/server/value_codec.h"

namespace engine::server {
namespace {

// Executes logged commands on a keyspace. A replay needs no server and logs nothing: whatever a
// command asks of the server is refused.
class Replayer final : public aof::ReplayTarget,
                       private keyspace::EffectLog,
                       private commands::ServerControl {
 public:
  Replayer(keyspace::Keyspace& keyspace, const commands::CommandNames& names)
      : executor_(keyspace, *this, *this, codec_, clock_) {
    executor_.names() = names;
  }

  keyspace::Replayed replay(int db, std::span<const std::string_view> argv) override {
    return executor_.replay(db, argv);
  }

 private:
  static tl::unexpected<Error> no_server() { return fail("ERR there is no server"); }

  void log_step(std::span<const keyspace::Effect>, std::uint64_t) override {}
  std::string_view loading_refusal() override { return {}; }
  std::string_view write_refusal() override { return {}; }
  std::size_t used_memory_bytes() override { return 0; }
  bool may_evict() override { return false; }
  std::string_view debug_refusal(const commands::Session&) override { return {}; }
  LatencyMonitor& latency() override { return latency_; }
  std::string_view password() override { return {}; }
  std::vector<std::pair<std::string, std::string>> config_get(
      std::span<const std::string_view>) override {
    return {};
  }
  Status config_set(std::span<const std::pair<std::string_view, std::string_view>>, bool) override {
    return no_server();
  }
  Status config_rewrite() override { return no_server(); }
  void reset_statistics() override {}
  std::string info(std::span<const std::string_view>) override { return {}; }
  Status save() override { return no_server(); }
  Result<std::string> background_save(bool) override { return no_server(); }
  Result<std::string> rewrite_append_only_file(bool) override { return no_server(); }
  std::int64_t last_save_time_s() override { return 0; }
  void flushed_all() override {}
  Status shutdown(const commands::ShutdownOptions&) override { return no_server(); }
  Result<std::string> debug(std::span<const std::string_view>) override { return no_server(); }
  void for_each_session(const std::function<void(commands::Session&)>&) override {}
  void session_changed(commands::Session&) override {}
  void pause_clients(std::int64_t, bool) override {}
  void unpause_clients() override {}

  const SystemClock clock_;
  LatencyMonitor latency_{clock_};
  const RdbValueCodec codec_;
  commands::Executor executor_;
};

}  // namespace

int check(const Config& config, const commands::CommandNames& names) {
  keyspace::Keyspace keyspace(static_cast<int>(config.number("databases")));
  keyspace.limits = encoding_limits(config);
  Replayer target(keyspace, names);
  return persistence::check_directory(persistence_settings(config), keyspace, target, stdout);
}

int serve_recoveries(const Config& config, const commands::CommandNames& names) {
  const auto limits = encoding_limits(config);
  const auto make_target = [&limits, &names](keyspace::Keyspace& keyspace) {
    keyspace.limits = limits;
    return std::make_unique<Replayer>(keyspace, names);
  };
  const Status served = persistence::serve_recoveries(persistence_settings(config),
                                                      static_cast<int>(config.number("databases")),
                                                      make_target, STDIN_FILENO, STDOUT_FILENO);
  if (!served) {
    fmt::print(stderr, "recovery-server: {}\n", served.error().message);
  }
  return served ? 0 : 1;
}

}  // namespace engine::server
