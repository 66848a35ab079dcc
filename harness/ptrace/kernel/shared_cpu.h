// Keeps the tracer and the thread that stops most on one CPU.
//
// Every stop hands over to the tracer and back. On one CPU that is two context switches; across two
// it is two wake-ups of a CPU that has gone idle, which on a virtual machine cost ten times as much,
// and the scheduler, which knows of no hand-over, spreads the two whenever it can. So while one
// thread makes most of the stops, and many, both are confined to one CPU.
//
// The program cannot tell: what it starts has its own CPUs back before the first instruction, and
// so has the thread itself before an exec and before it asks for its CPUs or changes them.
// Tracers, of this process or another, never choose the same CPU. All in the tracer's thread.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <cstdint>

namespace crashpoint::ptrace {

class SharedCpu {
 public:
  // `tid` has stopped at a syscall.
  void stopped(pid_t tid) {
    hits_ += tid == candidate_ ? 1 : 0;
    if (++stops_ >= window_) {
      look(tid);
    }
  }
  // `tid` is new, has not run yet and may have inherited the one CPU.
  void born(pid_t tid) const;
  // Both have their own CPUs again, until the next window shows that it pays.
  void release();

  // For programs that stop often in the short time they run.
  void decide_soon() { window_ = 4; }

  // The thread that shares our CPU; 0: none.
  [[nodiscard]] pid_t confined() const { return confined_; }

 private:
  unsigned window_ = 64;  // stops after which is decided anew

  void look(pid_t last);
  void confine(pid_t tid);
  [[nodiscard]] bool is_confined(pid_t tid) const;

  unsigned stops_ = 0;  // in this window
  unsigned hits_ = 0;   // of them by candidate_
  pid_t candidate_ = 0;
  std::int64_t window_began_ns_ = 0;

  pid_t confined_ = 0;
  int claim_ = -1;  // held while we have chosen a CPU
  cpu_set_t one_{};
  cpu_set_t own_before_{};
  cpu_set_t thread_before_{};
};

}  // namespace crashpoint::ptrace
