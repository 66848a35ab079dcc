#include "harness/recovery/engine_recoverer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/error.h"
#include "harness/recovery/continuation.h"
#include "harness/recovery/idempotence.h"
#include "harness/recovery/last_line.h"
#include "harness/recovery/live_recoverer.h"
#include "harness/target/state_dump.h"

namespace crashpoint::recovery {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using target::RespValue;

[[noreturn]] void fail(const std::string& what) {
  throw EnvironmentError("the recovery server " + what);
}

// Elements of an answer, in the order of engine/persistence/recovery_server.h.
constexpr std::size_t kStatus = 0;
constexpr std::size_t kKeys = 1;
constexpr std::size_t kLog = 2;
constexpr std::size_t kMicros = 3;
constexpr std::size_t kAnswerSize = 4;
constexpr std::size_t kKeySize = 5;
constexpr std::int64_t kDiedOfSignal = 128;

target::State state_from(RespValue keys, std::int64_t from_ms) {
  target::State state;
  for (RespValue& item : keys.items) {
    if (item.items.size() != kKeySize) {
      fail("sent a malformed key entry");
    }
    const std::int64_t expiry_ms = item.items[3].integer;
    if (expiry_ms >= 0 && expiry_ms < from_ms) {
      continue;  // a server would no longer show it
    }
    std::optional<target::Value> value =
        target::to_value(item.items[2].text, std::move(item.items[4]));
    if (!value) {
      continue;
    }
    target::Entry& entry = state.entries[{static_cast<std::uint32_t>(item.items[0].integer),
                                          std::move(item.items[1].text)}];
    entry.value = std::move(*value);
    if (expiry_ms >= 0) {
      entry.expire_at_ms = expiry_ms;
    }
  }
  state.observed_from_ms = from_ms;
  state.observed_to_ms = unix_now_ms();
  return state;
}

}  // namespace

EngineRecoverer::EngineRecoverer(const Program& program, const scenario::Case& of, fs::path folder)
    : program_(program),
      case_(of),
      folder_(std::move(folder)),
      starter_(program, of, folder_ / "lives") {}

EngineRecoverer::~EngineRecoverer() = default;

Recovered EngineRecoverer::recover(const fs::path& directory) {
  Recovered recovered = recover_once(directory);
  if (recovered.started && case_.oracle.idempotent) {
    check_idempotence(recovered, recover_once(directory));
  }
  return recovered;
}

std::optional<oracle::Verdict> EngineRecoverer::live_on(const fs::path& directory) {
  return continue_and_judge(case_, program_, starter_, directory).verdict;
}

std::optional<trace::Trace> EngineRecoverer::record(const fs::path& directory) {
  return LiveRecoverer(program_, case_, folder_).record(directory);
}

Recovered EngineRecoverer::recover_once(const fs::path& directory) {
  if (server_ == nullptr) {
    server_ =
        std::make_unique<EngineService>(program_, case_, folder_ / "server", "--recovery-server");
  }
  const std::int64_t deadline_ms = case_.recovery.deadline_ms;
  const std::int64_t from_ms = unix_now_ms();
  const SteadyClock::time_point began = SteadyClock::now();
  std::optional<RespValue> answer =
      server_->ask(directory.string(), began + milliseconds(deadline_ms));
  const double took_ms = ms_since(began);
  Recovered recovered;
  if (!answer) {
    server_.reset();
    recovered.start_ms = took_ms;
    recovered.trouble = fmt::format("it did not recover within {} ms", deadline_ms);
    return recovered;
  }
  if (answer->items.size() != kAnswerSize) {
    fail("sent a malformed answer");
  }
  recovered.load_ms = static_cast<double>(answer->items[kMicros].integer) / 1e3;
  recovered.start_ms = std::max(0.0, took_ms - recovered.load_ms);
  const std::int64_t status = answer->items[kStatus].integer;
  const std::string& log = answer->items[kLog].text;
  if (status != 0) {
    recovered.trouble = status >= kDiedOfSignal
                            ? fmt::format("it was killed by signal {}", status - kDiedOfSignal)
                            : "it refuses to start; " + last_line(log);
    return recovered;
  }
  recovered.started = true;
  recovered.state = state_from(std::move(answer->items[kKeys]), from_ms);
  return recovered;
}

}  // namespace crashpoint::recovery
