// For tests: a failpoint that is armed while this lives. Children forked meanwhile have it too.
#pragma once

#include <fiu-control.h>

#include "engine/base/check.h"
#include "engine/io/failpoint.h"

namespace engine::io {

class ScopedFailpoint {
 public:
  // `result`: what failpoint() returns on every passage.
  ScopedFailpoint(FailpointName name, int result) : name_(name) {
    init_failpoints();
    ENGINE_CHECK(fiu_enable(name_.c_str(), result, nullptr, 0) == 0);
  }
  ~ScopedFailpoint() { fiu_disable(name_.c_str()); }
  ScopedFailpoint(const ScopedFailpoint&) = delete;
  ScopedFailpoint& operator=(const ScopedFailpoint&) = delete;

 private:
  FailpointName name_;
};

}  // namespace engine::io
