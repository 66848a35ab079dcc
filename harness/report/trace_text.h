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

// What had been acknowledged while not durable, or that nothing had, or why that cannot be said. `directory` is
// the data directory of the trace.
[[nodiscard]] std::string audit_text(const trace::Audit& audit, const trace::Trace& trace,
                                     const std::string& directory);

// A line for each thing that was not seen, or that differed from a run without a tracer; empty: none.
[[nodiscard]] std::string notes_text(const trace::Trace& trace);

}  // namespace crashpoint::report
