// Whether a trace explains the directory that its run left.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "harness/crash/timeline.h"
#include "harness/explore/explore.h"
#include "harness/trace/trace.h"

namespace crashpoint::explore {

struct Doubt {
  std::string words;            // what is amiss; empty: nothing is
  std::set<std::string> files;  // what differs, under every name it had; empty: it may be any

  [[nodiscard]] bool any() const { return !words.empty(); }
  // Whether the finding may be none: what makes the difference in it is not known to be all of other files.
  [[nodiscard]] bool covers(const Finding& finding) const;
};

// The model must lead to the very directory that the run left, `found`, byte by byte, or what it says of a file
// cannot be believed.
[[nodiscard]] Doubt trace_self_check(const trace::Trace& trace,
                                     const std::shared_ptr<const crash::Timeline>& timeline,
                                     const trace::Image& found);

}  // namespace crashpoint::explore
