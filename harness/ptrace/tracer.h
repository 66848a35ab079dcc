// Runs a program with everything it starts, records what the tree does to files and sockets, and
// fires faults at exact points of it.
//
// Lifetime   The tree dies with the Tracer, and with the harness whatever ends that (SIGKILL
//            included): PTRACE_O_EXITKILL. When finish() or the destructor returns, no process of
//            the tree is left, not even a zombie.
// Threads    The tracer works in a thread of its own. Every public method may be called from any
//            thread. Several Tracers may live at once in one process.
// Errors     The constructor throws UsageError (the program cannot be started, a fault cannot be)
//            and EnvironmentError (ptrace or seccomp forbidden: the message says what to allow).
//            Later trouble of the harness (no room for the data) kills the tree; finish() throws
//            it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/fault/fault.h"
#include "harness/target/process.h"
#include "harness/trace/observations.h"
#include "harness/trace/trace.h"

namespace crashpoint::ptrace {

// What a child was forked for, recognised by the first file it creates.
struct PurposePattern {
  std::string path;  // glob within the data directory
  std::string purpose;
};

struct TracerOptions {
  std::string data_directory;  // exists already; files below it are "inside"
  std::vector<fault::Fault> faults;
  std::uint64_t seed = 1;  // for probabilities, delays and moments drawn from a range

  // false: guard only. Nothing is recorded and the program runs at full speed; only faults at a
  // moment (AfterAcked, AtTime) and kills from outside are possible.
  bool record = true;

  // Not recording only: receives what the program looks at of the data directory. Borrowed until the tree is
  // gone.
  trace::Observations* observations = nullptr;

  // Of the recorded bytes, and of the events, what is beyond this is kept in an unlinked file in
  // `spill_directory` (empty: $TMPDIR, or /tmp).
  std::uint64_t memory_bytes = std::uint64_t{256} << 20;
  std::string spill_directory;

  // false: Trace::initial has the names of the files that are there at the start, not their content.
  bool keep_initial_content = true;

  // What outlives a fault that kills the first process alone (SIGKILL), or that stops the tree (SIGSTOP),
  // is held from that moment on: see Tracer::hold().
  bool hold_survivors = false;

  // Also write the trace here as it happens (see trace_file.h); empty: no.
  std::string trace_file;

  std::vector<PurposePattern> purposes = {{"temp-rewriteaof-*.aof", "rewrite"},
                                          {"temp-*.rdb", "snapshot"}};
};

// A process that was held.
struct Survivor {
  pid_t pid = 0;
  trace::Role role;
  std::optional<int> status = {};  // as from wait(2); nothing: it lived until the tree was killed
  bool ended_while_held = false;   // a signal that was not ours: of its parent's end, say
};

struct Run {
  int status = 0;                          // of the first process, as from wait(2)
  trace::Trace trace;                      // empty when not recording
  std::vector<fault::FaultReport> faults;  // one for each of TracerOptions::faults
  std::vector<Survivor> survivors;         // main first, then in the order of their birth
};

class Tracer {
 public:
  // Starts the program; returns when its exec has succeeded.
  Tracer(const target::ProcessSpec& spec, TracerOptions options);
  ~Tracer();  // kills the tree
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  // The first process. After its end the number may belong to another.
  [[nodiscard]] pid_t pid() const;

  // Faults at_ms count from here.
  void begin_workload();
  // Step `step` of the workload begins: faults from it are armed.
  void arm_step(std::size_t step);
  // `count` commands of the workload have been acked so far.
  void acked(std::uint64_t count);

  // Holds the tree: SIGSTOP, and a thread that is in a call, or makes one, stays at its entry or its exit;
  // so that no file changes until let_go() (SIGCONT, and the calls go on). Both return at once.
  void hold();
  void let_go();
  // It is held, or being held: from the strike of a fault on (see TracerOptions::hold_survivors).
  [[nodiscard]] bool is_holding() const;
  // Waits until it is held and all of it has stopped; false: not within `timeout`.
  bool wait_until_held(std::chrono::milliseconds timeout);
  // Another program changes the data directory from now on: what it then holds is not looked at.
  void share_directory();

  // SIGKILLs the tree. Returns at once; wait_for_end() and finish() wait until it is gone.
  void kill_tree();
  // Sends `signal` to the first process, if it still lives.
  void signal_main(int signal);

  // The first process has ended: its status, as from wait(2).
  [[nodiscard]] std::optional<int> main_status() const;
  // Waits for the end of the first process, or of the whole tree; false: not within `timeout`.
  bool wait_for_main(std::chrono::milliseconds timeout);
  bool wait_for_end(std::chrono::milliseconds timeout);

  // Waits for the end of the whole tree (however long) and returns what was recorded. Once.
  Run finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crashpoint::ptrace
