#include "harness/campaign/elsewhere.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace crashpoint::campaign {
namespace {

bool changes_content(const trace::Event& event) {
  return event.op == trace::Op::kWrite || event.op == trace::Op::kCopy ||
         event.op == trace::Op::kMap || event.op == trace::Op::kRename ||
         event.op == trace::Op::kTruncate || (event.op == trace::Op::kOpen && event.created);
}

}  // namespace

std::string written_elsewhere(const trace::Trace& trace, const std::filesystem::path& own) {
  const std::string own_files = own.string() + "/";
  const std::array<std::string_view, 4> others = {"/dev/", "/proc/", "/sys/", own_files};
  std::string found;
  for (const trace::Event& event : trace.events) {
    if (!changes_content(event)) {
      continue;
    }
    if (event.inside) {
      return {};
    }
    const std::string_view path = event.path;
    const bool is_file = path.starts_with('/') &&
                         std::none_of(others.begin(), others.end(), [&](std::string_view other) {
                           return path.starts_with(other);
                         });
    if (is_file && found.empty()) {
      found = path;
    }
  }
  return found;
}

}  // namespace crashpoint::campaign
