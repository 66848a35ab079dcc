#include "engine/server/signals.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "engine/base/check.h"

namespace engine::server {
namespace {

volatile std::sig_atomic_t g_arrived = 0;
volatile std::sig_atomic_t g_asked_before = 0;
int g_event_fd = -1;
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
  const int interrupted_errno = errno;
  constexpr std::uint64_t kOne = 1;
  static_cast<void>(::write(g_event_fd, &kOne, sizeof(kOne)));
  errno = interrupted_errno;
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
  g_event_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  ENGINE_CHECK(g_event_fd >= 0);
  handle(SIGHUP, SIG_IGN);
  handle(SIGPIPE, SIG_IGN);
  handle(SIGTERM, on_shutdown_signal);
  handle(SIGINT, on_shutdown_signal);
}

int ShutdownEvent::fd() {
  return g_event_fd;
}

void ShutdownEvent::on_ready(std::uint32_t /*events*/) {
  std::uint64_t count = 0;
  static_cast<void>(::read(g_event_fd, &count, sizeof(count)));
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
