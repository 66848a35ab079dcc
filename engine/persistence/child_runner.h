// The one child that may run at a time: starting it, its progress and its end, and the figures that
// INFO shows of it.
//
// Threads  The main one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/latency_monitor.h"
#include "engine/base/log.h"
#include "engine/base/result.h"
#include "engine/persistence/child_process.h"
#include "engine/persistence/event_set.h"
#include "engine/persistence/info.h"

namespace engine::persistence {

enum class ChildPurpose : std::uint8_t { kSnapshot, kRewrite };

// A child that has ended, and how.
struct EndedChild {
  pid_t pid = 0;
  ChildPurpose purpose = ChildPurpose::kSnapshot;
  ChildProcess::Exit exit;
  std::uint64_t copied_bytes = 0;  // the most that copy-on-write copied
  bool ended_here = false;         // by end()
};

class ChildRunner {
 public:
  // Borrows all but `in_child`, which the child calls first, with redis-server's process title.
  ChildRunner(const EventSet& events, const Clock& clock, Log& log, LatencyMonitor& latency,
              std::function<void(std::string_view)> in_child);

  bool running() const { return child_.has_value(); }
  bool running(ChildPurpose purpose) const { return child_ && purpose_ == purpose; }
  pid_t pid() const { return child_ ? child_->pid() : 0; }

  // Not while one is running. `keys_total`: how many keys `work` will write.
  Status start(ChildPurpose purpose, std::uint64_t keys_total,
               const std::function<Status(ProgressReporter&)>& work);
  // Takes its reports. Something once it has ended; then another one may be started.
  std::optional<EndedChild> poll();
  // Ends it (SIGUSR1) and waits for that. Only while one is running.
  EndedChild end();

  void fill(Info& info) const;
  void reset_stats();

 private:
  EndedChild take(const ChildProcess::Exit& exit, bool ended_here);

  const EventSet& events_;
  const Clock& clock_;
  Log& log_;
  LatencyMonitor& latency_;
  std::function<void(std::string_view)> in_child_;
  std::optional<ChildProcess> child_;
  ChildPurpose purpose_ = ChildPurpose::kSnapshot;
  std::uint64_t keys_total_ = 0;
  std::uint64_t copied_bytes_max_ = 0;
  std::int64_t reported_us_ = 0;  // when it last reported
  std::int64_t forks_ = 0;
  std::int64_t latest_fork_us_ = 0;
};

}  // namespace engine::persistence
