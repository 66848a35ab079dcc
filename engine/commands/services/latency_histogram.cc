#include "engine/commands/services/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace engine::commands {
namespace {

constexpr std::uint64_t kLongestNs = 1'000'000'000;
constexpr std::uint64_t kFirstReportedNs = 1024;
// Below 256 a class is 1 ns wide; from there on every doubling has 128 classes of equal width.
constexpr unsigned kHalfBits = 7;
constexpr std::uint64_t kHalf = 1u << kHalfBits;

unsigned width_bits(std::uint64_t ns) {
  return static_cast<unsigned>(std::bit_width(ns | (2 * kHalf - 1))) - kHalfBits - 1;
}

std::size_t class_of(std::uint64_t ns) {
  const unsigned bits = width_bits(ns);
  return bits * kHalf + (ns >> bits);
}

// The longest duration of a class.
std::uint64_t last_of_class(std::size_t index) {
  const std::size_t bits = index < 2 * kHalf ? 0 : index / kHalf - 1;
  return ((index - bits * kHalf + 1) << bits) - 1;
}

}  // namespace

void LatencyHistogram::record(std::int64_t duration_us) {
  const std::uint64_t ns = std::clamp<std::uint64_t>(
      static_cast<std::uint64_t>(std::max<std::int64_t>(duration_us, 0)) * 1000, 1, kLongestNs);
  ++counts_[class_of(ns)];
  ++count_;
}

double LatencyHistogram::percentile_us(double percent) const {
  const auto wanted = std::max<std::uint64_t>(
      static_cast<std::uint64_t>(std::llround(percent / 100 * static_cast<double>(count_))), 1);
  std::uint64_t counted = 0;
  std::size_t index = 0;
  while ((counted += counts_[index]) < wanted) {
    ++index;
  }
  return static_cast<double>(last_of_class(index)) / 1000;
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> LatencyHistogram::cumulative() const {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rows;
  std::uint64_t counted = 0;
  std::uint64_t reported = 0;
  std::size_t index = 0;
  for (std::uint64_t ns = kFirstReportedNs; reported < count_; ns *= 2) {
    for (const std::size_t end = std::min(class_of(ns) + 1, kClasses); index < end; ++index) {
      counted += counts_[index];
    }
    if (counted > reported) {
      rows.emplace_back(last_of_class(index - 1) / 1000, counted);
      reported = counted;
    }
  }
  return rows;
}

}  // namespace engine::commands
