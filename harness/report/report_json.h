// Results as JSON: report.json, the one source of every report, and single cases on their way from
// a worker to its parent. The format is reports/schema/report.schema.json.
//
// Text     All strings pass through printable(): the JSON is valid UTF-8 whatever bytes they held,
//          and control characters and ill-formed bytes are seen as \xNN.
#pragma once

#include <string>
#include <string_view>

#include "harness/report/result.h"

namespace crashpoint::report {

[[nodiscard]] std::string encode_case(const CaseResult& result);
// Throws std::runtime_error when `text` is not what encode_case() wrote.
[[nodiscard]] CaseResult decode_case(std::string_view text);

enum class Layout { kReadable, kCompact };

// The content of a report.json.
[[nodiscard]] std::string encode_run(const RunResult& run, Layout layout = Layout::kReadable);
// Throws UsageError saying where `text` departs from the format; `source` names it in the message.
[[nodiscard]] RunResult decode_run(std::string_view text, const std::string& source);

}  // namespace crashpoint::report
