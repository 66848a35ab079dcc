#include "engine/base/latency_monitor.h"

#include <algorithm>

namespace engine {

void LatencyMonitor::keep(std::string_view event, std::int64_t latency_ms) {
  Event& kept = events_[std::string(event)];
  kept.latency_ms_max = std::max(kept.latency_ms_max, latency_ms);
  const std::int64_t now_s = clock_.wall_ms() / 1000;
  if (!kept.samples.empty() && kept.samples.back().time_s == now_s) {
    Sample& last = kept.samples.back();
    last.latency_ms = std::max(last.latency_ms, latency_ms);
    return;
  }
  kept.samples.push_back({now_s, latency_ms});
  if (kept.samples.size() > kSamplesMax) {
    kept.samples.pop_front();
  }
}

std::size_t LatencyMonitor::reset(std::span<const std::string_view> names) {
  std::size_t count = 0;
  if (names.empty()) {
    count = events_.size();
    events_.clear();
  }
  for (const std::string_view name : names) {
    if (const auto at = events_.find(name); at != events_.end()) {
      events_.erase(at);
      ++count;
    }
  }
  return count;
}

}  // namespace engine
