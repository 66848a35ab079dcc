#include "engine/persistence/rewrite_limit.h"

#include <algorithm>

namespace engine::persistence {
namespace {

constexpr std::int64_t kFailuresBeforeWait = 3;
constexpr std::int64_t kDelayMinMax = 60;
constexpr std::int64_t kUsPerMinute = 60'000'000;

}  // namespace

bool RewriteLimit::must_wait(std::int64_t now_us, Log& log) {
  if (failures_ < kFailuresBeforeWait) {
    delay_min_ = 0;
    until_us_ = 0;
    return false;
  }
  if (until_us_ != 0) {
    if (now_us < until_us_) {
      return true;
    }
    until_us_ = 0;
    return false;
  }
  delay_min_ = delay_min_ == 0 ? 1 : std::min(2 * delay_min_, kDelayMinMax);
  until_us_ = now_us + delay_min_ * kUsPerMinute;
  log.warning(
      "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in {} "
      "minutes",
      delay_min_);
  return true;
}

}  // namespace engine::persistence
