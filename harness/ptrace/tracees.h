// A tree of processes under ptrace: who lives, who stops why, and that all of it can be killed.
// What a stop means is the handler's business.
//
// Attach     PTRACE_SEIZE before the program's exec, so that signals, SIGSTOP and SIGCONT work as
//            without us (TRACEME has no group stops), and PTRACE_O_EXITKILL is in force from the
//            first instruction.
// Children   are attached by the kernel when they are born. A child runs only once its parent's
//            fork has returned (vfork: at once), so that a fault right after a fork finds it new. Also
//            those who asked not to be (CLONE_UNTRACED): their calls stop under every filter of ours.
// Holding    A held tree is stopped by SIGSTOP, as its program sees it; and a thread that stops for us
//            on its way into the kernel or out of it stays there, so that none of its calls goes on.
// Zombies    We are the subreaper: what the tree leaves behind is ours to reap.
// Threads    One thread makes the object, attaches and runs. kill_all() is for any thread.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "harness/ptrace/kernel/registers.h"
#include "harness/ptrace/kernel/shared_cpu.h"
#include "harness/ptrace/tree.h"

namespace crashpoint::ptrace {

class Tracees {
 public:
  // The thread of each call is stopped; unless the handler holds it, it must resume() it.
  class Handler {
   public:
    virtual ~Handler() = default;
    virtual void on_syscall(Thread& thread, const SyscallEntry& entry) = 0;
    virtual void on_syscall_exit(Thread& thread, std::int64_t result) = 0;
    // These are reports only; the thread goes on by itself.
    virtual void on_process(Thread& /*parent*/, Process& /*child*/) {}
    virtual void on_thread(Thread& /*thread*/) {}
    virtual void on_exec(Thread& /*thread*/) {}
    virtual void on_thread_end(Thread& /*thread*/) {}
    virtual void on_process_end(Process& process, int status) = 0;
    // wait(2) was interrupted by Wakeup.
    virtual void on_wake() = 0;
  };

  // Attaches to a process that has not called exec yet. Returns 0 or an errno.
  int attach(pid_t pid);

  // Returns when no process of the tree is left. After an exception from the handler it can be
  // called again.
  void run(Handler& handler);

  // Lets a stopped thread go on: to the exit of its call if thread.call.syscall is set, else to
  // the next stop. Nothing once the tree is being killed; later while it is held.
  void resume(Thread& thread, int signal = 0);

  [[nodiscard]] Thread* find(pid_t tid);
  // The process attach() was called for. Its number may be another's once it has ended.
  [[nodiscard]] pid_t first() const { return first_; }
  [[nodiscard]] SharedCpu& shared_cpu() { return shared_cpu_; }

  // Holds every process but `dying` (0: all of them), which is about to be killed, until let_go(). Once
  // all of them have stopped, `held` is called.
  void hold(pid_t dying, std::function<void()> held);
  void let_go();
  // The processes that live, as far as their ends were seen.
  [[nodiscard]] std::vector<std::shared_ptr<const Process>> processes() const;

  // SIGKILLs every process, now and as new ones appear.
  void kill_all();
  // Any other signal, to every process.
  void signal_all(int signal);

 private:
  void on_stop(pid_t tid, int status);
  void on_event_stop(Thread& thread, int signal);
  void on_birth(Thread& parent, bool is_vfork);
  void on_exec(Thread& thread);
  void on_end(pid_t tid, int status);
  Thread& add(pid_t tid, std::shared_ptr<Process> process);
  void hold_early(pid_t tid);
  void adopt_orphans();
  std::shared_ptr<Process> make_child(pid_t pid, pid_t parent);
  void release_child(Thread& parent);
  static void keep_traced(Thread& thread, SyscallEntry& entry);
  static void put_back_flags(Thread& thread);
  void reap_zombies(Process& ended);
  void tell_if_held();

  Handler* handler_ = nullptr;  // for as long as run() runs
  SharedCpu shared_cpu_;
  std::unordered_map<pid_t, Thread> threads_;
  std::unordered_set<pid_t> early_;  // stopped before the stop that reports their birth
  Thread* last_ = nullptr;           // find() most often asks for the same again
  std::uint32_t children_born_ = 0;
  std::uint32_t threads_born_ = 0;
  pid_t first_ = 0;
  bool holding_ = false;
  pid_t dying_ = 0;             // see hold()
  std::function<void()> held_;  // still to be called

  std::mutex mutex_;      // guards live_, and killing_ against a process that is just being born
  std::set<pid_t> live_;  // processes
  std::atomic<bool> killing_ = false;
};

}  // namespace crashpoint::ptrace
