#include "engine/server/server.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "engine/base/memory.h"
#include "engine/io/failpoint.h"
#include "engine/server/process_title.h"
#include "engine/server/settings.h"

namespace engine::server {
namespace {

constexpr std::int64_t kSampleMs = 100;

// For the signal handler.
persistence::Persistence* g_persistence = nullptr;

commands::ShutdownOptions options_on_signal(const std::string& words) {
  const auto has = [&words](std::string_view word) {
    return (" " + words + " ").find(" " + std::string(word) + " ") != std::string::npos;
  };
  commands::ShutdownOptions options;
  if (has("save")) {
    options.save = commands::ShutdownOptions::Save::kYes;
  } else if (has("nosave")) {
    options.save = commands::ShutdownOptions::Save::kNo;
  }
  options.now = has("now");
  options.force = has("force");
  return options;
}

persistence::ShutdownOptions for_persistence(const commands::ShutdownOptions& options) {
  using From = commands::ShutdownOptions::Save;
  using To = persistence::ShutdownOptions::Save;
  persistence::ShutdownOptions result;
  result.force = options.force;
  if (options.save != From::kByConfig) {
    result.save = options.save == From::kYes ? To::kYes : To::kNo;
  }
  return result;
}

}  // namespace

int Server::run() {
  g_persistence = &persistence_;
  install_signal_handlers([]() noexcept { g_persistence->remove_temp_files_now(); });
  if (Status fitted = fit_descriptor_limit(); !fitted) {
    log_.warning("{}", fitted.error().message);
    return 1;
  }
  take_effect();
  if (Status opened = open_sockets(); !opened) {
    log_.warning("{}", opened.error().message);
    return 1;
  }
  prepare_process();
  log_start();
  if (!persistence_.recover()) {
    return 1;
  }
  log_ready();
  while (!stopping_) {
    turn();
  }
  remove_own_files();
  log_.warning("Redis is now ready to exit, bye bye...");
  return 0;
}

// One turn of the loop. Requests are executed, then what they did is logged, and synced as appendfsync says
// (Persistence::before_sleep), and only then their replies are sent.
void Server::turn() {
  ENGINE_CHECK(!persistence_.loading() && connections_.current() == nullptr);
  poller_.wait(milliseconds_to_wait());
  executor_.begin_turn();
  connections_.begin_turn();
  poller_.dispatch();
  if (io::failpoint("planted/reply-before-append") != 0) {  // here: cron may write the log too
    connections_.send_replies();
  }
  cron_if_due();
  obey_signal();
  executor_.before_sleep();
  connections_.run_changed();
  // A shutdown has made everything durable and closed the log.
  if (!stopping_) {
    must_be_durable(persistence_.before_sleep());
  }
  hold_unlogged_replies();
  connections_.send_replies();
}

// With a full disk, under everysec or no: steps that were executed and could not be logged are
// acknowledged once they are logged. Later writes are refused (write_refusal()).
void Server::hold_unlogged_replies() {
  const bool must_wait = persistence_.must_hold_replies();
  if (must_wait == replies_held_) {
    return;
  }
  replies_held_ = must_wait;
  if (must_wait) {
    connections_.hold_unlogged_replies();
  } else {
    connections_.release_replies();
  }
}

// A turn in the middle of a load: clients get -LOADING, and nothing is written that would have to
// be durable.
void Server::serve_while_loading() {
  if (connections_.current() != nullptr) {
    return;  // DEBUG RELOAD: its client's command is still being executed
  }
  poller_.wait(0);
  executor_.begin_turn();
  connections_.begin_turn();
  poller_.dispatch();
  connections_.run_changed();
  connections_.send_replies();
  obey_signal();
}

int Server::milliseconds_to_wait() const {
  if (executor_.is_evicting()) {
    return 0;
  }
  const std::int64_t now_ms = clock_.monotonic_us() / 1000;
  std::int64_t next_ms = std::min(next_cron_ms_, next_sample_ms_);
  if (const std::int64_t timeout_ms = executor_.next_timeout_ms(); timeout_ms >= 0) {
    next_ms = std::min(next_ms, timeout_ms);
  }
  return static_cast<int>(std::max<std::int64_t>(next_ms - now_ms, 0));
}

void Server::cron_if_due() {
  const std::int64_t now_ms = clock_.monotonic_us() / 1000;
  if (now_ms >= next_sample_ms_) {
    next_sample_ms_ = now_ms + kSampleMs;
    sample_figures();
    if (!cron_paused_) {
      must_be_durable(persistence_.cron());
    }
  }
  if (now_ms >= next_cron_ms_) {
    next_cron_ms_ = now_ms + cron_period_ms_;
    if (!cron_paused_) {
      executor_.cron();
      connections_.cron();
    }
  }
}

void Server::sample_figures() {
  const std::int64_t now_ms = clock_.monotonic_us() / 1000;
  figures_.commands.sample(executor_.statistics().commands_processed, now_ms);
  figures_.input.sample(connections_.statistics.input_bytes, now_ms);
  figures_.output.sample(connections_.statistics.output_bytes, now_ms);
  figures_.resident_bytes = resident_bytes();
  figures_.buffer_bytes = connections_.buffer_figures().total_bytes;
  figures_.peak_memory_bytes =
      std::max(figures_.peak_memory_bytes, server::used_memory_bytes(figures_));
}

void Server::on_ready(std::uint32_t) {
  must_be_durable(persistence_.on_event());
}

void Server::must_be_durable(const Status& done) const {
  if (!done) {
    exit_now(1);
  }
}

// The cron's business, as in redis-server: while it is paused a shutdown can still be aborted.
void Server::obey_signal() {
  if (cron_paused_) {
    return;
  }
  const int signal = take_shutdown_signal();
  if (signal == 0) {
    return;
  }
  const bool interrupted = signal == SIGINT;
  if (persistence_.loading()) {
    log_.warning("Received shutdown signal during loading, exiting now.");
    exit_now(0);
  }
  log_.warning("Received {} scheduling shutdown...", interrupted ? "SIGINT" : "SIGTERM");
  const auto& words = config_.text(interrupted ? "shutdown-on-sigint" : "shutdown-on-sigterm");
  if (!try_shutdown(options_on_signal(words))) {
    forget_shutdown_signal();
  }
}

Status Server::try_shutdown(const commands::ShutdownOptions& options) {
  log_.warning("User requested shutdown...");
  if (Status done = persistence_.prepare_shutdown(for_persistence(options)); !done) {
    log_.warning("Errors trying to shut down the server. Check the logs for more information.");
    return done;
  }
  tell_supervisor("STOPPING=1\n");
  stopping_ = true;
  connections_.halt();
  return {};
}

void Server::remove_own_files() const {
  if (const std::string& path = config_.text("pidfile"); !path.empty()) {
    log_.notice("Removing the pid file.");
    static_cast<void>(::unlink(path.c_str()));
  }
  if (unix_listener_) {
    log_.notice("Removing the unix socket file.");
    static_cast<void>(::unlink(config_.text("unixsocket").c_str()));
  }
}

void Server::exit_now(int status) const {
  remove_own_files();
  std::_Exit(status);
}

void Server::become_child(std::string_view purpose) {
  restore_default_signals();
  for (const auto& listener : tcp_listeners_) {
    static_cast<void>(::close(listener->fd()));
  }
  if (unix_listener_) {
    static_cast<void>(::close(unix_listener_->fd()));
  }
  connections_.for_each_session(
      [](commands::Session& session) { static_cast<void>(::close(session.fd)); });
  set_process_title(title(purpose));
}

}  // namespace engine::server
