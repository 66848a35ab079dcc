// Results as JSON: report.json, from which every other report is made, and single cases sent from a
// worker to its parent. The format is reports/schema/report.schema.json.
//
// Text     All strings pass through printable(), so the JSON is always valid UTF-8; control characters
//          and invalid bytes are written as \xNN.
#pragma once

#include <string>
#include <string_view>

#include "harness/report/result.h"

namespace crashpoint::report {

[[nodiscard]] std::string encode_case(const CaseResult& result);
// Throws std::runtime_error if `text` was not written by encode_case().
[[nodiscard]] CaseResult decode_case(std::string_view text);

enum class Layout { kReadable, kCompact };

// The content of a report.json.
[[nodiscard]] std::string encode_run(const RunResult& run, Layout layout = Layout::kReadable);
// Throws UsageError that says where `text` violates the format; the message starts with `source`.
[[nodiscard]] RunResult decode_run(std::string_view text, const std::string& source);

}  // namespace crashpoint::report
