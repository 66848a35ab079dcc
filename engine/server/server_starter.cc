#include "engine/server/server_starter.h"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "engine/base/line_reader.h"
#include "engine/base/text.h"

namespace engine::server {
namespace {

Status answer(int out_fd, int number) {
  const std::string text = fmt::format(":{}\r\n", number);
  for (;;) {
    const ssize_t n = ::write(out_fd, text.data(), text.size());
    if (n == static_cast<ssize_t>(text.size())) {
      return {};
    }
    if (n >= 0 || errno != EINTR) {  // a few bytes: never written in part
      return fail(fmt::format("write the answer: {}", error_text(errno)), errno);
    }
  }
}

// A group of its own holds the server and what it forks.
Result<pid_t> start_server(const Serve& serve, const std::string& directory,
                           const std::string& socket) {
  const pid_t child = ::fork();
  if (child < 0) {
    return fail(fmt::format("fork: {}", error_text(errno)), errno);
  }
  if (child == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
    // Requests and answers are no affair of a server, which logs to its standard output.
    static_cast<void>(::dup2(STDERR_FILENO, STDOUT_FILENO));
    static_cast<void>(::close(STDIN_FILENO));
    ::_exit(serve(directory, socket));
  }
  ::setpgid(child, child);  // also here: it may be killed before it has got that far
  return child;
}

// The children of a killed server become ours, so they can be waited for as well.
int end_server(pid_t server) {
  ::kill(-server, SIGKILL);
  int status = 0;
  for (;;) {
    int of_this = 0;
    const pid_t ended = ::waitpid(-server, &of_this, 0);
    if (ended == server) {
      status = of_this;
    } else if (ended < 0 && errno != EINTR) {
      return status;
    }
  }
}

// The server that runs, if one does; it ends with this, however the requests end.
class Running {
 public:
  Running() = default;
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { end(); }

  pid_t pid = 0;

  int end() { return pid == 0 ? 0 : end_server(std::exchange(pid, 0)); }
};

}  // namespace

Status start_servers(const Serve& serve, int in_fd, int out_fd) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  Running server;
  LineReader requests(in_fd);
  for (;;) {
    const Result<std::optional<std::string>> request = requests.next();
    if (!request) {
      return tl::unexpected(request.error());
    }
    if (!*request) {
      return {};
    }
    int number = 0;
    if ((*request)->empty()) {
      number = server.end();
    } else {
      const std::string& text = **request;
      const std::size_t tab = text.find('\t');
      if (server.pid != 0 || tab == std::string::npos) {
        return fail("'" + text + "': one server at a time, as DIRECTORY, a tab, SOCKET");
      }
      const Result<pid_t> started = start_server(serve, text.substr(0, tab), text.substr(tab + 1));
      if (!started) {
        return tl::unexpected(started.error());
      }
      number = server.pid = *started;
    }
    if (Status answered = answer(out_fd, number); !answered) {
      return answered;
    }
  }
}

}  // namespace engine::server
