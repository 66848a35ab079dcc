// crashpoint doctor: checks what this machine permits, and says how to fix what it does not.
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/text.h"
#include "harness/base/version.h"
#include "harness/campaign/workspace.h"
#include "harness/cli/commands.h"
#include "harness/fault/libfiu.h"
#include "harness/ptrace/kernel/support.h"
#include "harness/recovery/program.h"

#include <CLI/CLI.hpp>

namespace crashpoint::cli {
namespace {

using ptrace::SupportCheck;

// A target has one connection per client, and the harness has the other end of each.
constexpr rlim_t kOpenFilesWanted = 256;
constexpr rlim_t kProcessesWanted = 64;

SupportCheck check_yama() {
  std::ifstream file("/proc/sys/kernel/yama/ptrace_scope");
  int scope = 0;
  if (!(file >> scope)) {
    return {"yama", true, false, "not in this kernel: it does not restrict ptrace"};
  }
  // 1 permits tracing children, which is all the harness does. At 2 and 3 the check `ptrace` decides.
  return {"yama", scope < 2, false, fmt::format("kernel.yama.ptrace_scope is {}", scope)};
}

SupportCheck check_limit(const std::string& what, int resource, rlim_t wanted, const char* option) {
  rlimit limit{};
  ::getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  const std::string found =
      limit.rlim_cur == RLIM_INFINITY ? "unlimited" : fmt::format("{}", limit.rlim_cur);
  const bool enough = limit.rlim_cur >= wanted;
  return {what, enough, false,
          enough ? found
                 : fmt::format("{}: raise it to {} (ulimit {} {})", found, wanted, option, wanted)};
}

SupportCheck check_file_size() {
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  const bool enough = limit.rlim_cur == RLIM_INFINITY;
  return {"file size", enough, false,
          enough ? "unlimited"
                 : fmt::format("{} bytes: targets that write more are sent SIGXFSZ (ulimit -f "
                               "unlimited)",
                               with_commas(limit.rlim_cur))};
}

// For checks that throw when they fail.
template <typename Find>
SupportCheck check_found(const std::string& what, bool required, const Find& find) {
  try {
    return {what, true, required, find()};
  } catch (const std::exception& error) {
    return {what, false, required, error.what()};
  }
}

// Data directories on a disk work, but every fsync of a target waits for the disk.
SupportCheck check_speed_of(const std::filesystem::path& folder) {
  struct statfs info {};
  const bool in_memory = ::statfs(folder.c_str(), &info) == 0 &&
                         (info.f_type == TMPFS_MAGIC || info.f_type == RAMFS_MAGIC);
  return {"tmpfs", in_memory, false,
          in_memory
              ? "data directories are in memory"
              : fmt::format("{} is on a disk: runs are slower than on a tmpfs with 256 MiB free "
                            "(/dev/shm, or CRASHPOINT_TMPDIR)",
                            folder.string())};
}

std::string room_of(const std::filesystem::path& folder) {
  const std::filesystem::space_info space = std::filesystem::space(folder);
  return fmt::format("{}, {} MiB free", folder.string(), with_commas(space.available >> 20U));
}

std::vector<SupportCheck> check_machine() {
  std::vector<SupportCheck> checks = ptrace::check_support();
  checks.push_back(check_yama());
  try {
    const campaign::Workspace workspace = campaign::Workspace::open();
    const std::filesystem::path parent = workspace.path().parent_path();
    checks.push_back({"work directory", true, true, room_of(parent)});
    checks.push_back(check_speed_of(parent));
    for (const auto& [use, name] :
         {std::pair("engine", "crashpoint-engine"), std::pair("redis", "redis-server")}) {
      checks.push_back(check_found(name, false, [&, use = use] {
        scenario::Target target;
        target.use = use;
        const recovery::Program program = recovery::find_program(target, workspace.path());
        const std::filesystem::path file = std::filesystem::canonical(program.command.front());
        return fmt::format("{} ({})", program.version, file.string());
      }));
    }
  } catch (const std::exception& error) {
    checks.push_back({"work directory", false, true, error.what()});
  }
  checks.push_back(check_found("libfiu's preload", false, [] {
    fault::require_libfiu();
    return std::string("found: `libfiu` faults are available");
  }));
  checks.push_back(check_limit("open files", RLIMIT_NOFILE, kOpenFilesWanted, "-n"));
  checks.push_back(check_limit("processes", RLIMIT_NPROC, kProcessesWanted, "-u"));
  checks.push_back(check_file_size());
  return checks;
}

int doctor() {
  utsname system{};
  ::uname(&system);
  fmt::print("crashpoint {} on {} {} {}, {}, {}\n\n", version(), system.sysname, system.release,
             system.machine, counted(std::thread::hardware_concurrency(), "core", "cores"),
             ::geteuid() == 0 ? "as root" : "as an ordinary user");
  bool works = true;
  for (const SupportCheck& check : check_machine()) {
    const char* const state = check.works ? "ok" : check.required ? "MISSING" : "warning";
    fmt::print("  {:<8} {:<19} {}\n", state, check.what, check.detail);
    works = works && (check.works || !check.required);
  }
  fmt::print("\n{}\n", works ? "crashpoint works here."
                             : "crashpoint does not work here: fix what is MISSING.");
  return works ? kPassed : kCouldNotTell;
}

}  // namespace

void add_doctor_command(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand(
      "doctor", "Check what crashpoint needs from this machine, and say how to fix it");
  command->footer(
      "\nExit codes: 0 crashpoint works here (optional features may be missing), 3 it does not.");
  command->callback([&action] { action = doctor; });
}

}  // namespace crashpoint::cli
