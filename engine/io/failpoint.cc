#include "engine/io/failpoint.h"

#include <fmt/format.h>

#include <string>

#ifdef CRASHPOINT_FAILPOINTS
#include <fiu.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <shared_mutex>

#include <boost/algorithm/string/split.hpp>
#include <fiu-control.h>
#endif

namespace engine::io {

#ifndef CRASHPOINT_FAILPOINTS

void init_failpoints() {}

Status arm_failpoint(std::string_view specification) {
  return fail(fmt::format("--failpoint {}: this build has no failpoints", specification));
}

#else

namespace {

constexpr int kTracedPrctl = 0x43505046;  // "CPPF"

enum class Action { kKill, kFail };

// Armed by arm_failpoint(), never disarmed: libfiu keeps a pointer to each.
struct Armed {
  std::uint64_t only_passage = 0;  // 0 = every one
  Action action = Action::kKill;
  int result = 1;
  std::atomic<std::uint64_t> passages = 0;
};

// 0: there is no errno of that name.
int errno_by_name(std::string_view name) {
  for (int number = 1; number < 256; ++number) {
    const char* candidate = strerrorname_np(number);
    if (candidate != nullptr && name == candidate) {
      return number;
    }
  }
  return 0;
}

// libfiu's external_cb_t: whether the point fails; *failnum is then what fiu_fail() returns.
int ask_tracer(const char* name, int* failnum, void** /*failinfo*/, unsigned int* /*flags*/) {
  const int saved_errno = errno;
  const int answer = prctl(kTracedPrctl, name, 0, 0, 0);
  errno = saved_errno;
  if (answer <= 0) {
    return 0;
  }
  *failnum = answer;
  return 1;
}

int act(const char* /*name*/, int* failnum, void** failinfo, unsigned int* /*flags*/) {
  Armed& armed = *static_cast<Armed*>(*failinfo);
  const std::uint64_t passage = armed.passages.fetch_add(1) + 1;
  if (armed.only_passage != 0 && passage != armed.only_passage) {
    return 0;
  }
  if (armed.action == Action::kKill) {
    kill(getpid(), SIGKILL);
  }
  *failnum = armed.result;
  return 1;
}

// Shared by the threads that are in libfiu, which has locks of its own; taken by a fork, in whose
// child they would otherwise stay locked forever.
std::shared_mutex& fork_guard() {
  static std::shared_mutex* guard = [] {
    // The child has one of its own: glibc lets only the thread that took it unlock it, by its id.
    ENGINE_CHECK(pthread_atfork([] { fork_guard().lock(); }, [] { fork_guard().unlock(); },
                                [] { guard = new std::shared_mutex; }) == 0);
    return new std::shared_mutex;
  }();
  return *guard;
}

}  // namespace

int failpoint(FailpointName name) {
  const std::shared_lock no_fork(fork_guard());
  return fiu_fail(name.c_str());
}

void init_failpoints() {
  fiu_init(0);
  const char* mode = std::getenv("CRASHPOINT_FAILPOINTS");
  if (mode != nullptr && std::string_view(mode) == "traced") {
    // Each by its own name: for "*" libfiu would pass "*" to the callback.
    for (const Failpoint& point : failpoints()) {
      ENGINE_CHECK(fiu_enable_external(point.name, 1, nullptr, 0, ask_tracer) == 0);
    }
  }
}

Status arm_failpoint(std::string_view specification) {
  static std::deque<Armed> armed_points;

  const auto refuse = [&](std::string_view why) {
    return fail(
        fmt::format("--failpoint {}: {}; it is NAME[:NTH][:kill|error=ERRNO|trigger], and "
                    "--list-failpoints prints the names",
                    specification, why));
  };
  std::vector<std::string_view> fields;  // NAME[:NTH][:ACTION]
  boost::split(fields, specification, [](char c) { return c == ':'; });
  const std::string_view name = fields.front();
  if (!is_failpoint(name)) {
    return refuse(fmt::format("no failpoint is called '{}'", name));
  }
  std::size_t next = 1;
  std::uint64_t only_passage = 0;
  if (next < fields.size() && !fields[next].empty() &&
      fields[next].find_first_not_of("0123456789") == std::string_view::npos) {
    const std::string_view text = fields[next++];
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), only_passage);
    if (parsed.ec != std::errc() || only_passage == 0) {
      return refuse("NTH counts from 1");
    }
  }
  Action action = name.starts_with("planted/") ? Action::kFail : Action::kKill;
  int result = 1;
  if (next < fields.size()) {
    const std::string_view text = fields[next++];
    if (text == "kill") {
      action = Action::kKill;
    } else if (text == "trigger") {
      action = Action::kFail;
    } else if (text.starts_with("error=")) {
      action = Action::kFail;
      result = errno_by_name(text.substr(6));
      if (result == 0) {
        return refuse(fmt::format("unknown errno '{}'", text.substr(6)));
      }
    } else {
      return refuse(fmt::format("unknown action '{}'", text));
    }
  }
  if (next < fields.size()) {
    return refuse("too many fields");
  }

  Armed& armed = armed_points.emplace_back();
  armed.only_passage = only_passage;
  armed.action = action;
  armed.result = result;
  fiu_init(0);
  if (fiu_enable_external(std::string(name).c_str(), 1, &armed, 0, act) != 0) {
    return refuse("libfiu refuses it");
  }
  return {};
}

#endif

}  // namespace engine::io
