#include "harness/target/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/env.hpp>
#include <boost/process/environment.hpp>
#include <boost/process/exception.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/start_dir.hpp>

#include "harness/base/error.h"
#include "harness/base/text.h"

namespace crashpoint::target {
namespace {

namespace bp = boost::process;

// A descriptor handed to the program as one of its streams; ours is closed after the launch.
class Stream {
 public:
  // An empty path: no redirection.
  Stream(const std::string& path, int flags) {
    if (!path.empty()) {
      fd_ = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
      if (fd_ < 0) {
        throw EnvironmentError(fmt::format("cannot open {}: {}", path, error_text(errno)));
      }
    }
  }
  ~Stream() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

// What happens in the child between Boost's own steps and the exec. It allocates nothing: another
// thread of ours may have held the allocator's lock at the fork.
struct ChildSetup : bp::extend::handler {
  template <typename Executor>
  void on_exec_setup(Executor& executor) {
    executor.cmd_line = arguments.data();  // Boost would give the program's path as argv[0]
    for (int stream = 0; stream < 3; ++stream) {
      const int fd = streams[static_cast<std::size_t>(stream)];
      if (fd >= 0) {
        ::dup2(fd, stream);
      }
    }
    if (own_session) {
      ::setsid();
    }
    // Marked, not closed: Boost reports a failed exec through a pipe.
    constexpr unsigned kCloseOnExec = 4;  // CLOSE_RANGE_CLOEXEC, Linux 5.11
    if (::syscall(SYS_close_range, 3U, ~0U, kCloseOnExec) != 0) {
      for (int fd = 3; fd < descriptors; ++fd) {
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
      }
    }
    const int error = (*in_child)();
    if (error != 0) {
      executor.set_error(std::error_code(error, std::system_category()), "setup failed");
      ::_exit(EXIT_FAILURE);
    }
  }

  std::vector<char*> arguments;
  std::array<int, 3> streams{-1, -1, -1};
  bool own_session = false;
  int descriptors = 0;
  const std::function<int()>* in_child = nullptr;
};

bool is_executable_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::string find_program(const std::string& name) {
  if (name.empty()) {
    return {};
  }
  if (name.find('/') != std::string::npos) {
    return is_executable_file(name) ? name : std::string();
  }
  const char* const path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
  std::string rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  for (;;) {
    const std::size_t colon = rest.find(':');
    const std::string directory = rest.substr(0, colon);
    std::string candidate = (directory.empty() ? "." : directory) + "/" + name;
    if (is_executable_file(candidate)) {
      return candidate;
    }
    if (colon == std::string::npos) {
      return {};
    }
    rest.erase(0, colon + 1);
  }
}

pid_t launch(const ProcessSpec& spec, const std::function<int()>& in_child) {
  if (spec.argv.empty()) {
    throw UsageError("no program to start: the command is empty");
  }
  const std::string& name = spec.argv.front();
  const std::string program = find_program(name);
  if (program.empty()) {
    const bool is_path = name.find('/') != std::string::npos;
    throw UsageError(fmt::format("cannot start '{}': {}", name,
                                 is_path ? "no executable file there" : "not found on PATH"));
  }
  if (!spec.directory.empty() && !std::filesystem::is_directory(spec.directory)) {
    throw UsageError(
        fmt::format("cannot start '{}' in {}: no such directory", name, spec.directory));
  }
  bp::environment environment = boost::this_process::environment();
  for (const auto& [variable, value] : spec.environment) {
    environment[variable] = value;
  }
  const Stream input(spec.interactive ? "" : "/dev/null", O_RDONLY);
  constexpr int kAppend = O_WRONLY | O_CREAT | O_APPEND;
  const Stream output(spec.stdout_path, kAppend);
  const Stream error(spec.stderr_path, kAppend);

  ChildSetup setup;
  for (const std::string& argument : spec.argv) {
    setup.arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  setup.arguments.push_back(nullptr);
  setup.streams = {input.fd(), output.fd(), error.fd()};
  setup.own_session = !spec.interactive;
  setup.descriptors = static_cast<int>(std::min(::sysconf(_SC_OPEN_MAX), 65536L));
  setup.in_child = &in_child;
  try {
    // Boost changes the directory before it execs: a relative path means one from ours.
    bp::child child(bp::exe = std::filesystem::absolute(program).string(), environment,
                    bp::start_dir = spec.directory.empty() ? "." : spec.directory, setup);
    child.detach();
    return child.id();
  } catch (const bp::process_error& failed) {
    const std::string reason = failed.code().message();
    if (failed.code() == std::errc::resource_unavailable_try_again ||
        failed.code() == std::errc::not_enough_memory ||
        failed.code() == std::errc::too_many_files_open) {
      throw EnvironmentError(fmt::format("cannot make a process for '{}': {}", name, reason));
    }
    throw UsageError(fmt::format("cannot start '{}': {}", name, reason));
  }
}

}  // namespace crashpoint::target
