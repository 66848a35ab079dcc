#include "harness/report/html.h"

#include <stdexcept>
#include <string_view>

#include "harness/base/embedded.h"
#include "harness/report/report_json.h"

namespace crashpoint::report {
namespace {

constexpr std::string_view kPlace = "{\"the report\": \"goes here\"}";  // in the viewer

}  // namespace

std::string html_page(const RunResult& run) {
  const std::string_view viewer = embedded::kReportViewer;
  const std::size_t place = viewer.find(kPlace);
  if (place == std::string_view::npos) {
    throw std::logic_error("reports/viewer.html has no place for the report");
  }
  std::string page(viewer.substr(0, place));
  // Inside <script> only '<' is special ("</script", "<!--"). In JSON it occurs only in strings, where
  // \u003c means the same.
  for (const char c : encode_run(run, Layout::kCompact)) {
    if (c == '<') {
      page += "\\u003c";
    } else {
      page += c;
    }
  }
  page += viewer.substr(place + kPlace.size());
  return page;
}

}  // namespace crashpoint::report
