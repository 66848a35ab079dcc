// SIGTERM and SIGINT ask for a shutdown; they wake the loop, which looks here once per turn.
#pragma once

#include <cstdint>

#include "engine/server/network/poller.h"

namespace engine::server {

// Installs the handlers; ignores SIGHUP and SIGPIPE. A second SIGINT, when the first has not ended
// the server, calls `last_resort` (async-signal-safe) and exits with 1 at once.
void install_signal_handlers(void (*last_resort)() noexcept);

// Wakes the loop when a signal has arrived: one that comes between the loop's look and its sleep
// would else wait for cron.
class ShutdownEvent final : public EventHandler {
 public:
  static int fd();  // after install_signal_handlers()
  void on_ready(std::uint32_t events) override;
};

// In a forked child: signals end it again as they end any process.
void restore_default_signals();

// SIGINT or SIGTERM if one has arrived since the last call, else 0.
int take_shutdown_signal();

// The shutdown asked for could not be done and the server lives on: the next signal is a first one.
void forget_shutdown_signal();

}  // namespace engine::server
