// Which crash states stand for others: a few for all that lost operations of the same shapes while the
// target was doing the same. What was lost before and after a reply is not the same: something rested
// on the one; nor is what was lost when the reply was a second old, and two: it had to be safe by then.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "harness/crash/selection.h"
#include "harness/explore/state_index.h"

namespace crashpoint::explore {

class Representatives {
 public:
  // Whether the state is one of the first of its kind; asked once for each state.
  bool take(const Scene& scene, std::uint32_t point, const crash::CrashModel& model,
            const crash::Selection& selection, oracle::CrashKind kind);

 private:
  std::unordered_map<std::string, std::uint64_t> taken_;
};

}  // namespace crashpoint::explore
