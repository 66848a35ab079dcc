// What happens at the stops of a traced tree: the recorder writes down, the faults strike.
// All in the tracer's thread, except what says otherwise.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/base/random.h"
#include "harness/fault/armed_faults.h"
#include "harness/fault/fault.h"
#include "harness/ptrace/observer.h"
#include "harness/ptrace/pieces.h"
#include "harness/ptrace/recorder.h"
#include "harness/ptrace/tracees.h"
#include "harness/ptrace/tracer.h"
#include "harness/ptrace/tree.h"
#include "harness/ptrace/wakeup.h"

namespace crashpoint::ptrace {

class Supervisor : public Tracees::Handler {
 public:
  // Told when the first process ends. Borrows all.
  using MainEnded = std::function<void(int status)>;
  Supervisor(const TracerOptions& options, Recorder* recorder, Wakeup& wakeup,
             MainEnded main_ended);

  [[nodiscard]] Tracees& tracees() { return tracees_; }
  [[nodiscard]] std::vector<fault::FaultReport> reports(const trace::Trace& trace) const;

  // From any thread. acked() returns when the faults that wait for this count have struck, so that
  // the workload cannot end before they do.
  void begin_workload();
  void arm_step(std::size_t step);
  void acked(std::uint64_t count);

  // From the tracer's thread, when nothing is left to supervise: nobody need wait for it any more.
  void end();

  void on_syscall(Thread& thread, const SyscallEntry& entry) override;
  void on_syscall_exit(Thread& thread, std::int64_t result) override;
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
  // A thread held back until a time.
  struct Held {
    pid_t tid = 0;
    fault::Strike strike;
    bool at_exit = false;
  };

  void enter(Thread& thread, const trace::Syscall& syscall, const SyscallEntry& entry);
  void forget(Thread& thread, const trace::Syscall& syscall, const SyscallEntry& entry);
  void pass_failpoint(Thread& thread, const trace::Syscall& syscall, const SyscallEntry& entry);
  bool act_in_place(Thread& thread);
  void act(Thread& thread, const fault::Strike& strike);
  void finish_at_exit(Thread& thread, Unfinished unfinished);
  void skip(Thread& thread, std::int64_t result);
  void shorten(Thread& thread, std::uint64_t bytes, Unfinished& unfinished);
  void kill(const fault::Kill& kill, pid_t pid);
  void kill_during(Thread& thread, const fault::Kill& kill);
  void keep_budget(const trace::Syscall& syscall, const trace::Event& event, fault::Strike& strike);
  void hold(Thread& thread, std::int64_t for_ns, const fault::Strike& strike, bool at_exit);
  void tell_purpose(Thread& thread, const trace::Event& event);
  void release_waiting(Inode& inode);
  void look_at_moments();
  [[nodiscard]] std::optional<std::int64_t> ns_to_next() const;

  const TracerOptions& options_;
  Recorder* recorder_;
  std::optional<Observer> observer_;
  Wakeup& wakeup_;
  MainEnded main_ended_;
  Tracees tracees_;
  fault::ArmedFaults faults_;
  Random random_;
  bool started_ = false;  // the program's own exec has happened
  std::map<pid_t, Unfinished> unfinished_;
  std::multimap<std::int64_t, Held> held_;         // by CLOCK_MONOTONIC, ns
  std::map<pid_t, SyscallEntry> waiting_;          // threads in Inode::waiting
  std::map<trace::Name, std::uint32_t> purposes_;  // of the children that live
  std::map<pid_t, fault::Strike> at_end_;          // strikes after the exit of a process

  std::size_t steps_armed_ = 0;
  std::atomic<std::size_t> steps_begun_ = 0;
  std::set<std::uint64_t> ack_counts_;  // that faults wait for
  std::atomic<std::uint64_t> acked_ = 0;
  std::atomic<std::uint64_t> acked_seen_ = 0;
  std::atomic<std::int64_t> workload_began_ns_ = 0;  // 0: not yet
};

}  // namespace crashpoint::ptrace
