// How many cases have each status.
#pragma once

#include <cstdint>

#include "harness/report/result.h"

namespace crashpoint::report {

struct Totals {
  std::uint64_t cases = 0;
  std::uint64_t passed = 0;
  std::uint64_t violations = 0;
  std::uint64_t known = 0;
  std::uint64_t inconclusive = 0;
  std::uint64_t cycles = 0;      // rounds of crash, recovery and verdict
  std::uint64_t continued = 0;   // of those: life went on
  double cycles_per_second = 0;  // of wall time; 0 if no time was measured
};

[[nodiscard]] Totals count(const RunResult& run);

}  // namespace crashpoint::report
