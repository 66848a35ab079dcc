// The tree stops at every syscall that matters to its files: the recorder writes it down, and the
// faults at a place strike.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "harness/base/random.h"
#include "harness/fault/armed_faults.h"
#include "harness/fault/fault.h"
#include "harness/ptrace/kernel/pieces.h"
#include "harness/ptrace/recorder.h"
#include "harness/ptrace/supervisor.h"
#include "harness/ptrace/tracees.h"
#include "harness/ptrace/tracer.h"
#include "harness/ptrace/tree.h"

namespace crashpoint::ptrace {

class RecordingHandler : public Tracees::Handler {
 public:
  // Borrows all.
  RecordingHandler(Supervisor& supervisor, const TracerOptions& options, Recorder& recorder);

  void on_syscall(Thread& thread, const SyscallEntry& entry) override;
  void on_syscall_exit(Thread& thread, std::int64_t performed) override;
  void on_process(Thread& parent, Process& child) override;
  void on_thread(Thread& thread) override;
  void on_exec(Thread& thread) override;
  void on_thread_end(Thread& thread) override;
  void on_process_end(Process& process, int status) override;
  void on_wake() override;

 private:
  // What a fault still has to do at the exit of the call a thread is in.
  struct Unfinished {
    fault::Strike strike;
    std::vector<Patch> patches = {};  // memory to put back
    std::int8_t argument = -1;        // and a register
    std::uint64_t argument_before = 0;
  };
  // The fork that a thread is in. If a signal interrupts it, the kernel makes it anew, and the program knows
  // nothing of that.
  struct Fork {
    SyscallEntry entry;
    std::size_t event = 0;
    std::map<pid_t, Unfinished>::node_type unfinished;  // while a signal is handled
  };
  // A thread held back until a time.
  struct Held {
    pid_t tid = 0;
    fault::Strike strike;
    bool at_exit = false;
  };

  // recording_handler.cc: what is recorded
  void enter(Thread& thread, const trace::Syscall& syscall, const SyscallEntry& entry);
  void forget(Thread& thread, const trace::Syscall& syscall, const SyscallEntry& entry);
  void forgotten(Thread& thread);
  void forget_all(Thread& thread, const trace::Syscall& syscall, const SyscallEntry& entry);
  bool goes_on(Thread& thread, const trace::Syscall& syscall, const SyscallEntry& entry);
  void stay_dumpable(Thread& thread, const SyscallEntry& entry);
  void restrict_itself(Thread& thread, bool strictly, std::uint64_t filter_flags);
  bool act_in_place(Thread& thread);
  void find_purpose(Thread& thread, const trace::Event& event);
  void release_waiting(std::span<Inode* const> released);
  // fault_injection.cc: what strikes
  void pass_failpoint(Thread& thread, const trace::Syscall& syscall, const SyscallEntry& entry);
  void act(Thread& thread, const fault::Strike& strike);
  [[nodiscard]] std::int64_t undo_at_exit(Thread& thread, const Unfinished& unfinished,
                                          std::int64_t performed);
  void finish_at_exit(Thread& thread, const fault::Strike& strike);
  void skip(Thread& thread, std::int64_t result);
  void shorten(Thread& thread, std::uint64_t bytes, Unfinished& unfinished);
  void kill_during(Thread& thread, const fault::Kill& kill);
  void keep_budget(const trace::Syscall& syscall, const trace::Event& event, fault::Strike& strike);
  void hold(Thread& thread, std::int64_t for_ns, const fault::Strike& strike, bool at_exit);
  void release_held();

  const TracerOptions& options_;
  Supervisor& supervisor_;
  Tracees& tracees_;
  fault::ArmedFaults& faults_;
  Recorder& recorder_;
  Random random_;
  bool started_ = false;  // the program's own exec has happened
  std::map<pid_t, Unfinished> unfinished_;
  std::map<pid_t, Fork> forks_;
  std::multimap<std::int64_t, Held> held_;  // by CLOCK_MONOTONIC, ns
  std::map<pid_t, SyscallEntry> waiting_;   // threads in Inode::waiting
  fault::ArmedFaults::Purposes purposes_;   // of the children that live
  std::map<pid_t, fault::Strike> at_end_;   // strikes after the exit of a process
};

}  // namespace crashpoint::ptrace
