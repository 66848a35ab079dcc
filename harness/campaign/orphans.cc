#include "harness/campaign/orphans.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <thread>

namespace crashpoint::campaign {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{2000};

std::set<pid_t> children() {
  std::set<pid_t> pids;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::ifstream file(thread.path() / "children");
    for (pid_t pid = 0; file >> pid;) {
      pids.insert(pid);
    }
  }
  return pids;
}

}  // namespace

Orphans::Orphans() : others_(children()) {
  ::prctl(PR_GET_CHILD_SUBREAPER, &was_subreaper_, 0, 0, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

Orphans::~Orphans() {
  ::prctl(PR_SET_CHILD_SUBREAPER, was_subreaper_, 0, 0, 0);
}

void Orphans::end() const {
  const Clock::time_point deadline = Clock::now() + kPatience;
  // The end of one brings its own children to us.
  for (bool found = true; found && Clock::now() < deadline;) {
    found = false;
    for (const pid_t pid : children()) {
      if (!others_.contains(pid)) {
        found = true;
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, WNOHANG);
      }
    }
    if (found) {
      std::this_thread::sleep_for(milliseconds(1));
    }
  }
}

}  // namespace crashpoint::campaign
