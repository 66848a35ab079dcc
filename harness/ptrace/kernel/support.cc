#include "harness/ptrace/kernel/support.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "harness/base/text.h"
#include "harness/ptrace/kernel/filter.h"
#include "harness/ptrace/kernel/registers.h"

namespace crashpoint::ptrace {
namespace {

constexpr const char* kPtraceScope = "/proc/sys/kernel/yama/ptrace_scope";

std::string container_advice() {
  return "In a container: docker run --cap-add=SYS_PTRACE (Docker before 19.03, Podman), or "
         "--security-opt seccomp=unconfined; in Kubernetes: securityContext.capabilities.add: "
         "[SYS_PTRACE]. Under gVisor or another sandbox ptrace may be missing altogether.";
}

// What a probe found: written by the child's tracer side.
struct Probe {
  int attach = 0;  // errno
  int filter = 0;  // errno of the child
  int info = 0;    // PTRACE_GET_SYSCALL_INFO
  int memory = 0;  // process_vm_readv
  int getfd = 0;   // pidfd_getfd
};

// Runs a child that makes one traced call under our filter, and uses everything the tracer uses.
Probe probe() {
  Probe found;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    found.attach = errno;
    return found;
  }
  const std::vector<sock_filter> filter = make_filter(trace::recorded_syscalls());
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    char go = 0;
    if (::read(ends[1], &go, 1) != 1) {
      ::_exit(0);
    }
    const int error = install_filter(filter);
    if (error != 0) {
      ::_exit(error);
    }
    ::syscall(SYS_fsync, -1);
    ::_exit(0);
  }
  ::close(ends[1]);
  if (pid < 0) {
    found.attach = errno;
    ::close(ends[0]);
    return found;
  }
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP) != 0) {
    found.attach = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    ::close(ends[0]);
    return found;
  }
  (void)!::write(ends[0], "", 1);
  int status = 0;
  bool stopped = false;
  while (::waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
    if (status >> 16 == PTRACE_EVENT_SECCOMP && !stopped) {
      stopped = true;
      SyscallEntry entry;
      errno = 0;
      found.info = read_entry(pid, entry) ? 0 : (errno != 0 ? errno : EIO);
      char byte = 0;
      iovec local{&byte, 1};
      iovec remote{const_cast<char*>("x"), 1};  // the same address in the child
      found.memory =
          ::process_vm_readv(pid, &local, 1, &remote, 1, 0) == 1 && byte == 'x' ? 0 : errno;
      const int process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
      const int copy =
          process < 0 ? -1 : static_cast<int>(::syscall(SYS_pidfd_getfd, process, 2, 0));
      found.getfd = copy >= 0 ? 0 : errno;
      for (const int fd : {process, copy}) {
        if (fd >= 0) {
          ::close(fd);
        }
      }
    }
    ::ptrace(PTRACE_CONT, pid, nullptr, 0);
  }
  found.filter = WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status)
                 : stopped                                     ? 0
                                                               : ENOSYS;
  ::close(ends[0]);
  return found;
}

std::string outcome(int error, const std::string& advice) {
  return error == 0 ? "works" : fmt::format("{}. {}", error_text(error), advice);
}

}  // namespace

bool has_capability(unsigned capability) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  return ::syscall(SYS_capget, &header, sets.data()) == 0 &&
         (sets.at(CAP_TO_INDEX(capability)).effective & CAP_TO_MASK(capability)) != 0;
}

std::string ptrace_refused(int error) {
  std::string text =
      fmt::format("cannot trace a program started here: ptrace: {}. ", error_text(error));
  int scope = 0;
  if (std::ifstream file(kPtraceScope); file >> scope && scope >= 2) {
    text += fmt::format("{} is {}: set it to 1 (sysctl kernel.yama.ptrace_scope=1){}. ",
                        kPtraceScope, scope,
                        scope == 2 ? " or give CAP_SYS_PTRACE" : ", which from 3 takes a reboot");
  }
  return text + container_advice();
}

std::string seccomp_refused(int error) {
  return fmt::format(
      "cannot install a seccomp filter: {}. The kernel needs CONFIG_SECCOMP_FILTER, and a "
      "container must permit the prctl and seccomp system calls (Docker's default does).",
      error_text(error));
}

std::vector<SupportCheck> check_support() {
  const Probe found = probe();
  std::vector<SupportCheck> checks;
  checks.push_back({"ptrace", found.attach == 0, true,
                    found.attach == 0 ? "works" : ptrace_refused(found.attach)});
  if (found.attach != 0) {
    return checks;
  }
  checks.push_back({"seccomp filters", found.filter == 0, true,
                    found.filter == 0 ? "work" : seccomp_refused(found.filter)});
  if (found.filter == 0) {
    checks.push_back({"syscall information", found.info == 0, true,
                      outcome(found.info, "PTRACE_GET_SYSCALL_INFO needs Linux 5.3.")});
    checks.push_back({"process_vm_readv", found.memory == 0, true,
                      outcome(found.memory, "A container must permit it along with ptrace. " +
                                                container_advice())});
    const bool privileged = has_capability(CAP_SYS_PTRACE);
    checks.push_back({"hidden programs", privileged, false,
                      privileged
                          ? "can be looked into"
                          : "what a program does that this user may not read, or that changes its "
                            "privileges, is not seen: cases that rest on it are inconclusive. "
                            "It takes root (CAP_SYS_PTRACE)."});
    const bool set_user = privileged && has_capability(CAP_SYS_ADMIN);
    checks.push_back({"set-user-ID", set_user, false,
                      set_user
                          ? "programs keep their privileges"
                          : "set-user-ID programs (sudo) run without their privileges. It takes "
                            "root (CAP_SYS_ADMIN and CAP_SYS_PTRACE)."});
    checks.push_back(
        {"pidfd_getfd", found.getfd == 0, false,
         outcome(found.getfd,
                 "Without it (Linux 5.6, CAP_SYS_PTRACE in a container) clients on unix "
                 "sockets cannot be told apart; TCP clients can.")});
  }
  return checks;
}

}  // namespace crashpoint::ptrace
