#include "harness/cli/interruption.h"

#include <csignal>
#include <initializer_list>

namespace crashpoint::cli {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

void on_signal(int /*signal*/) {
  g_interrupted = 1;
}

}  // namespace

void catch_interruptions() {
  for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGPIPE}) {
    std::signal(signal, on_signal);
  }
  if (std::signal(SIGHUP, on_signal) == SIG_IGN) {
    std::signal(SIGHUP, SIG_IGN);
  }
}

bool is_interrupted() {
  return g_interrupted != 0;
}

}  // namespace crashpoint::cli
