#include "harness/recovery/last_line.h"

#include <fmt/format.h>

#include <regex>

#include "harness/base/text.h"

namespace crashpoint::recovery {

std::string last_line(std::string_view log) {
  while (!log.empty() && (log.back() == '\n' || log.back() == '\r')) {
    log.remove_suffix(1);
  }
  if (log.empty()) {
    return "it printed nothing";
  }
  const std::size_t newline = log.rfind('\n');
  const std::string line(newline == std::string_view::npos ? log : log.substr(newline + 1));
  static const std::regex kPrefix(R"(^\d+:[A-Z] \d+ \w+ \d+ [\d:.]+ [.\-*#] )");
  return fmt::format("its last line: {}", escape(std::regex_replace(line, kPrefix, "")));
}

}  // namespace crashpoint::recovery
