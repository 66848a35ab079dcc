// The artificial slowness of rdb-key-save-delay and key-load-delay, with which test suites widen
// the window of a save or load.
#pragma once

#include <cstdint>

namespace engine {

class DebugDelay {
 public:
  // Microseconds per item; negative: one microsecond for every -n items; 0: none.
  explicit DebugDelay(std::int64_t us_per_item) : us_per_item_(us_per_item) {}
  // After each item.
  void pause() {
    if (us_per_item_ != 0) {
      sleep();
    }
  }

 private:
  void sleep();

  std::int64_t us_per_item_;
  std::int64_t items_ = 0;
};

}  // namespace engine
