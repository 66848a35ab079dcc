#include "harness/recovery/engine_recoverer.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "harness/base/clock.h"
#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/recovery/idempotence.h"
#include "harness/recovery/last_line.h"
#include "harness/recovery/live_recoverer.h"
#include "harness/target/process.h"
#include "harness/target/resp_client.h"
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

class EngineRecoverer::Server {
 public:
  Server(const Program& program, const scenario::Case& of, const fs::path& folder) {
    fs::create_directories(folder);
    const Instance instance = prepare_instance(program, of.target, folder, folder);
    std::array<int, 2> sockets{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
      fail(fmt::format("needs a socket pair: {}", error_text(errno)));
    }
    socket_ = sockets[0];
    target::ProcessSpec spec;
    spec.argv = instance.command;
    spec.argv.emplace_back("--recovery-server");
    spec.directory = folder.string();
    spec.environment = instance.environment;
    // Each child would look up the symbols its libraries call for itself, in pages of its own.
    spec.environment["LD_BIND_NOW"] = "1";
    spec.stderr_path = (folder / "log").string();
    const int theirs = sockets[1];
    try {
      pid_ = target::launch(spec, [theirs] {
        // Dies with the worker that started it, and its children with it.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        return ::dup2(theirs, STDIN_FILENO) < 0 || ::dup2(theirs, STDOUT_FILENO) < 0 ? errno : 0;
      });
    } catch (...) {
      ::close(theirs);
      ::close(socket_);
      throw;
    }
    ::close(theirs);
  }
  ~Server() {
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    ::close(socket_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Nothing if there is no answer by then; the server must then be replaced.
  std::optional<RespValue> recover(const fs::path& directory, SteadyClock::time_point deadline) {
    const std::string request = directory.string() + '\n';
    if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
      fail("does not accept requests: it has ended");
    }
    for (;;) {
      if (std::optional<RespValue> answer = parser_.next()) {
        return answer;
      }
      const auto left = std::chrono::ceil<milliseconds>(deadline - SteadyClock::now()).count();
      pollfd readable{socket_, POLLIN, 0};
      const int ready = left <= 0 ? 0 : ::poll(&readable, 1, static_cast<int>(left));
      if (ready == 0) {
        return std::nullopt;
      }
      std::array<char, 65536> buffer{};
      const ssize_t size = ready < 0 ? -1 : ::recv(socket_, buffer.data(), buffer.size(), 0);
      if (size == 0) {
        fail("ended without an answer");
      }
      if (size < 0 && errno != EINTR) {
        fail(fmt::format("could not be read from: {}", error_text(errno)));
      }
      parser_.feed(
          std::string_view(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))));
    }
  }

 private:
  int socket_ = -1;
  pid_t pid_ = 0;
  target::ReplyParser parser_;
};

EngineRecoverer::EngineRecoverer(const Program& program, const scenario::Case& of, fs::path folder)
    : program_(program), case_(of), folder_(std::move(folder)) {}

EngineRecoverer::~EngineRecoverer() = default;

Recovered EngineRecoverer::recover(const fs::path& directory) {
  Recovered recovered = recover_once(directory);
  if (recovered.started && case_.oracle.idempotent) {
    check_idempotence(recovered, recover_once(directory));
  }
  return recovered;
}

std::optional<trace::Trace> EngineRecoverer::record(const fs::path& directory) {
  return LiveRecoverer(program_, case_, folder_).record(directory);
}

Recovered EngineRecoverer::recover_once(const fs::path& directory) {
  if (server_ == nullptr) {
    server_ = std::make_unique<Server>(program_, case_, folder_ / "server");
  }
  const std::int64_t deadline_ms = case_.recovery.deadline_ms;
  const std::int64_t from_ms = unix_now_ms();
  const SteadyClock::time_point began = SteadyClock::now();
  std::optional<RespValue> answer = server_->recover(directory, began + milliseconds(deadline_ms));
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
