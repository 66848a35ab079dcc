// Keeps a rewrite that fails again and again from being tried without pause: after three failures
// in a row the next automatic try waits 1 minute, then 2, 4, ... 60 (redis-server's
// aofRewriteLimited).
#pragma once

#include <cstdint>

#include "engine/base/log.h"

namespace engine::persistence {

class RewriteLimit {
 public:
  void succeeded() { failures_ = 0; }
  void failed() { ++failures_; }
  std::int64_t failures() const { return failures_; }
  // Whether an automatic try has to wait. Logs when a wait begins.
  bool must_wait(std::int64_t now_us, Log& log);

 private:
  std::int64_t failures_ = 0;  // in a row
  std::int64_t delay_min_ = 0;
  std::int64_t until_us_ = 0;  // 0: no wait has begun
};

}  // namespace engine::persistence
