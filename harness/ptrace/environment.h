// What the environment of a traced program must say.
#pragma once

#include <map>
#include <string>

#include "harness/fault/libfiu.h"
#include "harness/ptrace/tracer.h"

namespace crashpoint::ptrace {

// Adds to `environment` (the additions to ours) what makes the program
// - announce its failpoints to the tracer (CRASHPOINT_FAILPOINTS=traced), when recording;
// - run under libfiu's POSIX preload with the libfiu faults of `options` (`fiu`; null: none);
// - leave LeakSanitizer off, which cannot work under ptrace.
// Throws UsageError for a libfiu fault on a static program, which a preload cannot reach.
void prepare_environment(const std::string& program, const TracerOptions& options,
                         const fault::FiuPreload* fiu,
                         std::map<std::string, std::string>& environment);

}  // namespace crashpoint::ptrace
