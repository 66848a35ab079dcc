// What a power loss at the end of a run may leave, a few directories of it: for crashes that are followed by damage,
// by faults during recovery, by a further cycle, or by a start that must be refused. (Without those an
// exploration of the end tries all of them.)
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/oracle/crash_moment.h"
#include "harness/scenario/scenario.h"
#include "harness/trace/trace.h"

namespace crashpoint::campaign {

struct PowerLoss {
  std::string name;  // "power loss (lost: write of 3 bytes at 0 to t)"
  trace::Image image;
};

struct PowerLosses {
  std::vector<PowerLoss>
      states;  // evenly chosen of all that are permitted, the first and the last included
  std::uint64_t permitted = 0;
  oracle::CrashMoment moment;  // of each
  std::string
      doubt;  // why the trace does not explain `data`; then nothing can be said of any state
};

[[nodiscard]] PowerLosses power_losses(const scenario::Case& of, const trace::Trace& trace,
                                       const std::filesystem::path& data);

}  // namespace crashpoint::campaign
