// Starting a program. launch() is the one door through which the harness starts any: under the
// tracer, or merely guarded (trace/tracer.h does both).
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace crashpoint::target {

struct ProcessSpec {
  std::vector<std::string> argv;  // argv[0] is looked up on PATH unless it has a '/'
  std::string directory;          // its working directory; empty: ours
  std::map<std::string, std::string> environment;  // added to ours
  // Files its output is appended to; empty: ours. They may be the same.
  std::string stdout_path;
  std::string stderr_path;
  // True: reads our stdin and stays in our process group, as a command typed at a shell does.
  // False: reads /dev/null, in a session of its own, so that Ctrl-C reaches only the harness.
  bool interactive = false;
};

// Starts `spec`. Calls `in_child` in the new process right before exec, where only
// async-signal-safe calls are permitted; it returns 0 or an errno that fails the launch.
// Descriptors of ours other than 0, 1 and 2 are closed in the program. Returns once the exec has
// succeeded.
//
// Throws UsageError when the program cannot be started (not found, not executable, no such
// directory), EnvironmentError when no process can be made.
pid_t launch(const ProcessSpec& spec, const std::function<int()>& in_child);

// Where a program lies: `name` itself if it has a '/', else found on PATH. Empty: nowhere.
[[nodiscard]] std::string find_program(const std::string& name);

}  // namespace crashpoint::target
