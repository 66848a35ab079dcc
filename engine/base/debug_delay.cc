#include "engine/base/debug_delay.h"

#include <unistd.h>

namespace engine {

void DebugDelay::sleep() {
  if (us_per_item_ > 0) {
    ::usleep(static_cast<useconds_t>(us_per_item_));
  } else if (++items_ >= -us_per_item_) {
    items_ = 0;
    ::usleep(1);
  }
}

}  // namespace engine
