#include "harness/recovery/engine_service.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/scenario/restarted.h"
#include "harness/target/process.h"

namespace crashpoint::recovery {

namespace fs = std::filesystem;

EngineService::EngineService(const Program& program, const scenario::Case& of,
                             const fs::path& folder, const std::string& option)
    : option_(option) {
  fs::create_directories(folder);
  const Instance instance = prepare_instance(program, scenario::restarted(of), folder, folder);
  std::array<int, 2> sockets{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    fail(fmt::format("needs a socket pair: {}", error_text(errno)));
  }
  socket_ = sockets[0];
  target::ProcessSpec spec;
  spec.argv = instance.command;
  spec.argv.push_back(option);
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

EngineService::~EngineService() {
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  ::close(socket_);
}

std::optional<target::RespValue> EngineService::ask(const std::string& line,
                                                    SteadyClock::time_point deadline) {
  const std::string request = line + '\n';
  if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    fail("does not accept requests: it has ended");
  }
  for (;;) {
    if (std::optional<target::RespValue> answer = parser_.next()) {
      return answer;
    }
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
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

void EngineService::fail(const std::string& what) const {
  throw EnvironmentError(fmt::format("crashpoint-engine {} {}", option_, what));
}

}  // namespace crashpoint::recovery
