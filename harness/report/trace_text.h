// A trace for people: what the program did to its files, in order, and the audit of it.
#pragma once

#include <cstddef>
#include <string>

#include "harness/trace/audit.h"
#include "harness/trace/trace.h"

namespace crashpoint::report {

// A line for each operation on the data directory, each persistence point and each acknowledgement;
// repetitions, and cycles of lines, are taken together. At most `lines_max` lines, and then how many more there are.
[[nodiscard]] std::string operations_text(const trace::Trace& trace, std::size_t lines_max);

// A line per file: written, synced, not synced at the end, its name.
[[nodiscard]] std::string files_text(const trace::Audit& audit);

// What had been acknowledged while not durable, or that nothing had.
[[nodiscard]] std::string audit_text(const trace::Audit& audit, std::int64_t began_ns);

}  // namespace crashpoint::report
