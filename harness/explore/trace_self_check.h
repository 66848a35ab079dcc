// Whether a trace explains the directory that its run left.
#pragma once

#include <memory>
#include <string>

#include "harness/crash/timeline.h"
#include "harness/trace/trace.h"

namespace crashpoint::explore {

// The model must lead to the very directory that the run left, `found`, byte by byte, or nothing it says can be
// believed. What is amiss, in words; empty if nothing is.
[[nodiscard]] std::string trace_self_check(const trace::Trace& trace,
                                           const std::shared_ptr<const crash::Timeline>& timeline,
                                           const trace::Image& found);

}  // namespace crashpoint::explore
