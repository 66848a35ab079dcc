#include "engine/server/signals.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

namespace engine::server {
namespace {

volatile std::sig_atomic_t g_arrived = 0;
volatile std::sig_atomic_t g_asked_before = 0;
void (*g_last_resort)() noexcept = nullptr;

void on_shutdown_signal(int signal) {
  if (signal == SIGINT && g_asked_before != 0) {
    constexpr char kGoodbye[] = "You insist... exiting now.\n";
    static_cast<void>(::write(STDOUT_FILENO, kGoodbye, sizeof(kGoodbye) - 1));
    g_last_resort();
    ::_exit(1);
  }
  g_asked_before = 1;
  g_arrived = signal;
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void install_signal_handlers(void (*last_resort)() noexcept) {
  g_last_resort = last_resort;
  handle(SIGHUP, SIG_IGN);
  handle(SIGPIPE, SIG_IGN);
  handle(SIGTERM, on_shutdown_signal);
  handle(SIGINT, on_shutdown_signal);
}

void restore_default_signals() {
  handle(SIGTERM, SIG_DFL);
  handle(SIGINT, SIG_IGN);  // a terminal's Ctrl-C reaches the children too; their parent ends them
}

int take_shutdown_signal() {
  const int signal = g_arrived;
  g_arrived = 0;
  return signal;
}

void forget_shutdown_signal() {
  g_asked_before = 0;
}

}  // namespace engine::server
