// ptrace(2) on a tracee of this thread, its errors looked at.
#pragma once

#include <sys/ptrace.h>
#include <sys/types.h>

#include <cerrno>

#include "harness/base/check.h"

namespace crashpoint::ptrace {

// False: the thread has died (anything may kill it, even while it is stopped); wait(2) reports its
// end soon. Nothing else can go wrong with a request that fits how the thread is stopped.
template <typename Address, typename Data>
bool request(__ptrace_request what, pid_t tid, Address address, Data data) {
  const bool done = ::ptrace(what, tid, address, data) >= 0;
  HARNESS_CHECK(done || errno == ESRCH, static_cast<int>(what), tid, errno);
  return done;
}

// What the event stop of `tid` is about: the number of the child or thread that was born, or of the thread before its
// exec. 0: it has died.
inline pid_t event_message(pid_t tid) {
  unsigned long message = 0;
  return request(PTRACE_GETEVENTMSG, tid, nullptr, &message) ? static_cast<pid_t>(message) : 0;
}

}  // namespace crashpoint::ptrace
