#include "harness/recovery/pattern_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/base/glob.h"
#include "harness/base/text.h"

namespace crashpoint::recovery {

using oracle::Outcome;
using oracle::Verdict;

Verdict judge_pattern(const std::string& check, std::string_view when, std::string_view noun,
                      const scenario::Pattern& pattern, std::string_view found) {
  Verdict verdict;
  verdict.check = check;
  verdict.promise = fmt::format("{} there is {} {} that matches '{}'", when,
                                pattern.present ? "a" : "no", noun, pattern.glob);
  if (pattern.present == found.empty()) {
    verdict.outcome = Outcome::kViolation;
    verdict.summary =
        pattern.present ? "there is none" : fmt::format("there is '{}'", escape(found));
  }
  return verdict;
}

std::vector<Verdict> judge_log(const std::string& check, std::string_view when,
                               const std::vector<scenario::Pattern>& patterns,
                               std::string_view log) {
  const std::vector<std::string_view> lines = lines_of(log);
  std::vector<Verdict> verdicts;
  for (const scenario::Pattern& pattern : patterns) {
    const auto line = std::ranges::find_if(
        lines, [&](std::string_view candidate) { return name_match(pattern.glob, candidate); });
    verdicts.push_back(judge_pattern(check, when, "log line", pattern,
                                     line == lines.end() ? std::string_view() : *line));
  }
  return verdicts;
}

}  // namespace crashpoint::recovery
