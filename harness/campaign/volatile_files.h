// Files that a program makes anew whenever it starts: left out of its crash states.
#pragma once

#include <string>
#include <vector>

#include "harness/trace/trace.h"

namespace crashpoint::campaign {

// As if the files all of whose names match one of these globs had never been: in the directory before the run, in
// what was done to it, and in what was not seen of it.
void leave_out_volatile(trace::Trace& trace, const std::vector<std::string>& globs);
void leave_out_volatile(trace::Image& image, const std::vector<std::string>& globs);

}  // namespace crashpoint::campaign
