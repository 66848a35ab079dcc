// SIGTERM and SIGINT request a shutdown; they wake the loop, which checks for them once per turn.
#pragma once

#include <cstdint>

#include "engine/server/network/poller.h"

namespace engine::server {

// Installs the handlers; ignores SIGHUP and SIGPIPE. A second SIGINT, when the first has not ended
// the server, calls `last_resort` (async-signal-safe) and exits with 1 at once.
void install_signal_handlers(void (*last_resort)() noexcept);

// Wakes the loop when a signal has arrived: otherwise one that arrives between the check and the
// sleep would wait for cron.
class ShutdownEvent final : public EventHandler {
 public:
  static int fd();  // after install_signal_handlers()
  void on_ready(std::uint32_t events) override;
};

// In a forked child: restores the default actions.
void restore_default_signals();

// SIGINT or SIGTERM if one has arrived since the last call, otherwise 0.
int take_shutdown_signal();

// The requested shutdown failed and the server goes on: the next signal counts as the first.
void forget_shutdown_signal();

}  // namespace engine::server
