// The processes that a killed worker leaves behind: its targets, which no longer have anyone to end them.
#pragma once

#include <sys/types.h>

#include <set>

namespace crashpoint::campaign {

class Orphans {
 public:
  // From now on, orphans among our descendants become our children.
  Orphans();
  Orphans(const Orphans&) = delete;
  Orphans& operator=(const Orphans&) = delete;
  ~Orphans();

  // Kills and reaps our children other than those that were there at the beginning. Gives up after two
  // seconds: a process in uninterruptible sleep does not die.
  void end() const;

 private:
  std::set<pid_t> others_;
  int was_subreaper_ = 0;
};

}  // namespace crashpoint::campaign
