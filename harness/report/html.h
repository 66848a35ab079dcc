// A run as one self-contained page: reports/viewer.html with the run's report.json embedded. It needs
// no network and works as a local file.
#pragma once

#include <string>

#include "harness/report/result.h"

namespace crashpoint::report {

[[nodiscard]] std::string html_page(const RunResult& run);

}  // namespace crashpoint::report
